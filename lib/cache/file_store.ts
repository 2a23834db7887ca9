/**
 * The store of records in files of their own, with blobs beside them: for disks
 * where SQLite cannot be, and for caches that are copied and published.
 *
 * @module
 */

import { CacheError, FileChangedError, ResultLostError } from "../errors.ts";
import { processMemo } from "../value/file_digest.ts";
import { storeBlobs } from "./arrival.ts";
import type { BlobReference, StoredFile } from "./blob_reference.ts";
import { type FileContent, MemoryLeaf } from "../value/encoded.ts";
import { warnOnce } from "../warn.ts";
import { BlobDamage, BlobFiles } from "./blobs.ts";
import { CachedRecord, type RecordSource } from "./cached_record.ts";
import { causeOf, isWriteRefusal } from "./failure.ts";
import { CacheFolder } from "./folder.ts";
import { hostName, versionsHere } from "./host.ts";
import type { Origin } from "./interned.ts";
import type { Leases } from "./lease.ts";
import { leaseModules } from "./lease_modules.ts";
import { type Limits, noRoom, overLimit } from "./limits.ts";
import type { LiveBlob } from "./live_blobs.ts";
import { missingPermissions } from "./permission.ts";
import { PortableBlobs } from "./portable_blobs.ts";
import defer * as eviction from "./portable_eviction.ts";
import type { Evictable } from "./portable_eviction.ts";
import { infoOf, PortableFolder, remove } from "./portable_folder.ts";
import { nearestPortable } from "./portable_nearest.ts";
import { PortablePins } from "./portable_pins.ts";
import {
  blobsOfRecord,
  DAY_MS,
  PortableRecords,
  RecordDamage,
  summaryOf,
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
import { encodeRecordFile, type RecordFile } from "./record_file.ts";
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
import { blobsOf, type Body, type Details } from "./row.ts";
import { filesOf, refusalOf, valueBytes } from "./stored_value.ts";
import { checkPin, PinSet } from "./victims.ts";
import { loadXxh3 } from "./xxh3.ts";

/** An encoded value longer than this is a blob, as in the other layout. */
const DOCUMENT_BYTES = 65_536;

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

/** How often blobs that go at once are written again. */
const ATTEMPTS = 3;

type State = "closed" | "writable" | "readable" | "unusable";

/** What a cache of this layout is made with. */
export interface FileStoreOptions extends Limits {
  readonly readonly: boolean;
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
  #state: State = "closed";
  #here: Origin | undefined;
  #hits = 0;
  #misses = 0;
  #stores = 0;
  /** Settles when the room is made that was asked for last. */
  #roomMade: Promise<void> = Promise.resolve();
  #patience = 0;
  /** Bytes of blobs that no record names yet: nothing can be done about them. */
  readonly #unplaced = new Map<string, number>();
  /** Of which folder of records the next ages are looked at. */
  #hand = Math.floor(256 * Math.random());
  #storedAt = 0;
  #leases: Leases | undefined;
  readonly #storing = new Set<Promise<unknown>>();
  /** Loaded with the first record that has files. */
  #resultFiles: typeof ResultFiles | undefined;

  readonly #flushAtEnd = () => {
    if (this.#state === "writable") this.#writeTotals();
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
    if (this.#open() !== "writable") {
      this.#release(record);
      return undefined;
    }
    if (this.#isTooLarge(record)) {
      this.#release(record);
      return undefined;
    }
    const { status, value } = record.outcome;
    if (
      value.leaves.length > 0 || value.bytes.length > DOCUMENT_BYTES ||
      filesOf(record).length > 0
    ) {
      return this.#keep(this.#storeWithBlobs(record));
    }
    try {
      this.#put(record, {
        status,
        contribution: contributionOf(record),
        leaves: [],
        document: value.bytes,
      });
      return this.#makeRoomIfMuch(record.key)?.then(() => undefined);
    } catch (error) {
      this.#warnNotStored(error);
    } finally {
      this.#release(record);
    }
    return undefined;
  }

  snapshot(digest: string): string | undefined {
    return this.#attempt(() => this.#snapshots.get(digest));
  }

  take(key: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> | undefined {
    return this.#find(key.toHex())?.raw;
  }

  adopt(arrival: Arrival): boolean | Promise<boolean> {
    if (this.#open() !== "writable") return false;
    if (blobsOf(arrival.file.body).length > 0) {
      return this.#keep(this.#adoptWithBlobs(arrival));
    }
    try {
      this.#adopt(arrival);
      return this.#makeRoomIfMuch(arrival.file.key)?.then(() => true) ?? true;
    } catch (error) {
      this.#warnNotStored(error);
      return false;
    }
  }

  get isUsable(): boolean {
    return this.#state !== "unusable";
  }

  requireWritable(verb: string): void {
    this.#change(verb, () => {});
  }

  delete(key: Uint8Array<ArrayBuffer>): boolean {
    return this.#change("delete from", () => {
      const hex = key.toHex();
      const path = this.#records.path(hex);
      const found = this.#records.find(hex);
      const size = found?.size ?? infoOf(path)?.size;
      if (size === undefined || !remove(path)) return false;
      this.#totals.add(-size, 0);
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
    return this.#attempt(() =>
      nearestPortable(this.#records, name, like, except, before)
    );
  }

  clear(): void {
    this.#change("clear", () => {
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
      this.#totals.reset(0);
    });
  }

  stats(): CacheStats {
    let records = 0, blobs = 0, bytes = 0;
    this.#attempt(() => {
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
      saved: this.#attempt(() => this.#totals.read().saved) ?? 0,
    };
  }

  *list(filter: RecordFilter): Iterable<RecordSummary> {
    const found = this.#attempt(() => this.#select(filter)) ?? [];
    yield* found.slice(0, filter.limit);
  }

  describe(key: Uint8Array<ArrayBuffer>): RecordDescription | undefined {
    return this.#attempt(() => {
      const hex = key.toHex();
      const file = this.#find(hex);
      const found = file && this.#records.find(hex);
      const details = found?.file.details();
      if (found === undefined || details === undefined) return undefined;
      const { timing, parts, upstream, console, versions } = details;
      return {
        ...summaryOf(found, this.#pinSet()),
        parts,
        upstream,
        startedAt: timing.startedAt,
        console,
        versions,
        blobs: blobsOfRecord(found.file)
          .map(({ sha256, byteLength }) => ({
            digest: sha256,
            bytes: byteLength,
          })),
      };
    });
  }

  async verify(options: WorkOptions): Promise<VerifyReport> {
    const cache = this.#maintain("verify");
    const { verifyPortable } = await import("./portable_verify.ts");
    return await this.#told("verify", verifyPortable(cache, options));
  }

  async collect(options: CollectOptions): Promise<CollectReport> {
    const { maxSize, maxAge } = this.#options;
    const cache = this.#maintain("collect garbage in");
    const { collectPortable } = await import("./portable_collect.ts");
    const { report, needed } = await this.#told(
      "collect garbage in",
      collectPortable(cache, {
        ...options,
        maxSize: options.maxSize ?? maxSize,
        maxAge: options.maxAge ?? maxAge,
      }),
    );
    this.#change("collect garbage in", () => this.#totals.reset(report.left));
    const limit = options.maxSize ?? maxSize;
    // What others are about to store, or left behind, goes when it is old.
    if (limit !== undefined && needed > limit) {
      const hasPins = !cache.pins.isEmpty;
      const { path } = this.#folder;
      const message = overLimit(path, needed, limit, hasPins);
      this.#warn(message, message);
    }
    return report;
  }

  pins(): readonly Pin[] {
    return this.#attempt(() => this.#pins.all()) ?? [];
  }

  pin(pin: Pin): boolean {
    const checked = checkPin(pin, "Cannot pin");
    return this.#change("pin in", () => this.#pins.add(checked));
  }

  unpin(pin: Pin): boolean {
    const checked = checkPin(pin, "Cannot unpin");
    return this.#change("unpin in", () => this.#pins.remove(checked));
  }

  storing(): Promise<void> | undefined {
    return this.#storing.size === 0
      ? undefined
      : Promise.allSettled(this.#storing).then(() => {});
  }

  async settled(): Promise<void> {
    if (this.#stores % STORES > 0) this.#expire();
    for (;;) {
      while (this.#storing.size > 0) await Promise.all(this.#storing);
      // Their records could not be stored.
      for (const bytes of this.#unplaced.values()) this.#count(bytes);
      this.#unplaced.clear();
      const { bytes } = this.#totals.unwritten;
      if (bytes === 0 || this.#state !== "writable") return;
      if (!this.#writeTotals()) return;
      this.#makeRoom();
    }
  }

  close(): void {
    this.#leases?.close();
    this.#flushAtEnd();
    removeEventListener("unload", this.#flushAtEnd);
    this.#state = "closed";
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
        this.#state === "writable" && this.#sharing.recall(reference.sha256);
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
    const path = this.#blobs.path(reference);
    this.#dropBlob(key, reference, path, damage);
    return new ResultLostError(
      `Cannot load the result as ${path} ${damage.message}: await the job to run it again`,
      { cause: damage },
    );
  }

  #dropBlob(
    key: Uint8Array<ArrayBuffer>,
    reference: BlobReference,
    path: string,
    damage: BlobDamage,
  ): void {
    if (this.#open() !== "writable") {
      this.#warn(path, `${path} ${damage.message}`);
      return;
    }
    try {
      const target = damage.present
        ? this.#blobs.setAside(reference)
        : undefined;
      const moved = target === undefined ? "" : ` and was moved to ${target}`;
      this.#warn(
        path,
        `${path} ${damage.message}${moved}: its job is run again`,
      );
    } catch (error) {
      this.#warn(
        path,
        `${path} ${damage.message} and cannot be moved: ${causeOf(error)}`,
      );
    }
    this.#attempt(() => remove(this.#records.path(key.toHex())));
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
    const state = this.#open();
    if (state === "unusable") return undefined;
    try {
      const file = this.#records.read(hex);
      if (file !== undefined && state === "writable") this.#noteUse(hex, file);
      return file;
    } catch (error) {
      this.#refuse(hex, error);
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

  /** Sets aside what is not the record of a key. */
  #refuse(hex: string, error: unknown): void {
    const { path } = this.#folder;
    const record = `a record of the cache in ${path} is not used`;
    if (error instanceof RecordDamage && error.foreign) {
      this.#warn("format", `${record}: it ${error.message}`);
      return;
    }
    const isDamaged = error instanceof RecordDamage;
    const what = isDamaged ? `it ${error.message}` : causeOf(error);
    if (this.#state !== "writable") {
      this.#warn("record", `${record}: ${what}`);
      return;
    }
    try {
      const file = this.#records.path(hex);
      const isGone = isDamaged
        ? this.#folder.setFileAside(file, hex) !== undefined
        : this.#files.evictIntruders(file);
      if (isGone) {
        this.#warn(
          "record",
          `${record} and was moved to ${this.#folder.quarantine}: ${what}`,
        );
      } else if (!isDamaged) this.#warnUnreadable(error);
    } catch (moving) {
      this.#warn(
        "record",
        `${record} and cannot be moved (${causeOf(moving)}): ${what}`,
      );
    }
  }

  #open(): State {
    if (this.#state !== "closed") return this.#state;
    try {
      this.#state = this.#examine();
      if (this.#state === "writable") {
        addEventListener("unload", this.#flushAtEnd);
      }
      return this.#state;
    } catch (error) {
      this.#warn(
        "open",
        `the cache in ${this.#folder.path} cannot be used, so jobs are computed again: ${
          causeOf(error)
        }`,
      );
      return this.#state = "unusable";
    }
  }

  #examine(): State {
    const { path } = this.#folder;
    const { readonly } = this.#options;
    if (missingPermissions(["read"], path) !== undefined) {
      // Told with all that is needed, so that nobody starts a program twice in vain.
      throw new Error(
        missingPermissions(readonly ? ["read"] : ["read", "write"], path),
      );
    }
    const isThere = this.#files.isThere();
    if (readonly) {
      if (isThere) return "readable";
      this.#warn("absent", `the read-only cache in ${path} does not exist`);
      return "unusable";
    }
    const unwritable = missingPermissions(["write"], path);
    if (unwritable !== undefined) {
      if (!isThere) throw new Error(unwritable);
      this.#warnNotStored(new Error(unwritable));
      return "readable";
    }
    if (this.#files.isMarked()) return "writable";
    try {
      this.#files.create();
    } catch (error) {
      if (!isThere) throw error;
      this.#warnNotStored(error);
      return "readable";
    }
    return "writable";
  }

  /** Does something with files; what cannot be done is told once, and comes to nothing. */
  #attempt<R>(action: () => R): R | undefined {
    if (this.#open() === "unusable") return undefined;
    try {
      return action();
    } catch (error) {
      this.#warnUnreadable(error);
      return undefined;
    }
  }

  /** Does what a user asked for, who is told if it cannot be done. */
  #change<R>(verb: string, action: () => R): R {
    this.#requireOpen(verb);
    if (this.#state === "readable") {
      throw new CacheError(
        `Cannot ${verb} the cache in ${this.#folder.path} as it is read-only`,
      );
    }
    try {
      return action();
    } catch (error) {
      throw this.#cannot(verb, error);
    }
  }

  /** Begins work on the whole cache, which must be writable, as a first write shows. */
  #maintain(verb: string): Evictable {
    return this.#change(verb, () => {
      this.#files.create();
      return this.#evictable();
    });
  }

  #requireOpen(verb: string): void {
    if (this.#open() !== "unusable") return;
    throw new CacheError(
      `Cannot ${verb} the cache in ${this.#folder.path} as it cannot be used`,
    );
  }

  async #told<R>(verb: string, work: Promise<R>): Promise<R> {
    try {
      return await work;
    } catch (error) {
      // The reason of a signal is the caller's own.
      if (!isOfSystem(error)) throw error;
      throw this.#cannot(verb, error);
    }
  }

  #cannot(verb: string, error: unknown): CacheError {
    if (isWriteRefusal(error)) {
      return new CacheError(
        `Cannot ${verb} the cache in ${this.#folder.path} as it is read-only`,
        { cause: error },
      );
    }
    return new CacheError(
      `Cannot ${verb} the cache in ${this.#folder.path}: ${causeOf(error)}`,
      { cause: error },
    );
  }

  async #storeWithBlobs(record: NewRecord): Promise<StoredRecord | undefined> {
    try {
      for (let attempt = 1;; attempt++) {
        const body = await this.#writeBlobs(record);
        const file = this.#put(record, body);
        if (file === undefined) return undefined;
        if (this.#hasBlobs(body)) {
          this.#countPlaced(body);
          // Made now, so that what goes is still there for it.
          const stored = this.#recordOf(file);
          await this.#makeRoomIfMuch(record.key);
          return stored;
        }
        if (attempt === ATTEMPTS) {
          throw new Error(
            "its blobs are deleted by others as they are written",
          );
        }
      }
    } catch (error) {
      if (error instanceof FileChangedError) throw error;
      this.#warnNotStored(error);
      return undefined;
    } finally {
      this.#release(record);
    }
  }

  async #adoptWithBlobs(arrival: Arrival): Promise<boolean> {
    try {
      for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
        const isStored = await storeBlobs(
          arrival,
          this.#blobs,
          (cause) => this.#warnNotStored(cause),
        );
        if (!isStored) return false;
        this.#adopt(arrival);
        if (!this.#hasBlobs(arrival.file.body)) continue;
        this.#countPlaced(arrival.file.body);
        await this.#makeRoomIfMuch(arrival.file.key);
        return true;
      }
      return false;
    } catch (error) {
      if (!isOfSystem(error)) throw error;
      this.#warnNotStored(error);
      return false;
    }
  }

  #adopt({ file, snapshot }: Arrival): void {
    if (snapshot !== undefined) {
      this.#count(this.#snapshots.put(file.fn.code, snapshot));
    }
    this.#write(file.key.toHex(), file.raw);
  }

  /** Whether the blobs of a record are still there: whoever collects garbage may not have known of it. */
  #hasBlobs(body: Body): boolean {
    return blobsOf(body)
      .every((blob) => infoOf(this.#blobs.path(blob)) !== undefined);
  }

  async #writeBlobs(record: NewRecord): Promise<Body> {
    const { status, value } = record.outcome;
    for (let evicted = false;; evicted = true) {
      try {
        const leaves: BlobReference[] = [];
        for (const leaf of value.leaves) {
          leaves.push(await this.#blobs.write(leaf));
        }
        const document = value.bytes.length > DOCUMENT_BYTES
          ? await this.#blobs.write(new MemoryLeaf(value.bytes))
          : value.bytes;
        return {
          status,
          contribution: contributionOf(record),
          leaves,
          document,
          files: await this.#storeFiles(filesOf(record)),
        };
      } catch (error) {
        // A file may stand where a folder should be.
        if (evicted || !this.#blobs.evictIntruders()) throw error;
      }
    }
  }

  async #storeFiles(
    files: readonly FileContent[],
  ): Promise<StoredFile[] | undefined> {
    if (files.length === 0) return undefined;
    const { storeFiles } = await this.#loadResultFiles();
    return await storeFiles(files, this.#blobs, processMemo);
  }

  /** Puts a record in its place; `undefined` if somebody has taken over its key. */
  #put(record: NewRecord, body: Body): RecordFile | undefined {
    const { key, fn, outcome, preview, parts, upstream, lease } = record;
    const { timing, console } = outcome;
    const hex = key.toHex();
    if (record.snapshot !== undefined) {
      this.#count(this.#snapshots.put(fn.code, record.snapshot));
    }
    const bytes = encodeRecordFile({
      key,
      fn,
      origin: this.#here ??= { host: hostName(), versions: versionsHere() },
      storedAt: this.#now(),
      bytes: valueBytes(record),
      body,
      details: {
        timing: {
          ...timing,
          duration: Math.max(timing.duration, 0) || 0,
        },
        console,
        preview,
        parts,
        upstream,
      },
    });
    if (lease !== undefined && this.leases?.holds(lease) === false) {
      return undefined;
    }
    this.#write(hex, bytes);
    return this.#records.decode(hex, bytes);
  }

  /** Puts the file of a record in its place. */
  #write(hex: string, bytes: Uint8Array): void {
    const path = this.#records.path(hex);
    const replaced = infoOf(path)?.size ?? 0;
    try {
      this.#files.write(path, bytes);
    } catch (error) {
      // A file may stand where a folder should be.
      if (!this.#files.evictIntruders(path)) throw error;
      this.#files.write(path, bytes);
    }
    this.#count(bytes.length - replaced);
    this.#stores++;
    if (this.#stores % STORES === 0) this.#expire();
  }

  /** The time, by which records of this program can be told apart: never twice the same. */
  #now(): number {
    return this.#storedAt = Math.max(Date.now(), this.#storedAt + 0.001);
  }

  #count(bytes: number): void {
    this.#totals.add(bytes, 0);
  }

  /** Counts the blobs of a record that is in its place. */
  #countPlaced(body: Body): void {
    for (const { sha256 } of blobsOf(body)) {
      this.#count(this.#unplaced.get(sha256) ?? 0);
      this.#unplaced.delete(sha256);
    }
  }

  /** Whether a record has no room in the cache even if all others go. */
  #isTooLarge(record: NewRecord): boolean {
    const { path } = this.#folder;
    const refusal = refusalOf(record, path, this.#options.maxSize);
    if (refusal === undefined) return false;
    const isPinned = this.#attempt(() =>
      this.#pinSet().has(record.key.toHex(), record.fn)
    );
    if (isPinned === true) return false;
    this.#warn("limit", refusal);
    return true;
  }

  /**
   * Writes the totals if so much was stored meanwhile that it may count, and makes room
   * if they are near the limit. Whoever stored waits for that: the limit holds.
   *
   * @param own The key of what was stored.
   */
  #makeRoomIfMuch(own: Uint8Array): Promise<void> | undefined {
    const { maxSize = Infinity } = this.#options;
    const isMuch = this.#totals.unwritten.bytes > maxSize / PART_OF_LIMIT;
    if (this.#stores % STORES > 0 && !isMuch) return undefined;
    return this.#writeTotals() ? this.#makeRoom(own.toHex()) : undefined;
  }

  /** Writes the totals; whether that could be done. */
  #writeTotals(): boolean {
    try {
      this.#totals.write();
      return true;
    } catch {
      // The disk is full or gone, of which the next store tells.
      return false;
    }
  }

  /** Makes room if the cache is near its limit; `undefined` if it is not. */
  #makeRoom(own?: string): Promise<void> | undefined {
    if (!this.#isFull()) return undefined;
    // One after the other: what one deletes the next need not.
    this.#roomMade = this.#roomMade.then(() => this.#shrink(own));
    return this.#keep(this.#roomMade);
  }

  #isFull(): boolean {
    const { maxSize } = this.#options;
    if (maxSize === undefined) return false;
    this.#patience--;
    const bytes = this.#bytes();
    return bytes > (this.#patience > 0 ? maxSize : maxSize * FULL);
  }

  /** What the cache takes, as far as it is known. */
  #bytes(): number {
    return this.#attempt(() => this.#totals.read().bytes) ?? 0;
  }

  /** Deletes some of what was not used for too long; all have their turn. */
  #expire(): void {
    const { maxAge } = this.#options;
    if (maxAge === undefined) return;
    this.#attempt(() => {
      const cache = this.#evictable();
      const shards = this.#files.shards("jobs");
      for (let seen = 0, i = 0; i < shards.length && seen < AGES; i++) {
        const shard = shards[this.#hand++ % shards.length]!;
        const expired = eviction.expire(cache, shard, Date.now() - maxAge);
        seen += expired.seen;
        this.#count(-expired.freed);
      }
    });
  }

  /** Deletes records until there is room; the one that was just stored last. */
  async #shrink(own: string | undefined): Promise<void> {
    const { maxSize = Infinity } = this.#options;
    try {
      // Others store meanwhile.
      for (;;) {
        const excess = this.#bytes() - maxSize * ROOMY;
        if (excess <= 0) break;
        const freed = await eviction.evict(this.#evictable(), excess, own);
        this.#count(-freed);
        if (freed >= excess) continue;
        if (this.#bytes() > maxSize) this.#giveUp(own, maxSize);
        break;
      }
      // What is freed and not written would hide what is stored next.
      this.#writeTotals();
    } catch (error) {
      this.#warn(
        "evict",
        `the cache in ${this.#folder.path} is over its limit and cannot be made smaller: ${
          causeOf(error)
        }`,
      );
    }
  }

  /** Nothing is left that may go but what was just stored. */
  #giveUp(own: string | undefined, maxSize: number): void {
    // What others store now can go, and what they left behind is for `gc`.
    const { pins } = this.#evictable();
    let needed = 0;
    for (const { hex, file, size } of this.#records.all()) {
      if (hex !== own && !pins.has(hex, file.fn)) continue;
      needed += size;
      for (const { byteLength } of blobsOfRecord(file)) needed += byteLength;
    }
    if (needed <= maxSize) return;
    const cache = this.#evictable();
    const stored = own === undefined ? undefined : this.#records.find(own);
    if (stored !== undefined && !cache.pins.has(stored.hex, stored.file.fn)) {
      this.#count(-eviction.deleteRecord(cache, stored, Date.now()));
    }
    this.#patience = PATIENCE;
    const { path } = this.#folder;
    const hasPins = !cache.pins.isEmpty;
    const bytes = this.#bytes();
    this.#warn(
      "limit",
      bytes > maxSize
        ? overLimit(path, bytes, maxSize, hasPins)
        : noRoom(path, maxSize, hasPins),
    );
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

  #select(filter: RecordFilter): RecordSummary[] {
    const { name, version, label, status, keyPrefix } = filter;
    const pins = this.#pinSet();
    const found: RecordSummary[] = [];
    for (const record of this.#records.all(keyPrefix)) {
      const { fn, body } = record.file;
      if (
        fn.name === (name ?? fn.name) &&
        fn.version === (version ?? fn.version) &&
        fn.label === (label ?? fn.label) &&
        body.status === (status ?? body.status)
      ) found.push(summaryOf(record, pins));
    }
    return found.sort((a, b) => b.storedAt - a.storedAt);
  }

  #release({ lease }: NewRecord): void {
    if (lease !== undefined) this.leases?.release(lease);
  }

  /** Remembers a promise until it has settled. */
  #keep<R>(promise: Promise<R>): Promise<R> {
    const settled = promise.then(() => {}, () => {});
    this.#storing.add(settled);
    settled.then(() => this.#storing.delete(settled));
    return promise;
  }

  #warnNotStored(error: unknown): void {
    this.#warn(
      "store",
      `results are not stored in the cache in ${this.#folder.path}: ${
        causeOf(error)
      }`,
    );
  }

  #warnUnreadable(error: unknown): void {
    this.#warn(
      "read",
      `the cache in ${this.#folder.path} cannot be read: ${causeOf(error)}`,
    );
  }

  #warn(kind: string, message: string): void {
    warnOnce(`${this.#folder.path} ${kind}`, message);
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

function contributionOf({ outcome }: NewRecord): Uint8Array | undefined {
  return outcome.status === "finished" ? outcome.contribution : undefined;
}

/** Whether an error came from a disk. */
function isOfSystem(error: unknown): boolean {
  return error instanceof Error && "code" in error &&
    typeof error.code === "string";
}
