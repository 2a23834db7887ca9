/**
 * The time that a worker has been without a Task.
 *
 * @module
 */

/**
 * Calls back after some time without work. Work comes and goes much more often
 * than that: so one timer goes on meanwhile, and looks when it is over.
 */
export class Idle {
  readonly #limit: number;
  readonly #holdsProgram: boolean;
  readonly #over: () => void;
  #since: number | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Calls `over` after `limit` ms without work. */
  constructor(limit: number, holdsProgram: boolean, over: () => void) {
    this.#limit = limit;
    this.#holdsProgram = holdsProgram;
    this.#over = over;
  }

  /** There is no work now. */
  begin(): void {
    this.#since = performance.now();
    if (this.#timer === undefined) this.#wait(this.#limit);
  }

  /** There is work again. */
  end(): void {
    this.#since = undefined;
  }

  /** Waits no more. */
  stop(): void {
    clearTimeout(this.#timer);
  }

  #wait(time: number): void {
    // Longer than a timer can be is for ever.
    if (time >= 2 ** 31) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (this.#since === undefined) return;
      const left = this.#since + this.#limit - performance.now();
      if (left > 0) this.#wait(left);
      else this.#over();
    }, time);
    if (!this.#holdsProgram) Deno.unrefTimer(this.#timer);
  }
}
