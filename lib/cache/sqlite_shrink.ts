/**
 * Makes a large cache small in one pass, where no job waits for it.
 *
 * A sample tells how gladly a record must be given away to go; then all records are
 * gone through in their order, and those go. So neighbours go together: a page of
 * records is changed once, and a page of the index of keys, where they are all over,
 * as seldom as can be (11 s for 500,000 of a million records with a sample for each
 * 16,384, 6.5 s so). Where that did not free enough, as pages that lose only some of
 * their rows stay, the next pass follows.
 *
 * @module
 */

import type { Evictor } from "./sqlite_eviction.ts";
import type { Opened } from "./opened.ts";
import { candidatesFrom } from "./sqlite_candidates.ts";
import { countRecords, usedBytes } from "./sqlite_totals.ts";
import { score } from "./victims.ts";

/** Records gone through in one transaction. */
const ROWS = 65_536;

/** Runs of neighbours in a sample. */
const RUNS = 512;

/** So much more than is needed is to go by the sample, which may be wrong by a little. */
const SURPLUS = 1.02;

/** Evicts the records of one cache until it takes no more than so many bytes. */
export class Shrinker {
  readonly #evictor: Evictor;
  readonly #target: number;
  /** When scores are taken, in ms since the epoch. */
  readonly #now = Date.now();
  /** The least score of those who go; `undefined` before a pass. */
  #least: number | undefined;
  #hand = 0;
  /** Records that went in this pass. */
  #gone = 0;
  #isStuck = false;

  constructor(evictor: Evictor, target: number) {
    this.#evictor = evictor;
    this.#target = target;
  }

  /** Whether it ended as nothing more can go. */
  get isStuck(): boolean {
    return this.#isStuck;
  }

  /** Goes through the next records; whether no more are to go, or can. */
  step(opened: Opened): boolean {
    const { database } = opened;
    // What needs no record to go goes before it is measured how many have to.
    if (usedBytes(database) > this.#target) this.#evictor.sweepUnused(opened);
    const excess = usedBytes(database) - this.#target;
    if (excess <= 0) return true;
    this.#least ??= this.#leastScore(opened, excess);
    const least = this.#least;
    const seen = candidatesFrom(database, this.#hand + 1, ROWS);
    const victims = this.#evictor.unpinned(
      opened,
      seen.filter((candidate) => score(candidate, this.#now) >= least),
    );
    this.#gone += this.#evictor.delete(opened, victims, excess);
    if (seen.length === ROWS) {
      this.#hand = seen.at(-1)!.id;
      return false;
    }
    // If all who may go had to, nothing is left.
    this.#isStuck = this.#gone === 0 && least === -Infinity;
    if (this.#gone === 0) this.#least = -Infinity;
    else this.#least = undefined;
    this.#hand = 0;
    this.#gone = 0;
    return this.#isStuck;
  }

  /** The score from which on records are to go, so that about so much is freed. */
  #leastScore(opened: Opened, excess: number): number {
    const sample = this.#evictor.sample(opened, RUNS);
    const { records } = countRecords(opened.database);
    const wanted = SURPLUS * excess * sample.length / records;
    const scored = this.#evictor.unpinned(opened, sample)
      .map((candidate) => ({
        bytes: candidate.bytes,
        score: score(candidate, this.#now),
      }))
      .sort((a, b) => b.score - a.score);
    let freed = 0;
    for (const { bytes, score } of scored) {
      freed += bytes;
      if (freed >= wanted) return score;
    }
    return -Infinity;
  }
}
