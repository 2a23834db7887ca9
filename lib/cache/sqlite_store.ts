/**
 * The store of records in one SQLite file, with blobs beside it.
 *
 * @module
 */

import { ResultLostError } from "../errors.ts";
import { withProcessMemo } from "../value/file_digest.ts";
import type { BlobReference, StoredFile } from "./blob_reference.ts";
import { deleteAll, deleteKey, sweepFiles } from "./blob_links.ts";
import { BlobDamage, BlobFiles } from "./blobs.ts";
import { CachedRecord, type RecordSource } from "./cached_record.ts";
import { causeOf } from "./failure.ts";
import { type AccessOptions, DatabaseKeeper } from "./database_keeper.ts";
import { FileDigests } from "./file_digests.ts";
import { CacheFolder } from "./folder.ts";
import type { Limits } from "./limits.ts";
import type { LiveBlob } from "./live_blobs.ts";
import { addPin, readPins, removePin } from "./sqlite_pins.ts";
import { PinSet } from "./victims.ts";
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
import defer * as catalog from "./sqlite_catalog.ts";
import defer * as damages from "./sqlite_damage.ts";
import type { DamagedDatabase } from "./sqlite_damage.ts";
import { LastUse } from "./last_use.ts";
import { nearestRecord } from "./nearest.ts";
import type { Opened } from "./opened.ts";
import type { Maintained } from "./maintenance.ts";
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
import { encodeRecordFile } from "./record_file.ts";
import type { Likeness } from "./resemblance.ts";
import type * as ResultFiles from "./result_files.ts";
import { decodeBody, decodeDetails, type Details } from "./row.ts";
import { leaseModules, loadLeases } from "./lease_modules.ts";
import type { DatabaseAccess, SqliteLeases } from "./sqlite_leases.ts";
import type { SqliteWriter } from "./sqlite_writer.ts";
import { getSnapshot } from "./snapshots.ts";
import { countRecords, usedBytes } from "./sqlite_totals.ts";
import { loadXxh3 } from "./xxh3.ts";

/** How a store is made. */
export interface StoreOptions extends Limits, AccessOptions {}

/** The store of one cache folder. Opens nothing until it is asked for something. */
export class SqliteStore implements RecordStore, Catalog, Depot, RecordSource {
  readonly #folder: CacheFolder;
  readonly #blobs: BlobFiles;
  readonly #limits: Limits;
  readonly #keeper: DatabaseKeeper;
  #leases: SqliteLeases | undefined;
  #storer: SqliteWriter | undefined;
  #hits = 0;
  #misses = 0;
  readonly #storing = new Set<Promise<unknown>>();
  readonly #lastUse = new LastUse();
  readonly #flushAtEnd = () => this.#flush();
  readonly fileDigests = new FileDigests((action) =>
    this.#keeper.attempt(({ database }) => action(database))
  );
  readonly #memo = withProcessMemo(this.fileDigests);
  /** Loaded with the first record that has files. */
  #resultFiles: typeof ResultFiles | undefined;

  constructor(path: string, options: StoreOptions = {}) {
    this.#folder = new CacheFolder(path);
    this.#limits = options;
    this.#blobs = new BlobFiles(this.#folder);
    this.#keeper = new DatabaseKeeper(
      this.#folder,
      options,
      () => addEventListener("unload", this.#flushAtEnd),
    );
  }

  get isReadonly(): boolean {
    return this.#keeper.isReadonly;
  }

