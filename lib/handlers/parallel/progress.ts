/**
 * When to look whether a worker gets on with what it was given.
 *
 * @module
 */

/** After how long without progress the rest of a batch is taken back at the earliest, in ms. */
const PATIENCE = 5;

/** What takes longer than it mostly does has so many times that. */
const TIMES = 2;

/** Looks at a worker that has a batch, as long as that is needed. */
export class Progress {
  readonly #look: () => boolean;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #delay = PATIENCE;

  /** Calls `look` from time to time, until it returns `false`. */
  constructor(look: () => boolean) {
    this.#look = look;
  }

  /** Begins to look, unless it has; what was given takes mostly `duration` ms. */
  watch(duration = 0): void {
    this.#delay = Math.max(PATIENCE, TIMES * duration);
    if (this.#timer === undefined) this.#watch();
  }

  #watch(): void {
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (this.#look()) this.#watch();
    }, this.#delay);
    // Nobody waits for that.
    Deno.unrefTimer(this.#timer);
  }

  /** Looks no more. */
  end(): void {
    clearTimeout(this.#timer);
  }
}
