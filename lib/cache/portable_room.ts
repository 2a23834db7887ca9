/**
 * Keeps a cache of files within its limits while it is written to: room is taken before
 * something is stored, and made if there is none. Comes with the first miss.
 *
 * @module
 */

import type { PortableKeeper } from "./portable_keeper.ts";
import type { BlobFiles } from "./blobs.ts";
import type { CachedRecord } from "./cached_record.ts";
import { causeOf } from "./failure.ts";
import type { CacheFolder } from "./folder.ts";
import type { Leases } from "./lease.ts";
import { KnownRecords } from "./known_records.ts";
import { type Limits, noRoom, overLimit } from "./limits.ts";
import defer * as eviction from "./portable_eviction.ts";
import type { Evictable } from "./portable_eviction.ts";
import type { PortableFolder } from "./portable_folder.ts";
import type { PortableRecords } from "./portable_records.ts";
import defer * as recounting from "./portable_recount.ts";
import type { PortableSnapshots } from "./portable_snapshots.ts";
import type { PortableTotals } from "./portable_totals.ts";
import type { NewRecord } from "./record.ts";
import type { RecordFile } from "./record_file.ts";
import type * as ResultFiles from "./result_files.ts";
import { blobsOf, type Body } from "./row.ts";
import { refusalOf } from "./stored_value.ts";

/** Stores after which ages are looked at, and the totals written where there is no limit. */
const STORES = 64;

/** Records whose age is looked at each time. */
const AGES = 2 * STORES;

/** The part of the limit, and the most, that is taken in advance, so that not each store has to say so. */
const SPARE_PART = 1 / 64, SPARE_BYTES = 1_048_576;

/**
 * The part of the limit that is freed beyond need, as to draw lots for a few records
 * costs as much as for many; where that is little, twice as much up to so many bytes.
 */
const BATCH_PART = 1 / 32, BATCH_BYTES = 1_048_576;

/** Stores for which nothing is freed beyond need where all that is left is pinned. */
const PATIENCE = 1_024;

/** How often a program that finds nothing left looks whether others have stored something meanwhile. */
const LOOKS = 16;

/** What is about to be stored. */
type Identified = Pick<NewRecord, "key" | "fn">;

/** What makes room, and what stores, need of their store. */
export interface PortableHome {
  readonly keeper: PortableKeeper;
  readonly folder: CacheFolder;
  readonly files: PortableFolder;
  readonly records: PortableRecords;
  readonly snapshots: PortableSnapshots;
  readonly totals: PortableTotals;
  readonly blobs: BlobFiles;
  readonly limits: Limits;
  readonly leases: Leases | undefined;
  /** Bytes of blobs that no record names yet: nothing can be done about them. */
  readonly unplaced: Map<string, number>;
  evictable(): Evictable;
  recordOf(file: RecordFile): CachedRecord;
  loadResultFiles(): Promise<typeof ResultFiles>;
  /** Remembers a promise until it has settled. */
  keep<R>(promise: Promise<R>): Promise<R>;
}

/** The room in one cache folder. */
export class PortableRoom {
  /** What need not be read when room is made. */
  readonly known = new KnownRecords();
  readonly #home: PortableHome;
  readonly #spare: number;
  readonly #batch: number;
  #stores = 0;
  /** Settles when all have room who asked for it. */
  #roomMade: Promise<void> = Promise.resolve();
  /** Those who wait for it. */
  #waiting = 0;
  /** Called when somebody gives room back. */
  #onGiven: (() => void) | undefined;
  /** Whether something was stored beyond the limit, for what others are about to store. */
  #isOver = false;
  #patience = 0;
  /** Settles when what was deleted is gone from `tmp`. */
  #removed: Promise<void> = Promise.resolve();
  /** What was left at the last look, beyond what was taken in advance. */
  #left = 0;
  /** Of which folder of records the next ages are looked at. */
  #hand = Math.floor(256 * Math.random());

