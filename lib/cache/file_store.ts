/**
 * The store of records in files of their own, with blobs beside them: for disks
 * where SQLite cannot be, and for caches that are copied and published.
 *
 * @module
 */

import { ResultLostError } from "../errors.ts";
import { processMemo } from "../value/file_digest.ts";
import type { BlobReference, StoredFile } from "./blob_reference.ts";
import { BlobDamage, BlobFiles } from "./blobs.ts";
import { CachedRecord, type RecordSource } from "./cached_record.ts";
import { causeOf, unlessFull } from "./failure.ts";
import { CacheFolder } from "./folder.ts";
import type { Leases } from "./lease.ts";
import { leaseModules, loadLeases } from "./lease_modules.ts";
import { PortableKeeper } from "./portable_keeper.ts";
import type { PortableWriter } from "./portable_writer.ts";
import type { Limits } from "./limits.ts";
import type { LiveBlob } from "./live_blobs.ts";
import { PortableBlobs } from "./portable_blobs.ts";
import type { Evictable } from "./portable_eviction.ts";
import { infoOf, PortableFolder, remove } from "./portable_folder.ts";
import defer * as damages from "./portable_damage.ts";
import type { DamagedFiles } from "./portable_damage.ts";
import { nearestPortable } from "./portable_nearest.ts";
import { PortablePins } from "./portable_pins.ts";
import {
  blobsOfRecord,
  DAY_MS,
  descriptionOf,
  PortableRecords,
  selectRecords,
} from "./portable_records.ts";
import { PortableSnapshots } from "./portable_snapshots.ts";
import { PortableTotals } from "./portable_totals.ts";
import type {
  Arrival,
  CacheStats,
  Catalog,
  Depot,
  NearestRecord,
  NewRecord,
  RecordDetails,
  RecordStore,
  StoredRecord,
} from "./record.ts";
import type { RecordFile } from "./record_file.ts";
import type { Likeness } from "./resemblance.ts";
import type {
  CollectOptions,
  CollectReport,
  Pin,
  RecordDescription,
  RecordFilter,
  RecordSummary,
  VerifyReport,
  WorkOptions,
} from "./report.ts";
import type * as ResultFiles from "./result_files.ts";
import type { Details } from "./row.ts";
import { checkPin, PinSet } from "./victims.ts";
import { loadXxh3 } from "./xxh3.ts";

/** What a cache of this layout is made with. */
export interface FileStoreOptions extends Limits {
  readonly readonly: boolean;
  /** Whether it is worth no warning if there is none. */
  readonly mayBeAbsent?: boolean;
}

/** The store of one cache folder. Opens nothing until it is asked for something. */
export class FileStore implements RecordStore, Catalog, Depot {
  readonly #folder: CacheFolder;
  readonly #files: PortableFolder;
  readonly #records: PortableRecords;
  readonly #snapshots: PortableSnapshots;
  readonly #sharing: PortableBlobs;
  readonly #blobs: BlobFiles;
  readonly #pins: PortablePins;
  readonly #totals: PortableTotals;
  readonly #options: FileStoreOptions;
  readonly #keeper: PortableKeeper;
  #storer: PortableWriter | undefined;
  #hits = 0;
  #misses = 0;
  /** Bytes of blobs that no record names yet: nothing can be done about them. */
  readonly #unplaced = new Map<string, number>();
  #leases: Leases | undefined;
  readonly #storing = new Set<Promise<unknown>>();
  /** Loaded with the first record that has files. */
  #resultFiles: typeof ResultFiles | undefined;

  readonly #flushAtEnd = () => {
    if (this.#keeper.state !== "writable") return;
    this.#totals.tryWrite();
    this.#totals.close();
  };