  get leases(): SqliteLeases | undefined {
    if (this.isReadonly || leaseModules === undefined) return undefined;
    return this.#leases ??= new leaseModules.SqliteLeases(
      this.#folder,
      this.#access(),
    );
  }

  /** Stores records; `undefined` before `loadLeases`. */
  get #writer(): SqliteWriter | undefined {
    if (leaseModules === undefined) return undefined;
    return this.#storer ??= new leaseModules.SqliteWriter({
      keeper: this.#keeper,
      folder: this.#folder,
      blobs: this.#blobs,
      limits: this.#limits,
      leases: this.leases,
      source: this,
      memo: this.#memo,
      loadResultFiles: () => this.#loadResultFiles(),
      pinSet: (opened) => this.#pinSet(opened),
      keep: (promise) => this.#keep(promise),
    });
  }

  lookup(key: Uint8Array<ArrayBuffer>): StoredRecord | undefined {
    const found = this.#keeper.attempt((opened) => this.#find(opened, key));
    if (found === undefined) this.#misses++;
    else this.#hits++;
    return found;
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

  take(key: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> | undefined {
    const found = this.#keeper.attempt((opened) => this.#find(opened, key));
    const details = found?.details();
    if (found === undefined || details === undefined) return undefined;
    const { host, versions, storedAt, bytes } = details;
    return encodeRecordFile({
      key,
      fn: found.fn,
      origin: { host, versions },
      storedAt,
      bytes,
      body: found.body,
      details,
    });
  }

  adopt(arrival: Arrival): boolean | Promise<boolean> {
    if (this.isReadonly) return false;
    const writer = this.#writer;
    return writer === undefined
      ? this.#keep(loadLeases()!.then(() => this.adopt(arrival)))
      : writer.adopt(arrival);
  }

  get isUsable(): boolean {
    return this.#keeper.isUsable;
  }

  requireWritable(verb: string): void {
    this.#keeper.change(verb, () => {});
  }

  delete(key: Uint8Array<ArrayBuffer>): boolean {
    return this.#keeper.change(
      "delete from",
      ({ database }) => database.patiently(() => deleteKey(database, key)),
    );
  }

  nearest(
    name: string,
    like: Likeness,
    except: string,
    before: number,
  ): NearestRecord | undefined {
    return this.#keeper.attempt(({ database, interned }) =>
      nearestRecord(
        database,
        name,
        like,
        except,
        before,
        (id) => interned.functionOf(id),
        (key) => this.readDetails(key),
      )
    );
  }

  clear(): void {
    this.#keeper.change("clear", ({ database, interned }) => {
      // Others may have the database open, so it is emptied, never deleted.
      database.patiently((connection) => {
        deleteAll(database);
        connection.exec("VACUUM");
        connection.exec("PRAGMA wal_checkpoint(TRUNCATE)");
        sweepFiles(database, this.#blobs.files(), this.#folder, () => true);
      });
      interned.forget();
      this.#blobs.removeStale();
      this.#folder.clearQuarantine();
    });
  }

  stats(): CacheStats {
    const counts = this.#keeper.attempt(({ database }) => ({
      ...countRecords(database),
      bytes: usedBytes(database),
    }));
    return {
      records: counts?.records ?? 0,
      blobs: counts?.blobs ?? 0,
      bytes: counts?.bytes ?? 0,
      hits: this.#hits,
      misses: this.#misses,
      saved: (counts?.saved ?? 0) + this.#lastUse.saved,
    };
  }

  snapshot(digest: string): string | undefined {
    return this.#keeper.attempt(({ database }) =>
      getSnapshot(database, digest)
    );
  }

  list(filter: RecordFilter): Iterable<RecordSummary> {
    return catalog.listRecords(
      (action) => this.#keeper.attempt(action),
      filter,
      (opened) => this.#pinSet(opened),
    );
  }

  describe(key: Uint8Array<ArrayBuffer>): RecordDescription | undefined {
    return this.#keeper.attempt((opened) =>
      catalog.describeRecord(opened, key, this.#pinSet(opened))
    );
  }

  async verify(options: WorkOptions): Promise<VerifyReport> {
    const { verify } = await import("./sqlite_verify.ts");
    return await this.#keeper.during(() =>
      verify(this.#maintained("verify"), options)
    );
  }

  async collect(options: CollectOptions): Promise<CollectReport> {
    this.#flush();
    const { collect } = await import("./sqlite_collect.ts");
    return await this.#keeper.during(() =>
      collect(this.#maintained("collect garbage in"), options)
    );
  }

  pins(): readonly Pin[] {
    return this.#keeper.attempt(({ database }) => readPins(database)) ?? [];
  }

  pin(pin: Pin): boolean {
    return this.#keeper.change(
      "pin in",
      ({ database }) => database.patiently(() => addPin(database, pin)),
    );
  }

  unpin(pin: Pin): boolean {
    return this.#keeper.change(
      "unpin in",
      ({ database }) => database.patiently(() => removePin(database, pin)),
    );
  }

  #pinSet({ database }: Opened): PinSet {
    return new PinSet(readPins(database), this.#limits.keep);
  }

  #maintained(verb: string): Maintained {
    return {
      folder: this.#folder,
      blobs: this.#blobs,
      limits: this.#limits,
      change: (action) => this.#keeper.change(verb, action),
      takeDamaged: () => this.#keeper.takeDamaged(),
      warn: (message) => this.#keeper.warn(message, message),
    };
  }

  storing(): Promise<void> | undefined {
    return this.#storing.size === 0
      ? undefined
      : Promise.allSettled(this.#storing).then(() => {});
  }

  async settled(): Promise<void> {
    while (this.#storing.size > 0) await Promise.allSettled(this.#storing);
    this.#flush();
  }

  close(): void {
    this.#flush();
    removeEventListener("unload", this.#flushAtEnd);
    this.#leases?.close();
    this.#keeper.close();
  }

  hold(reference: BlobReference): LiveBlob {
    return this.#blobs.live.hold(reference);
  }

  readBlob(
    key: Uint8Array<ArrayBuffer>,
    reference: BlobReference,
  ): Uint8Array<ArrayBuffer> {
    try {
      return this.#blobs.read(reference);
    } catch (error) {
      if (error instanceof BlobDamage) throw this.#lost(key, reference, error);
      const path = this.#blobs.path(reference);
      throw new ResultLostError(
        `Cannot read ${path}: ${causeOf(error)}. Await the job to run it again`,
        { cause: error },
      );
    }
  }

  restoreFiles(
    key: Uint8Array<ArrayBuffer>,
    files: readonly StoredFile[],
  ): void {
    this.#resultFiles!.restoreFiles(
      files,
      this.#blobs,
      this.#memo,
      (blob, damage) => this.#lost(key, blob, damage),
    );
  }

  #lost(
    key: Uint8Array<ArrayBuffer>,
    reference: BlobReference,
    damage: BlobDamage,
  ): ResultLostError {
    return damages.loseBlob(this.#home(), key, reference, damage);
  }

  #home(): DamagedDatabase {
    return { keeper: this.#keeper, folder: this.#folder, blobs: this.#blobs };
  }

  readDetails(
    key: Uint8Array<ArrayBuffer>,
  ): (RecordDetails & Details) | undefined {
    return this.#keeper.attempt((opened) => {
      const { database, interned } = opened;
      const row = database.statement(
        `SELECT stored_at, bytes, duration, origin, details FROM ${database.schema}.records WHERE key = ?`,
      ).get(key);
      if (row === undefined) return undefined;
      const columns = {
        storedAt: row.stored_at,
        bytes: row.bytes,
        duration: row.duration,
        origin: row.origin,
      };
      const details = decodeDetails(key, columns, row.details);
      if (details === undefined) {
        damages.discardRow(
          this.#home(),
          opened,
          key,
          "its details are damaged",
        );
        return undefined;
      }
      return {
        ...details,
        storedAt: Number(row.stored_at),
        bytes: Number(row.bytes),
        ...interned.originOf(Number(row.origin)),
      };
    });
  }

  #find(
    opened: Opened,
    key: Uint8Array<ArrayBuffer>,
  ): CachedRecord | undefined {
    const row = opened.database.lookup.get(key) as unknown as
      | [
        fn: unknown,
        body: unknown,
        id: unknown,
        storedAt: unknown,
        duration: unknown,
      ]
      | undefined;
    if (row === undefined) return undefined;
    const [fnId, bytes, id, storedAt, duration] = row;
    const body = decodeBody(key, fnId, bytes);
    if (body === undefined) {
      damages.discardRow(this.#home(), opened, key, "it is damaged");
      return undefined;
    }
    const fn = opened.interned.functionOf(fnId as number);
    if (fn === undefined) {
      // The next store of that function writes the row anew, and this record counts again.
      this.#keeper.warn(
        "function",
        `the row of a function in the cache in ${this.#folder.path} is damaged, so a job of it is computed again`,
      );
      return undefined;
    }
    if (this.#lastUse.note(id, storedAt, duration)) this.#flush();
    return new CachedRecord(this, key, fn, body);
  }

  /** Writes what is known of uses; what cannot be written now stays for the next time. */
  #flush(): void {
    const { database } = this.#keeper.opened ?? {};
    if (database?.writable !== true) return;
    try {
      this.#lastUse.flush(database, this.#storer?.hasStored ?? false);
    } catch {
      // It is worth no warning: a record may go a little early.
    }
  }

  /** How leases get at the database. */
  #access(): DatabaseAccess {
    return {
      open: () => {
        const opened = this.#keeper.open();
        if (opened === undefined) {
          return this.#keeper.isKeptOut ? "busy" : undefined;
        }
        return opened.database.writable ? opened.database : undefined;
      },
      isBehind: () => this.#storer?.isBehind ?? false,
      replace: (database, error) => {
        const { opened } = this.#keeper;
        return opened?.database !== database ||
          this.#keeper.replace(opened, causeOf(error));
      },
    };
  }

  /** Remembers a promise until it has settled. */
  #keep<R>(promise: Promise<R>): Promise<R> {
    this.#storing.add(promise);
    const forget = () => this.#storing.delete(promise);
    promise.then(forget, forget);
    return promise;
  }
}
