/**
 * When to look whether a worker gets on with what it was given.
 *
 * @module
 */

/** After how long without progress the rest of a batch is taken back at the earliest, in ms. */
const PATIENCE = 5;

/** Looks at a worker that has a batch, as long as that is needed. */
export class Progress {
  readonly #look: () => boolean;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Calls `look` from time to time, until it returns `false`. */
  constructor(look: () => boolean) {
    this.#look = look;
  }

  /** Begins to look, unless it has. */
  watch(): void {
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (this.#look()) this.watch();
    }, PATIENCE);
    // Nobody waits for that.
    Deno.unrefTimer(this.#timer);
  }

  /** Looks no more. */
  end(): void {
    clearTimeout(this.#timer);
  }
}
