/**
 * The tokens of the leases that one owner gets. No owner has the same one twice:
 * so whoever was taken over, and does not know it, cannot pass for the one who has
 * the key now, even if that is the same process again.
 *
 * @module
 */

/** Gives tokens out: µs since the epoch, so that those of different owners grow too. */
export class Tokens {
  #last = 0;

  /** The next one, which is also larger than the one given. */
  next(after = 0): number {
    const now = performance.timeOrigin + performance.now();
    return this.#last = Math.max(
      this.#last + 1,
      after + 1,
      Math.floor(1_000 * now),
    );
  }
}
