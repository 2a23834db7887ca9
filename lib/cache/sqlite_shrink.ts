/**
 * Makes a large cache small, where no job waits for it.
 *
 * A sample tells how gladly a record must be given away to go; then all records are
 * gone through in their order, and those go. So neighbours go together: a page of
 * records is changed once, and a page of the index of keys, where they are all over,
 * as seldom as can be (11 s for 500,000 of a million records with a sample for each
 * 16,384, 6.5 s so).
 *
 * Pages that lose only some of their rows stay. So where the file can be compacted, a
 * pass deletes what should be enough once that is done; then it is compacted, and
 * measured, and the next pass deletes what is missing. Else pass follows pass until
 * enough pages are free.
 *
 * @module
 */

import type { Evictor } from "./sqlite_eviction.ts";
import type { Opened } from "./opened.ts";
import {
  candidatesFrom,
  sampleOf,
  type SqliteCandidate,
} from "./sqlite_candidates.ts";
import { countRecords, usedBytes } from "./sqlite_totals.ts";
import { score } from "./victims.ts";

/** Records gone through in one transaction. */
const ROWS = 65_536;

/** Runs of neighbours in a sample. */
const RUNS = 512;

/** So much more than is needed is to go by the sample, which may be wrong by a little. */
const SURPLUS = 1.02;

/** The part of the limit that a pass frees beyond need, so that seldom another is needed. */
const SLACK = 1 / 400;

/** A cache of no more than this is compacted before the first pass, in bytes. */
const SMALL_BYTES = 33_554_432;

/** The part of the limit that a larger one may be found to take less when it is compacted after that. */
const LOOSE = 1 / 12;

/** Evicts the records of one cache until it takes no more than so many bytes. */
export class Shrinker {
  readonly #evictor: Evictor;
  readonly #target: number;
  readonly #compact: (opened: Opened) => boolean;
  /** When scores are taken, in ms since the epoch. */
  readonly #now = Date.now();
  /** The least score of those who go; `undefined` before a pass. */
  #least: number | undefined;
  #hand = 0;
  /** Records that went in this pass. */
  #gone = 0;
  #isStuck = false;
  /** Whether the file can be compacted. */
  #compacts: boolean | undefined;
  /** What is to go in this pass if it can be, by the sizes of records. */
  #wanted = 0;
  /** What had to go at the last pass, and how much more than it takes goes where that hardly helped. */
  #before = Infinity;
  #zeal = 1;

  /** @param compact Gives the room back that is free within pages; whether that can be done. */
  constructor(
    evictor: Evictor,
    target: number,
    compact: (opened: Opened) => boolean,
  ) {
    this.#evictor = evictor;
    this.#target = target;
    this.#compact = compact;
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
    if (this.#excess(opened) <= 0) return true;
    if (this.#least === undefined) {
      this.#begin(opened);
      if (this.#excess(opened) <= 0) return true;
      if (this.#compacts && this.#wanted <= 0) {
        this.#least = undefined;
        return false;
      }
    }
    const least = this.#least!;
    const wanted = this.#compacts ? this.#wanted : this.#excess(opened);
    const seen = candidatesFrom(database, this.#hand + 1, ROWS);
    const victims = this.#evictor.unpinned(
      opened,
      seen.filter((candidate) => score(candidate, this.#now) >= least),
    );
    const { count, bytes } = this.#evictor.delete(opened, victims, wanted);
    this.#gone += count;
    this.#wanted -= bytes;
    if (seen.length === ROWS && !(this.#compacts && this.#wanted <= 0)) {
      this.#hand = seen.at(-1)!.id;
      return false;
    }
    // If all who may go had to, nothing is left.
    this.#isStuck = this.#gone === 0 && least === -Infinity;
    this.#least = this.#gone === 0 ? -Infinity : undefined;
    this.#hand = 0;
    this.#gone = 0;
    return this.#isStuck;
  }

  /** Begins a pass. */
  #begin(opened: Opened): void {
    const isLoose = this.#compacts === undefined &&
      usedBytes(opened.database) > SMALL_BYTES;
    this.#compacts = isLoose || this.#compact(opened);
    const excess = this.#excess(opened);
    if (excess <= 0) return;
    // Blobs that others name as well stay, so it may take more.
    this.#zeal *= excess > this.#before / 2 ? 2 : 1;
    this.#before = isLoose ? Infinity : excess;
    const sample = sampleOf(opened.database, RUNS);
    const { records } = countRecords(opened.database);
    const part = sample.length / Math.max(records, 1);
    const bytes = sample.reduce((sum, { bytes }) => sum + bytes, 1) / part;
    // So much is free for each byte of a record that goes.
    const density = Math.max(usedBytes(opened.database) / bytes, 1);
    const beyond = isLoose ? -LOOSE : SLACK;
    this.#wanted = this.#zeal *
      Math.max(excess + this.#target * beyond, 0) / density;
    this.#least = this.#leastScore(
      opened,
      sample,
      part * (this.#compacts ? this.#wanted : excess),
    );
  }

  #excess({ database }: Opened): number {
    return usedBytes(database) - this.#target;
  }

  /** The score from which on records are to go, so that about so much of a sample does. */
  #leastScore(
    opened: Opened,
    sample: readonly SqliteCandidate[],
    wanted: number,
  ): number {
    const scored = this.#evictor.unpinned(opened, sample)
      .map((candidate) => ({
        bytes: candidate.bytes,
        score: score(candidate, this.#now),
      }))
      .sort((a, b) => b.score - a.score);
    let freed = 0;
    for (const { bytes, score } of scored) {
      freed += bytes;
      if (freed >= SURPLUS * wanted) return score;
    }
    return -Infinity;
  }
}
