/**
 * Whether a worker takes up what it was given. What a job has left behind, a timer that
 * loops for instance, may keep its worker busy when nobody waits for it any more: what
 * comes next would wait as long.
 *
 * @module
 */

/** For how long a worker may be silent that has begun with nothing of what it was given, in ms. */
const PATIENCE = 3_000;

/** Looks at a worker from time to time, as long as it has something to do. */
export class Uptake {
  readonly #state: () => "idle" | "busy" | "waiting";
  readonly #isDeaf: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #silentSince: number | undefined;

  /**
   * `state` says whether the worker has nothing, has begun with something, or has not begun with
   * anything of what it has, as far as that can be seen. Calls `isDeaf` if that lasts.
   */
  constructor(state: () => "idle" | "busy" | "waiting", isDeaf: () => void) {
    this.#state = state;
    this.#isDeaf = isDeaf;
  }

  /** Whether nothing was heard of the worker for long, since it was given something. */
  get isSilent(): boolean {
    return this.#silentSince !== undefined &&
      performance.now() - this.#silentSince >= PATIENCE;
  }

  /** The worker was given something. */
  given(): void {
    this.#silentSince ??= performance.now();
    if (this.#timer === undefined) this.#wait();
  }

  /** The worker has said something. */
  heard(): void {
    this.#silentSince = undefined;
  }

  /** Looks no more. */
  end(): void {
    clearTimeout(this.#timer);
  }

  #wait(): void {
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      const state = this.#state();
      if (state === "idle") return;
      this.#wait();
      if (state === "busy") this.heard();
      else if (this.isSilent) this.#isDeaf();
      else this.given();
    }, PATIENCE);
    Deno.unrefTimer(this.#timer);
  }
}
