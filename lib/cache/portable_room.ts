/**
 * Keeps a cache of files within its limits while it is written to: what it takes is
 * counted, and room is made when that is near the limit. Comes with the first miss.
 *
 * @module
 */

import type { PortableKeeper } from "./portable_keeper.ts";
import type { BlobFiles } from "./blobs.ts";
import type { CachedRecord } from "./cached_record.ts";
import { causeOf } from "./failure.ts";
import type { CacheFolder } from "./folder.ts";
import type { Leases } from "./lease.ts";
import { type Limits, noRoom, overLimit } from "./limits.ts";
import defer * as eviction from "./portable_eviction.ts";
import type { Evictable } from "./portable_eviction.ts";
import type { PortableFolder } from "./portable_folder.ts";
import { blobsOfRecord, type PortableRecords } from "./portable_records.ts";
import type { PortableSnapshots } from "./portable_snapshots.ts";
import type { PortableTotals } from "./portable_totals.ts";
import type { NewRecord } from "./record.ts";
import type { RecordFile } from "./record_file.ts";
import type * as ResultFiles from "./result_files.ts";
import { blobsOf, type Body } from "./row.ts";
import { refusalOf } from "./stored_value.ts";

/** Stores after which the totals are written and compared with the limit. */
const STORES = 64;

/** Records whose age is looked at each time. */
const AGES = 2 * STORES;

/** The same in parts of the limit, for few and large results. */
const PART_OF_LIMIT = 32;

/** Room is made when so much of the limit is taken, as others may store between two looks, and so much is left then. */
const FULL = 15 / 16, ROOMY = 29 / 32;

/** Times that it is tried again to keep this margin where all that is left is pinned. */
const PATIENCE = 1_024;

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
  readonly #home: PortableHome;
  #stores = 0;
  /** Settles when the room is made that was asked for last. */
  #roomMade: Promise<void> = Promise.resolve();
  #patience = 0;
  /** Of which folder of records the next ages are looked at. */
  #hand = Math.floor(256 * Math.random());

  constructor(home: PortableHome) {
    this.#home = home;
  }

  /** Counts a record that was stored. */
  noteStore(): void {
    this.#stores++;
    if (this.#stores % STORES === 0) this.#expire();
  }

  /** Does what is to be done after the last store; whether nothing more is. */
  finish(): void {
    if (this.#stores % STORES > 0) this.#expire();
  }

  /** Makes what was stored count; whether that may have made work. */
  settle(): boolean {
    // Their records could not be stored.
    for (const bytes of this.#home.unplaced.values()) this.count(bytes);
    this.#home.unplaced.clear();
    const { bytes } = this.#home.totals.unwritten;
    if (bytes === 0 || this.#home.keeper.state !== "writable") return false;
    if (!this.#home.totals.tryWrite()) return false;
    this.#makeRoom();
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
  isTooLarge(record: NewRecord): boolean {
    const { path } = this.#home.folder;
    const refusal = refusalOf(record, path, this.#home.limits.maxSize);
    if (refusal === undefined) return false;
    const isPinned = this.#home.keeper.attempt(() =>
      this.#home.evictable().pins.has(record.key.toHex(), record.fn)
    );
    if (isPinned === true) return false;
    this.#home.keeper.warn("limit", refusal);
    return true;
  }

  /**
   * Writes the totals if so much was stored meanwhile that it may count, and makes room
   * if they are near the limit. Whoever stored waits for that: the limit holds.
   *
   * @param own The key of what was stored.
   */
  makeRoomIfMuch(own: Uint8Array): Promise<void> | undefined {
    const { maxSize = Infinity } = this.#home.limits;
    const isMuch = this.#home.totals.unwritten.bytes > maxSize / PART_OF_LIMIT;
    if (this.#stores % STORES > 0 && !isMuch) return undefined;
    return this.#home.totals.tryWrite()
      ? this.#makeRoom(own.toHex())
      : undefined;
  }

  /** Makes room if the cache is near its limit; `undefined` if it is not. */
  #makeRoom(own?: string): Promise<void> | undefined {
    if (!this.#isFull()) return undefined;
    // One after the other: what one deletes the next need not.
    this.#roomMade = this.#roomMade.then(() => this.#shrink(own));
    return this.#home.keep(this.#roomMade);
  }

  #isFull(): boolean {
    const { maxSize } = this.#home.limits;
    if (maxSize === undefined) return false;
    this.#patience--;
    const bytes = this.#bytes();
    return bytes > (this.#patience > 0 ? maxSize : maxSize * FULL);
  }

  /** What the cache takes, as far as it is known. */
  #bytes(): number {
    return this.#home.keeper.attempt(() => this.#home.totals.read().bytes) ?? 0;
  }

  /** Deletes some of what was not used for too long; all have their turn. */
  #expire(): void {
    const { maxAge } = this.#home.limits;
    if (maxAge === undefined) return;
    this.#home.keeper.attempt(() => {
      const cache = this.#home.evictable();
      const shards = this.#home.files.shards("jobs");
      for (let seen = 0, i = 0; i < shards.length && seen < AGES; i++) {
        const shard = shards[this.#hand++ % shards.length]!;
        const expired = eviction.expire(cache, shard, Date.now() - maxAge);
        seen += expired.seen;
        this.count(-expired.freed);
      }
    });
  }

  /** Deletes records until there is room; the one that was just stored last. */
  async #shrink(own: string | undefined): Promise<void> {
    const { maxSize = Infinity } = this.#home.limits;
    try {
      // Others store meanwhile.
      for (;;) {
        const excess = this.#bytes() - maxSize * ROOMY;
        if (excess <= 0) break;
        const freed = await eviction.evict(this.#home.evictable(), excess, own);
        this.count(-freed);
        if (freed >= excess) continue;
        if (this.#bytes() > maxSize) this.#giveUp(own, maxSize);
        break;
      }
      // What is freed and not written would hide what is stored next.
      this.#home.totals.tryWrite();
    } catch (error) {
      this.#home.keeper.warn(
        "evict",
        `the cache in ${this.#home.folder.path} is over its limit and cannot be made smaller: ${
          causeOf(error)
        }`,
      );
    }
  }

  /** Nothing is left that may go but what was just stored. */
  #giveUp(own: string | undefined, maxSize: number): void {
    // What others store now can go, and what they left behind is for `gc`.
    const { pins } = this.#home.evictable();
    let needed = 0;
    for (const { hex, file, size } of this.#home.records.all()) {
      if (hex !== own && !pins.has(hex, file.fn)) continue;
      needed += size;
      for (const { byteLength } of blobsOfRecord(file)) needed += byteLength;
    }
    if (needed <= maxSize) return;
    const cache = this.#home.evictable();
    const stored = own === undefined ? undefined : this.#home.records.find(own);
    if (stored !== undefined && !cache.pins.has(stored.hex, stored.file.fn)) {
      this.count(-eviction.deleteRecord(cache, stored, Date.now()));
    }
    this.#patience = PATIENCE;
    const { path } = this.#home.folder;
    const hasPins = !cache.pins.isEmpty;
    const bytes = this.#bytes();
    this.#home.keeper.warn(
      "limit",
      bytes > maxSize
        ? overLimit(path, bytes, maxSize, hasPins)
        : noRoom(path, maxSize, hasPins),
    );
  }
}
