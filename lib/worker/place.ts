/**
 * The place of Tasks that run one after the other, for one that comes behind them.
 *
 * @module
 */

/** A place in a worker. */
export class Place {
  #isLeft = false;
  #isFree = false;
  readonly #behind: { readonly onPause: boolean; begin(): void }[] = [];
  /** Is called when the last of the Tasks waits for jobs of its own. */
  readonly free: () => void = () => {
    this.#isFree = true;
    this.#look();
  };

  /** All of the Tasks have left. */
  leave(): void {
    this.#isLeft = true;
    this.free();
  }

  /** Resolves when all of the Tasks have left, or, `onPause`, when the last of them waits. */
  async turn(onPause: boolean): Promise<void> {
    if (this.#isLeft || onPause && this.#isFree) return;
    await new Promise<void>((begin) => this.#behind.push({ onPause, begin }));
  }

  #look(): void {
    for (const { onPause, begin } of this.#behind) {
      if (this.#isLeft || onPause) begin();
    }
  }
}
