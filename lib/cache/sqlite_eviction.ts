/**
 * Keeps a cache within its limits while it is written to.
 *
 * Nothing is walked for that: victims are the best of a sample, as Redis takes them,
 * and a hand that goes round the records finds those that are too old. Records are
 * looked at, and go, in runs of neighbours, which share pages.
 *
 * @module
 */

import {
  type BlobHome,
  deleteRecords,
  sweepBlobs,
  sweepUnused,
} from "./blob_links.ts";
import { type Limits, noRoom, overLimit } from "./limits.ts";
import type { Opened } from "./opened.ts";
import {
  bestOf,
  candidatesFrom,
  idOf,
  type SqliteVictim,
} from "./sqlite_candidates.ts";
import { readPins } from "./sqlite_pins.ts";
import { PAGE_BYTES } from "./schema.ts";
import { total, usedBytes } from "./sqlite_totals.ts";
import { PinSet } from "./victims.ts";

/** Stores after which the size is looked at. */
const LOOK_EVERY = 16;

/** Rows that the hand of `maxAge` looks at for each store. */
const HAND_ROWS = 2;

/**
 * A sample: so many runs of neighbours, of which the best go. Few of many would be
 * better victims, but a page that loses only some of its rows is costly: it stays, or
 * is merged with others.
 */
const RUNS = 8, BEST = 256;

/** Samples without a victim after which all records are gone through. */
const MAX_VAIN = 8;

/** Bytes of a row beside its body and details, at most, and those that a page of a large row holds. */
const ROW_BYTES = 200, PAYLOAD_BYTES = PAGE_BYTES - 4;

/** A row of no more than this leaves less than this free on its page for the next. */
const SMALL_BYTES = 1_024;

/**
 * Pages that records may take beside those of their rows. Each may split a leaf of the
 * index of keys. A page above the leaves holds dozens of them, so few of those are split
 * between two looks; and the first row may begin a page.
 */
const LEAF_PAGES = 1, OTHER_PAGES = 5;

/** The most that is kept free for what other programs store between two looks. */
const MARGIN_BYTES = 1_048_576;

/** The part of a cache, and the most, that is freed at once beyond need, so that it is seldom to be done: a sample costs the same for few victims and for many. */
const BATCH_PART = 1 / 20, BATCH_BYTES = 262_144;

/** What is deleted beyond need, as pages that lose only some of their rows stay: to delete once more costs a transaction. */
const BEYOND_BYTES = 2 * PAGE_BYTES;

/** Records whose blobs go right behind them: who is killed in between leaves no more. */
const WITH_BLOBS = 64;

/** Stores after which it is tried again where all that is left is pinned. */
const PATIENCE = 1_024;

/** What went. */
export interface Evicted {
  records: number;
  blobs: number;
}

/** Evicts records of one cache. */
export class Evictor {
  readonly #limits: Limits;
  readonly #home: BlobHome;
  readonly #warn: (message: string) => void;
  /** Bytes of blobs that are being written, which no row names yet. */
  #coming = 0;
  /** Settles when all have room who asked for it. */
  #admitted: Promise<void> = Promise.resolve();
  #onArrival: (() => void) | undefined;
  /** The size at the last look, and the most that own stores can have added. */
  #size = Infinity;
  #grown = 0;
  #stores = 0;
  /** What had come into the database beside records by then. */
  #added = 0;
  #hand = 0;
  #patience = 0;
  readonly evicted: Evicted = { records: 0, blobs: 0 };

  constructor(
    limits: Limits,
    home: BlobHome,
    warn: (message: string) => void,
  ) {
    this.#limits = limits;
    this.#home = home;
    this.#warn = warn;
  }