  constructor(path: string, options: FileStoreOptions) {
    this.#options = options;
    this.#folder = new CacheFolder(path);
    this.#files = new PortableFolder(this.#folder);
    this.#records = new PortableRecords(this.#files);
    this.#snapshots = new PortableSnapshots(this.#files);
    this.#sharing = new PortableBlobs(
      this.#folder,
      (digest) => this.#blobs.release(digest),
    );
    this.#blobs = new BlobFiles(this.#folder, {
      rely: (path) => this.#sharing.rely(path),
      wrote: ({ sha256, byteLength }) => this.#unplaced.set(sha256, byteLength),
    });
    this.#pins = new PortablePins(this.#files);
    this.#totals = new PortableTotals(this.#files);
    this.#keeper = new PortableKeeper(
      this.#folder,
      this.#files,
      options,
      () => addEventListener("unload", this.#flushAtEnd),
    );
  }

  get isReadonly(): boolean {
    return this.#options.readonly;
  }

  get leases(): Leases | undefined {
    if (this.isReadonly || leaseModules === undefined) return undefined;
    return this.#leases ??= new leaseModules.FileLeases(
      this.#folder,
      (key) => this.#find(key.toHex()) !== undefined,
    );
  }

  /** Stores records; `undefined` before `loadLeases`. */
  get #writer(): PortableWriter | undefined {
    if (leaseModules === undefined) return undefined;
    return this.#storer ??= new leaseModules.PortableWriter({
      keeper: this.#keeper,
      folder: this.#folder,
      files: this.#files,
      records: this.#records,
      snapshots: this.#snapshots,
      totals: this.#totals,
      blobs: this.#blobs,
      limits: this.#options,
      leases: this.leases,
      unplaced: this.#unplaced,
      evictable: () => this.#evictable(),
      recordOf: (file) => this.#recordOf(file),
      loadResultFiles: () => this.#loadResultFiles(),
      keep: (promise) => this.#keep(promise),
    });
  }

  lookup(key: Uint8Array<ArrayBuffer>): StoredRecord | undefined {
    const file = this.#find(key.toHex());
    if (file === undefined) {
      this.#misses++;
      return undefined;
    }
    this.#hits++;
    this.#totals.add(0, file.duration);
    return this.#recordOf(file);
  }

  prepare(record: StoredRecord): Promise<void> | undefined {
    if (!(record instanceof CachedRecord)) return undefined;
    const hasher = record.readsBlobs ? loadXxh3() : undefined;
    if (!record.hasFiles || this.#resultFiles !== undefined) return hasher;
    return Promise.all([hasher, this.#loadResultFiles()]).then(() => {});
  }

  async #loadResultFiles(): Promise<typeof ResultFiles> {
    return this.#resultFiles ??= await import("./result_files.ts");
  }

  store(
    record: NewRecord,
  ): StoredRecord | undefined | Promise<StoredRecord | undefined> {
    if (this.isReadonly) return undefined;
    const writer = this.#writer;
    return writer === undefined
      ? this.#keep(loadLeases()!.then(() => this.store(record)))
      : writer.store(record);
  }

  snapshot(digest: string): string | undefined {
    return this.#keeper.attempt(() => this.#snapshots.get(digest));
  }

  take(key: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> | undefined {
    return this.#find(key.toHex())?.raw;
  }

  adopt(arrival: Arrival): boolean | Promise<boolean> {
    if (this.isReadonly) return false;
    const writer = this.#writer;
    return writer === undefined
      ? this.#keep(loadLeases()!.then(() => this.adopt(arrival)))
      : writer.adopt(arrival);
  }

  get isUsable(): boolean {
    return this.#keeper.state !== "unusable";
  }

  requireWritable(verb: string): void {
    this.#keeper.change(verb, () => {});
  }

  delete(key: Uint8Array<ArrayBuffer>): boolean {
    return this.#keeper.change("delete from", () => {
      const hex = key.toHex();
      const path = this.#records.path(hex);
      const found = this.#records.find(hex);
      if (found === undefined && infoOf(path) === undefined) return false;
      this.#totals.beginDelete();
      const freed = this.#files.delete(path);
      if (freed === undefined) return false;
      this.#totals.add(-freed, 0);
      for (const { sha256 } of found ? blobsOfRecord(found.file) : []) {
        this.#sharing.abandon(sha256);
      }
      return true;
    });
  }

  nearest(
    name: string,
    like: Likeness,
    except: string,
    before: number,
  ): NearestRecord | undefined {
    return this.#keeper.attempt(() =>
      nearestPortable(this.#records, name, like, except, before)
    );
  }

  clear(): void {
    this.#keeper.change("clear", () => {
      using _ = this.#totals.deleting();
      for (const hex of [...this.#records.keys()]) {
        remove(this.#records.path(hex));
      }
      this.#snapshots.clear();
      for (const { digest, path } of [...this.#blobs.files()]) {
        remove(path);
        this.#sharing.unshare(digest);
      }
      this.#blobs.removeStale();
      this.#folder.clearQuarantine();
      this.#totals.reset();
    });
  }

  stats(): CacheStats {
    let records = 0, blobs = 0, bytes = 0;
    this.#keeper.attempt(() => {
      for (const hex of this.#records.keys()) {
        const info = infoOf(this.#records.path(hex));
        if (info === undefined) continue;
        records++;
        bytes += info.size;
      }
      for (const { path } of this.#blobs.files()) {
        blobs++;
        bytes += infoOf(path)?.size ?? 0;
      }
      for (const digest of this.#files.all("snapshots")) {
        bytes += infoOf(this.#files.path("snapshots", digest))?.size ?? 0;
      }
    });
    return {
      records,
      blobs,
      bytes,
      hits: this.#hits,
      misses: this.#misses,
      saved: this.#keeper.attempt(() => this.#totals.read().saved) ?? 0,
    };
  }

  *list(filter: RecordFilter): Iterable<RecordSummary> {
    const found =
      this.#keeper.attempt(() =>
        selectRecords(this.#records, filter, this.#pinSet())
      ) ?? [];
    yield* found.slice(0, filter.limit);
  }

  describe(key: Uint8Array<ArrayBuffer>): RecordDescription | undefined {
    return this.#keeper.attempt(() => {
      const hex = key.toHex();
      const found = this.#find(hex) && this.#records.find(hex);
      return found && descriptionOf(found, this.#pinSet());
    });
  }

  async verify(options: WorkOptions): Promise<VerifyReport> {
    const cache = this.#maintain("verify");
    const { verifyPortable } = await import("./portable_verify.ts");
    return await this.#keeper.told("verify", verifyPortable(cache, options));
  }

  async collect(options: CollectOptions): Promise<CollectReport> {
    const { maxSize, maxAge } = this.#options;
    const cache = this.#maintain("collect garbage in");
    const { collectAndCount } = await import("./portable_upkeep.ts");
    return await collectAndCount(
      this.#keeper,
      this.#totals,
      this.#folder.path,
      cache,
      {
        ...options,
        maxSize: options.maxSize ?? maxSize,
        maxAge: options.maxAge ?? maxAge,
      },
    );
  }

  pins(): readonly Pin[] {
    return this.#keeper.attempt(() => this.#pins.all()) ?? [];
  }

  pin(pin: Pin): boolean {
    const checked = checkPin(pin, "Cannot pin");
    return this.#keeper.change("pin in", () => this.#pins.add(checked));
  }

  unpin(pin: Pin): boolean {
    const checked = checkPin(pin, "Cannot unpin");
    return this.#keeper.change("unpin in", () => this.#pins.remove(checked));
  }

  storing(): Promise<void> | undefined {
    return this.#storing.size === 0
      ? undefined
      : Promise.allSettled(this.#storing).then(() => {});
  }

  async settled(): Promise<void> {
    this.#storer?.room.finish();
    do {
      while (this.#storing.size > 0) await Promise.all(this.#storing);
    } while (this.#storer?.room.settle());
    if (this.#storer === undefined && !this.#totals.isWritten) {
      this.#flushAtEnd();
    }
  }

  close(): void {
    this.#leases?.close();
    this.#flushAtEnd();
    removeEventListener("unload", this.#flushAtEnd);
    this.#keeper.close();
  }

  /** Notes that somebody needs a blob. */
  hold(reference: BlobReference): LiveBlob {
    return this.#blobs.live.hold(reference);
  }

  /** The bytes of a blob; one that is bad costs its record. */
  readBlob(
    key: Uint8Array<ArrayBuffer>,
    reference: BlobReference,
  ): Uint8Array<ArrayBuffer> {
    try {
      return this.#blobs.read(reference);
    } catch (error) {
      const isBack = error instanceof BlobDamage && !error.present &&
        this.#keeper.state === "writable" &&
        this.#sharing.recall(reference.sha256);
      if (isBack) return this.readBlob(key, reference);
      if (error instanceof BlobDamage) throw this.#lost(key, reference, error);
      const path = this.#blobs.path(reference);
      throw new ResultLostError(
        `Cannot read ${path}: ${causeOf(error)}. Await the job to run it again`,
        { cause: error },
      );
    }
  }

  /** Puts the files of a result back. */
  restoreFiles(
    key: Uint8Array<ArrayBuffer>,
    files: readonly StoredFile[],
  ): void {
    this.#resultFiles!.restoreFiles(
      files,
      this.#blobs,
      processMemo,
      (blob, damage) => this.#lost(key, blob, damage),
    );
  }

  #lost(
    key: Uint8Array<ArrayBuffer>,
    reference: BlobReference,
    damage: BlobDamage,
  ): ResultLostError {
    return damages.loseBlob(this.#home(), key.toHex(), reference, damage);
  }

  #home(): DamagedFiles {
    return {
      keeper: this.#keeper,
      folder: this.#folder,
      files: this.#files,
      records: this.#records,
      blobs: this.#blobs,
    };
  }

  #recordOf(file: RecordFile): CachedRecord {
    return new CachedRecord(
      new FileSource(this, file),
      file.key,
      file.fn,
      file.body,
    );
  }

  /** The record of a key, read and checked; a damaged one is set aside. */
  #find(hex: string): RecordFile | undefined {
    const state = this.#keeper.open();
    if (state === "unusable") return undefined;
    try {
      const file = this.#records.read(hex);
      if (file !== undefined && state === "writable") this.#noteUse(hex, file);
      return file;
    } catch (error) {
      damages.refuseRecord(this.#home(), hex, error);
      return undefined;
    }
  }

  /** Notes on a record's file that it was used today; the time on the file costs nothing else. */
  #noteUse(hex: string, { storedAt }: RecordFile): void {
    const now = Date.now();
    // Most records that are looked for are young, and need no look at their file.
    if (now - storedAt <= DAY_MS) return;
    const path = this.#records.path(hex);
    try {
      const used = infoOf(path)?.mtime?.getTime() ?? now;
      if (now - used > DAY_MS) Deno.utimeSync(path, now / 1_000, now / 1_000);
    } catch {
      // The file is somebody else's, or the disk is read-only: then nobody knows.
    }
  }

  /** Begins work on the whole cache, which must be writable, as a first write shows. */
  #maintain(verb: string): Evictable {
    return this.#keeper.change(verb, () => {
      unlessFull(() => this.#files.create());
      return this.#evictable();
    });
  }

  #evictable(): Evictable {
    return {
      files: this.#files,
      records: this.#records,
      blobs: this.#sharing,
      blobFiles: this.#blobs,
      pins: this.#pinSet(),
    };
  }

  #pinSet(): PinSet {
    return new PinSet(this.#pins.all(), this.#options.keep);
  }

  /** Remembers a promise until it has settled. */
  #keep<R>(promise: Promise<R>): Promise<R> {
    const settled = promise.then(() => {}, () => {});
    this.#storing.add(settled);
    settled.then(() => this.#storing.delete(settled));
    return promise;
  }
}

/** What one record needs after its lookup. */
class FileSource implements RecordSource {
  readonly #store: FileStore;
  readonly #file: RecordFile;

  constructor(store: FileStore, file: RecordFile) {
    this.#store = store;
    this.#file = file;
  }

  hold(reference: BlobReference): LiveBlob {
    return this.#store.hold(reference);
  }

  readBlob(
    key: Uint8Array<ArrayBuffer>,
    reference: BlobReference,
  ): Uint8Array<ArrayBuffer> {
    return this.#store.readBlob(key, reference);
  }

  restoreFiles(
    key: Uint8Array<ArrayBuffer>,
    files: readonly StoredFile[],
  ): void {
    this.#store.restoreFiles(key, files);
  }

  readDetails(): (RecordDetails & Details) | undefined {
    return this.#file.details();
  }
}