  constructor(home: PortableHome) {
    this.#home = home;
    const { maxSize } = home.limits;
    this.#spare = maxSize === undefined
      ? 0
      : Math.min(Math.floor(maxSize * SPARE_PART), SPARE_BYTES);
    this.#batch = maxSize === undefined ? 0 : Math.max(
      maxSize * BATCH_PART,
      Math.min(2 * maxSize * BATCH_PART, BATCH_BYTES),
    );
  }

  /** Does what is to be done after the last store. */
  finish(): void {
    if (this.#stores % STORES > 0) this.#expire();
  }

  /** Makes what was stored count; whether that may have made work. */
  settle(): boolean {
    const { keeper, totals, unplaced } = this.#home;
    // Their records could not be stored.
    for (const bytes of unplaced.values()) this.count(bytes);
    unplaced.clear();
    if (totals.isWritten || keeper.state !== "writable") return false;
    if (!totals.tryWrite()) return false;
    this.#shrinkIfOver();
    return true;
  }

  count(bytes: number): void {
    this.#home.totals.add(bytes, 0);
  }

  /** Counts the blobs of a record that is in its place. */
  countPlaced(body: Body): void {
    for (const { sha256 } of blobsOf(body)) {
      this.count(this.#home.unplaced.get(sha256) ?? 0);
      this.#home.unplaced.delete(sha256);
    }
  }

  /** Whether a record has no room in the cache even if all others go. */
  isTooLarge(record: Identified, bytes: number): boolean {
    const { path } = this.#home.folder;
    const refusal = refusalOf(record, bytes, path, this.#home.limits.maxSize);
    if (refusal === undefined || this.#isPinned(record)) return false;
    this.#home.keeper.warn("limit", refusal);
    return true;
  }

  /**
   * Takes room for what is about to be written; whether there is any. It must be given
   * back when that is written, and counted, or could not be.
   */
  take(bytes: number, record: Identified): boolean | Promise<boolean> {
    if (!this.isLimited) {
      this.#home.totals.take(bytes);
      return true;
    }
    this.#patience--;
    const missing = this.#waiting === 0
      ? this.#tryTake(bytes, this.#spare)
      : undefined;
    if (missing === 0) return true;
    // One after the other: what one deletes the next need not.
    this.#waiting++;
    const made = this.#roomMade
      .then(() => this.#makeRoom(bytes, record, missing))
      .finally(() => this.#waiting--);
    this.#roomMade = made.then(() => {});
    return this.#home.keep(made);
  }

  /** Gives room back; what there is to do after that. */
  give(bytes: number): Promise<void> | undefined {
    const { totals } = this.#home;
    totals.give(bytes);
    this.#onGiven?.();
    this.#stores++;
    if (this.#stores % STORES === 0) this.#expire();
    if (this.isLimited) {
      return this.#isOver ? this.#shrinkIfOver() : undefined;
    }
    // Programs with a limit may count on it.
    if (this.#stores % STORES === 0 || totals.unwritten > SPARE_BYTES) {
      totals.tryWrite();
    }
    return undefined;
  }

  /** Deletes records as the disk has no room for so much; whether there is some more now. */
  freeDisk(bytes: number): Promise<boolean> {
    if (!this.isLimited) return Promise.resolve(false);
    const freed = this.#roomMade.then(async () => {
      // There may be much less than the limit.
      const batch = Math.min(this.#batch, this.#size() * BATCH_PART);
      const isFreed = await this.#evict(bytes, batch);
      await this.#removed;
      this.#home.totals.tryWrite();
      return isFreed;
    }).catch(() => false);
    this.#roomMade = freed.then(() => {});
    return this.#home.keep(freed);
  }

  /** Whether there is a limit, so that it matters how much is taken. */
  get isLimited(): boolean {
    return this.#home.limits.maxSize !== undefined;
  }

  get #maxSize(): number {
    return this.#home.limits.maxSize ?? Infinity;
  }

  #isPinned({ key, fn }: Identified): boolean {
    return this.#home.keeper.attempt(() =>
      this.#home.evictable().pins.has(key.toHex(), fn)
    ) ?? false;
  }

  /**
   * Takes room if there is some; how many bytes are missing. If some are, more may be
   * said to be taken than is, until something else is said.
   *
   * @param spare Bytes that are taken in advance.
   */
  #tryTake(bytes: number, spare: number): number {
    const { totals } = this.#home;
    const isKnown = totals.has(bytes);
    if (!isKnown && this.#left < bytes + spare) {
      totals.prepare();
      // To look costs less than to say something in vain.
      const missing = this.#size() + bytes - this.#maxSize;
      if (missing > 0) return missing;
    }
    totals.take(bytes);
    // Where nothing can be written the store tells why.
    if (isKnown || !totals.tryWrite(spare)) return 0;
    const left = this.#left = this.#maxSize - this.#size();
    if (left < 0) {
      totals.give(bytes);
      return -left;
    }
    // Less is taken in advance then.
    if (left < spare) totals.tryWrite(left);
    return 0;
  }

  /**
   * Deletes records until there is room; whether there is.
   *
   * @param missing What is known to be missing.
   */
  async #makeRoom(
    bytes: number,
    record: Identified,
    missing?: number,
  ): Promise<boolean> {
    const { totals } = this.#home;
    let spare = this.#spare;
    let looks = 0;
    try {
      for (;;) {
        const excess = missing ?? this.#tryTake(bytes, spare);
        missing = undefined;
        if (excess === 0) return true;
        if (await this.#evict(excess)) {
          // What was freed beyond need is taken for the next stores.
          spare = 2 * this.#spare;
          continue;
        }
        if (totals.taken === 0) {
          const taken = this.#takeWhatIsLeft(bytes, record, ++looks < LOOKS);
          if (taken === undefined) continue;
          return taken;
        }
        totals.tryWrite();
        // What is being stored by this program can go when it is there.
        await new Promise<void>((resolve) => this.#onGiven = resolve);
      }
    } catch (error) {
      this.#warnOver(error);
      totals.take(bytes);
      return true;
    }
  }

  /** Evicts at least so much; whether that could be done. */
  async #evict(
    excess: number,
    batch = this.#patience > 0 ? 0 : this.#batch,
  ): Promise<boolean> {
    const { totals } = this.#home;
    let freed = 0;
    await this.#removed;
    const evictable = this.#home.evictable();
    await eviction.evict(evictable, excess + batch, this.known, {
      begin: () => totals.beginDelete(),
      note: (bytes) => {
        freed += bytes;
        this.count(-bytes);
      },
      // So that other programs need not delete it as well.
      pause: () => totals.tryWrite(),
      removing: (done) => this.#removed = this.#home.keep(done),
    });
    return freed >= excess;
  }

  /**
   * No record is left that may go: whether something may be stored all the same;
   * `undefined` if there are such records now.
   */
  #takeWhatIsLeft(
    bytes: number,
    record: Identified,
    mayLook: boolean,
  ): boolean | undefined {
    const { totals, folder } = this.#home;
    const cache = this.#home.evictable();
    // Said before it is counted, as two may do so at once.
    totals.take(bytes);
    let counted: recounting.Counted;
    try {
      const before = totals.beforeCount();
      counted = recounting.recount(
        cache,
        record.key.toHex(),
        () => totals.beginDelete(),
        (freed) => this.count(-freed),
      );
      const { size } = totals.correct(counted.bytes, before, false);
      totals.tryWrite();
      if ((size ?? totals.size()) <= this.#maxSize) return true;
    } catch (error) {
      totals.give(bytes);
      throw error;
    }
    totals.give(bytes);
    if (counted.isMore && mayLook) return undefined;
    const isPinned = this.#isPinned(record);
    if (counted.pinned + bytes > this.#maxSize) {
      this.#patience = PATIENCE;
      this.#home.keeper.warn(
        "limit",
        isPinned
          ? overLimit(folder.path, totals.size() + bytes, this.#maxSize, true)
          : noRoom(folder.path, this.#maxSize, !cache.pins.isEmpty),
      );
      if (!isPinned) return false;
    } else this.#isOver = true;
    // What others are storing can go when it is there.
    totals.take(bytes);
    totals.tryWrite();
    return true;
  }

  /** Deletes records if something was stored beyond the limit. */
  #shrinkIfOver(): Promise<void> | undefined {
    if (this.#size() <= this.#maxSize) return undefined;
    this.#roomMade = this.#roomMade.then(async () => {
      try {
        this.#isOver = this.#size() > this.#maxSize;
        if (this.#isOver) await this.#evict(this.#size() - this.#maxSize);
        this.#home.totals.tryWrite();
      } catch (error) {
        this.#warnOver(error);
      }
    });
    return this.#home.keep(this.#roomMade);
  }

  /** What the cache takes, as far as it is known. */
  #size(): number {
    return this.#home.keeper.attempt(() => this.#home.totals.size()) ?? 0;
  }

  #warnOver(error: unknown): void {
    this.#home.keeper.warn(
      "evict",
      `the cache in ${this.#home.folder.path} is over its limit and cannot be made smaller: ${
        causeOf(error)
      }`,
    );
  }

  /** Deletes some of what was not used for too long; all have their turn. */
  #expire(): void {
    const { maxAge } = this.#home.limits;
    if (maxAge === undefined) return;
    this.#home.keeper.attempt(() => {
      const cache = this.#home.evictable();
      const shards = this.#home.files.shards("jobs");
      this.#home.totals.beginDelete();
      for (let seen = 0, i = 0; i < shards.length && seen < AGES; i++) {
        const shard = shards[this.#hand++ % shards.length]!;
        const expired = eviction.expire(cache, shard, Date.now() - maxAge);
        seen += expired.seen;
        this.count(-expired.freed);
      }
      this.#home.totals.tryWrite();
    });
  }
}
