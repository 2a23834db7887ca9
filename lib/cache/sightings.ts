/**
 * What was seen of others, and since when it has been so: by this process's own
 * clock, which nobody can set, as clocks of others cannot be compared with it.
 *
 * @module
 */

/** What was seen last of each of several things. */
export class Sightings {
  readonly #seen = new Map<string, { text: string; since: number }>();

  /** For how long something has been seen as it is now, in ms; 0 at the first sight. */
  unchanged(id: string, text: string): number {
    const now = performance.now();
    const last = this.#seen.get(id);
    if (last?.text === text) return now - last.since;
    this.#seen.set(id, { text, since: now });
    return 0;
  }

  /** The next sight is the first one again. */
  forget(id: string): void {
    this.#seen.delete(id);
  }
}