  /**
   * Makes room for blobs before they are written: after others of this program that
   * leave none, as those can go when they are there.
   *
   * @returns What to call when a row names them, or none will.
   */
  async expect(
    open: () => Opened | undefined,
    bytes: number,
  ): Promise<() => void> {
    await (this.#admitted = this.#admitted.then(() =>
      this.#admit(open, bytes)
    ));
    this.#coming += bytes;
    return () => {
      this.#coming -= bytes;
      bytes = 0;
      this.#onArrival?.();
    };
  }

  async #admit(open: () => Opened | undefined, bytes: number): Promise<void> {
    const { maxSize = Infinity } = this.#limits;
    while (bytes > 0 && maxSize !== Infinity) {
      const left = maxSize - this.#margin - this.#coming - bytes;
      try {
        const opened = open();
        if (opened === undefined) return;
        const size = usedBytes(opened.database);
        if (size <= left) return;
        const room = this.#makeRoom(opened, Math.max(left, 0), undefined);
        if (room <= left || this.#coming === 0) return;
      } catch {
        // Others are at the database: what is over goes after the next store.
        return;
      }
      await new Promise<void>((resolve) => this.#onArrival = resolve);
    }
  }

  /** What is kept free for what other programs store between two looks. */
  get #margin(): number {
    return Math.min((this.#limits.maxSize ?? 0) / 16, MARGIN_BYTES);
  }

  /**
   * Makes room after a record was stored; whether the record is still there.
   *
   * @param bytes Bytes of its row.
   * @param isKnown Whether nothing else was stored since the last look, blobs and by others.
   */
  stored(
    opened: Opened,
    key: Uint8Array,
    bytes: number,
    isKnown: boolean,
  ): boolean {
    const { maxSize = Infinity } = this.#limits;
    this.#stores++;
    this.#patience--;
    this.#grown += (pagesOf(bytes + ROW_BYTES) + LEAF_PAGES) * PAGE_BYTES;
    if (
      isKnown && opened.interned.added === this.#added &&
      this.#stores < LOOK_EVERY &&
      this.#size + this.#grown + OTHER_PAGES * PAGE_BYTES <= maxSize
    ) return true;
    if (this.#limits.maxAge !== undefined) {
      this.expire(opened, this.#stores * HAND_ROWS);
    }
    this.#stores = 0;
    this.#grown = 0;
    this.#added = opened.interned.added;
    if (maxSize === Infinity) return true;
    this.#size = usedBytes(opened.database);
    const margin = this.#margin;
    if (this.#size + this.#coming <= maxSize - margin) return true;
    if (this.#patience > 0 && this.#size <= maxSize) return true;
    const batch = Math.min(maxSize * BATCH_PART, BATCH_BYTES);
    const own = idOf(opened.database, key);
    const target = Math.max(maxSize - margin - batch - this.#coming, 0);
    this.#size = this.#makeRoom(opened, target, own);
    return this.#size <= maxSize || this.#giveUp(opened, own, maxSize);
  }

  /** Deletes the records among the next `rows` that were not used for too long; whether the hand came round. */
  expire(opened: Opened, rows: number): boolean {
    const { maxAge = Infinity } = this.#limits;
    const { database } = opened;
    const seen = candidatesFrom(database, this.#hand + 1, rows);
    const oldest = Date.now() - maxAge;
    const old = seen.filter(({ usedAt }) => usedAt < oldest);
    if (old.length > 0) this.delete(opened, this.unpinned(opened, old));
    const isRound = seen.length < rows;
    this.#hand = isRound ? 0 : seen.at(-1)!.id;
    return isRound;
  }

  /** Evicts until the cache takes no more than so much, or nothing more can go; what it takes then. */
  #makeRoom(
    opened: Opened,
    target: number,
    spared: number | undefined,
  ): number {
    let size = usedBytes(opened.database);
    let victims: SqliteVictim[] = [];
    for (let vain = 0; size > target;) {
      const excess = size - target - this.sweepUnused(opened);
      if (excess > 0) {
        // Where pages stay as they lost only some rows, the rest of a sample goes on.
        if (victims.length === 0) {
          victims = vain < MAX_VAIN
            ? this.#best(opened, spared)
            : this.#next(opened, spared);
          if (victims.length === 0 && vain++ === MAX_VAIN) break;
        }
        const wanted = excess + BEYOND_BYTES;
        victims = victims.slice(this.delete(opened, victims, wanted).count);
      }
      size = usedBytes(opened.database);
    }
    return size;
  }

  /** The best victims of a sample. */
  #best(opened: Opened, spared: number | undefined): SqliteVictim[] {
    const { database } = opened;
    const most = this.#hasPins(opened) ? undefined : BEST;
    return this.unpinned(opened, bestOf(database, RUNS, most), spared)
      .slice(0, BEST);
  }

  /** Deletes blobs that no record refers to; the bytes freed. */
  sweepUnused({ database }: Opened): number {
    if (total(database, "unused_bytes") === 0) return 0;
    const { count, bytes } = sweepUnused(database, this.#home);
    this.evicted.blobs += count;
    return bytes;
  }

  /** The first records that may go, where samples find none. */
  #next(opened: Opened, spared: number | undefined): SqliteVictim[] {
    for (let from = 0;;) {
      const seen = candidatesFrom(opened.database, from, 1_000);
      if (seen.length === 0) return [];
      const victims = this.unpinned(opened, seen, spared);
      if (victims.length > 0) return victims.slice(0, BEST);
      from = seen.at(-1)!.id + 1;
    }
  }

  /** Those of some records that may go. */
  unpinned<V extends SqliteVictim>(
    { database, interned }: Opened,
    candidates: readonly V[],
    spared?: number,
  ): V[] {
    const pins = new PinSet(readPins(database), this.#limits.keep);
    const kept = new Set(
      Array.from(pins.keys, (key) => idOf(database, Uint8Array.fromHex(key))),
    );
    kept.add(spared);
    return candidates.filter(({ id, fn }) => {
      if (kept.has(id)) return false;
      const info = interned.functionOf(fn);
      return info === undefined || !pins.hasFunction(info);
    });
  }

  /** Deletes records, and their blobs, until about so much is freed; how many, and the bytes that they count. */
  delete(
    { database }: Opened,
    victims: readonly SqliteVictim[],
    wanted = Infinity,
  ): { count: number; bytes: number } {
    let bytes = 0;
    const doomed: SqliteVictim[] = [];
    for (let i = 0; i < victims.length && bytes < wanted; i++) {
      doomed.push(victims[i]!);
      bytes += victims[i]!.bytes;
    }
    // Neighbours one after the other: their pages are merged once.
    doomed.sort((a, b) => a.id - b.id);
    const plain = doomed.filter(({ refers }) => !refers);
    if (plain.length > 0) {
      database.transact(() => deleteRecords(database, plain));
      this.evicted.records += plain.length;
    }
    const others = doomed.filter(({ refers }) => refers);
    for (let i = 0; i < others.length; i += WITH_BLOBS) {
      const some = others.slice(i, i + WITH_BLOBS);
      const unused = database.transact(() => deleteRecords(database, some));
      this.evicted.records += some.length;
      this.evicted.blobs += sweepBlobs(database, unused, this.#home).count;
    }
    return { count: doomed.length, bytes };
  }

  /** Nothing is left that may go but the record that was just stored; whether that may stay. */
  #giveUp(opened: Opened, own: number | undefined, maxSize: number): boolean {
    const { database } = opened;
    let isKept = true;
    if (own !== undefined) {
      const stored = candidatesFrom(database, own, 1)
        .filter(({ id }) => id === own);
      const doomed = this.unpinned(opened, stored);
      this.delete(opened, doomed);
      isKept = doomed.length === 0;
      this.#size = usedBytes(database);
    }
    this.#patience = PATIENCE;
    const { path } = this.#home.folder;
    this.#warn(
      this.#size > maxSize
        ? overLimit(path, this.#size, maxSize, this.#hasPins(opened))
        : noRoom(path, maxSize, this.#hasPins(opened)),
    );
    return isKept;
  }

  #hasPins({ database }: Opened): boolean {
    return !new PinSet(readPins(database), this.#limits.keep).isEmpty;
  }
}

/** The pages that rows of so many bytes take each, at most, if there are many. */
function pagesOf(rowBytes: number): number {
  return rowBytes > SMALL_BYTES
    ? Math.ceil(rowBytes / PAYLOAD_BYTES)
    : rowBytes / (PAYLOAD_BYTES - SMALL_BYTES);
}
