/**
 * Whether a worker gets on with what it was given.
 *
 * @module
 */

/** After how long without progress the rest of a batch is taken back, in ms. */
const PATIENCE = 5;

/** Looks at a worker that has a batch, as long as it gets on. */
export class Progress {
  readonly #look: () => boolean;
  #steps = 0;
  #before = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Calls `look` from time to time, until it returns `false`. */
  constructor(look: () => boolean) {
    this.#look = look;
  }

  /** Whether nothing has ended since the last look, or since it was begun to look. */
  get hasStopped(): boolean {
    return this.#steps === this.#before;
  }

  /** A Task has ended. */
  note(): void {
    this.#steps++;
  }

  /** Begins to look, unless it has. */
  watch(): void {
    if (this.#timer !== undefined) return;
    this.#before = this.#steps;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (this.#look()) this.watch();
    }, PATIENCE);
  }

  /** Looks no more. */
  end(): void {
    clearTimeout(this.#timer);
  }
}
