/**
 * Waiting for an answer, as long as it is reasonable.
 *
 * @module
 */

/**
 * In how many steps the time is counted. Between two of them messages arrive: a
 * program that was itself held up must not take that for silence.
 */
const STEPS = 5;

/** A time limit that does not keep the program from ending, unless it is held. */
export class Patience {
  #timer: ReturnType<typeof setTimeout> | undefined;
  #held = false;

  /** Begins anew: calls `over` after `delay` ms. */
  begin(delay: number, over: () => void): void {
    this.#step(delay / STEPS, STEPS, over);
  }

  /** Waits no more. */
  end(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Keeps the program from ending meanwhile, now and later. */
  hold(): void {
    this.#held = true;
    if (this.#timer !== undefined) Deno.refTimer(this.#timer);
  }

  #step(delay: number, steps: number, over: () => void): void {
    this.end();
    const timer = setTimeout(() => {
      if (steps > 1) return this.#step(delay, steps - 1, over);
      this.#timer = undefined;
      over();
    }, delay);
    if (!this.#held) Deno.unrefTimer(timer);
    this.#timer = timer;
  }
}
