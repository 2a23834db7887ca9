/**
 * The store of records in one SQLite file, with blobs beside it.
 *
 * @module
 */

import { CacheError, FileChangedError, ResultLostError } from "../errors.ts";
import { withProcessMemo } from "../value/file_digest.ts";
import type { BlobReference, StoredFile } from "./blob_reference.ts";
import { type FileContent, MemoryLeaf } from "../value/encoded.ts";
import { warnOnce } from "../warn.ts";
import {
  BlobsGoneError,
  deleteAll,
  deleteKey,
  deleteRecord,
  putRow,
  sweepFiles,
} from "./blob_links.ts";
import { recordOfArrival, storeBlobs } from "./arrival.ts";
import { BlobDamage, BlobFiles } from "./blobs.ts";
import { CachedRecord, type RecordSource } from "./cached_record.ts";
import {
  type CacheDatabase,
  OPEN_MS,
  openAside,
  openReadonly,
  openWritable,
  PATIENT_MS,
  replaceDamaged,
  type Report,
} from "./database.ts";
import { causeOf, DamageError, failureOf } from "./failure.ts";
import { FileDigests } from "./file_digests.ts";
import { CacheFolder } from "./folder.ts";
import { Interned, type Origin } from "./interned.ts";
import type { Limits } from "./limits.ts";
import type { LiveBlob } from "./live_blobs.ts";
import type { Evictor } from "./sqlite_eviction.ts";
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
import { LastUse } from "./last_use.ts";
import { nearestRecord } from "./nearest.ts";
import type { Opened } from "./opened.ts";
import { missingPermissions } from "./permission.ts";
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
import { checkKeyOrder } from "./key_order.ts";
import type * as ResultFiles from "./result_files.ts";
import {
  blobsOf,
  type Body,
  decodeBody,
  decodeDetails,
  type Details,
  encodeBody,
  encodeDetails,
} from "./row.ts";
import { leaseModules } from "./lease_modules.ts";
import type { DatabaseAccess, SqliteLeases } from "./sqlite_leases.ts";
import { getSnapshot } from "./snapshots.ts";
import { countRecords, usedBytes } from "./sqlite_totals.ts";
import { filesOf, refusalOf, valueBytes } from "./stored_value.ts";
import { loadXxh3 } from "./xxh3.ts";

/** An encoded value longer than this is a blob: the database is for small things. */
const DOCUMENT_BYTES = 65_536;

/** Damaged databases that one program replaces; after that the disk is to blame. */
const MAX_REPLACEMENTS = 3;

/** How long a program hopes that others let it open the database, in ms; after that it does without. */
const HOPE_MS = 2_000;

/** How a busy store is tried again, off the hot path: for about ten seconds in all. */
const RETRY = {
  minTimeout: 5,
  maxTimeout: 400,
  maxAttempts: 60,
} as const;

/** A record whose blobs are written, to become a row. */
interface Prepared {
  readonly record: NewRecord;
  readonly body: Body;
  /** Where it was made, if that was not here, and the bytes of its value. */
  readonly elsewhere?: { readonly origin: Origin; readonly bytes: number };
}

/** The columns of a row of `records` but `id`. */
type Columns = [
  key: Uint8Array,
  fn: number,
  body: Uint8Array,
  storedAt: number,
  bytes: number,
  duration: number,
  origin: number,
  details: Uint8Array,
];

/** A prepared record that waits for another process to let go of the database. */
interface Waiting extends Prepared {
  readonly settle: (done: Done) => void;
}

/** What came of an attempt to store; `gone`: a blob must be written again; `evicted`: there is no room for it. */
type Done = "stored" | "refused" | "gone" | "evicted";

/** How often blobs are written that others sweep away before a row names them. */
const MAX_WRITES = 5;

/** How a store is made. */
export interface StoreOptions extends Limits {
  /** Whether nothing may be written. */
  readonly readonly?: boolean | undefined;
  /** Whether it belongs to others, so that SQLite may not make files beside it either, where that can be. */
  readonly aside?: boolean | undefined;
  /** Whether it is worth no warning if there is none. */
  readonly mayBeAbsent?: boolean | undefined;
}

/** The store of one cache folder. Opens nothing until it is asked for something. */
export class SqliteStore implements RecordStore, Catalog, Depot, RecordSource {
  readonly #folder: CacheFolder;
  readonly #blobs: BlobFiles;
  readonly #readonly: boolean;
  readonly #aside: boolean;
  readonly #mayBeAbsent: boolean;
  readonly #limits: Limits;
  #evictor: Evictor | undefined;
  #leases: SqliteLeases | undefined;
  #opened: Opened | undefined;
  #unusable = false;
  /** Since when others have kept this program from opening the database. */
  #busySince: number | undefined;
  /** Why the database can only be read, though it should not. */
  #unwritable: string | undefined;
  #replacements = 0;
  /** Damaged databases since that was asked last. */
  #damaged = 0;
  #hits = 0;
  #misses = 0;
  #waiting: Waiting[] = [];
  readonly #storing = new Set<Promise<unknown>>();
  readonly #lastUse = new LastUse();
  #hasStored = false;
  readonly #flushAtEnd = () => this.#flush();
  readonly #report: Report = (message, isDamaged = false) => {
    if (isDamaged) this.#damaged++;
    this.#warn(message, message);
  };
  readonly #notStored = (cause: unknown) => this.#warnNotStored(causeOf(cause));
  readonly fileDigests = new FileDigests((action) =>
    this.#attempt(({ database }) => action(database))
  );
  readonly #memo = withProcessMemo(this.fileDigests);
  /** Loaded with the first record that has files. */
  #resultFiles: typeof ResultFiles | undefined;

  constructor(path: string, options: StoreOptions = {}) {
    const { readonly = false, aside = false, mayBeAbsent = false, ...limits } =
      options;
    this.#mayBeAbsent = mayBeAbsent;
    this.#folder = new CacheFolder(path);
    this.#limits = limits;
    this.#blobs = new BlobFiles(this.#folder);
    this.#readonly = readonly;
    this.#aside = aside;
  }

  get isReadonly(): boolean {
    return this.#readonly;
  }

  get leases(): SqliteLeases | undefined {
    if (this.#readonly || leaseModules === undefined) return undefined;
    return this.#leases ??= new leaseModules.SqliteLeases(
      this.#folder,
      this.#access(),
    );
  }

  lookup(key: Uint8Array<ArrayBuffer>): StoredRecord | undefined {
    const found = this.#attempt((opened) => this.#find(opened, key));
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
    const { lease } = record;
    if (lease === undefined) return this.#store(record);
    // Stored or not, its key is free now.
    const done = this.#store(record);
    if (done instanceof Promise) {
      return done.finally(() => this.leases?.release(lease));
    }
    this.leases?.release(lease);
    return done;
  }

  #store(
    record: NewRecord,
  ): StoredRecord | undefined | Promise<StoredRecord | undefined> {
    if (this.#readonly) return undefined;
    if (this.#isLimited && this.#evictor === undefined) {
      return this.#keep(this.#loadEvictor().then(() => this.#store(record)));
    }
    if (this.#isTooLarge(record)) return undefined;
    const { status, value } = record.outcome;
    if (
      value.leaves.length > 0 || value.bytes.length > DOCUMENT_BYTES ||
      filesOf(record).length > 0
    ) {
      return this.#keep(this.#storeWithBlobs(record));
    }
    const prepared: Prepared = {
      record,
      body: {
        status,
        contribution: contributionOf(record),
        leaves: [],
        document: value.bytes,
      },
    };
    return this.#insert(prepared) === "busy"
      ? this.#keep(this.#wait(prepared).then(() => undefined))
      : undefined;
  }

  take(key: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> | undefined {
    const found = this.#attempt((opened) => this.#find(opened, key));
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
    if (this.#readonly) return false;
    if (this.#isLimited && this.#evictor === undefined) {
      return this.#keep(
        this.#loadEvictor().then(() => this.adopt(arrival)),
      );
    }
    const record = recordOfArrival(arrival);
    const details = arrival.file.details();
    if (record === undefined || details === undefined) return false;
    const { file } = arrival;
    const prepared: Prepared = {
      record,
      body: file.body,
      elsewhere: { origin: details, bytes: file.bytes },
    };
    if (blobsOf(file.body).length > 0) {
      return this.#keep(this.#adoptWithBlobs(arrival, prepared));
    }
    const done = this.#insert(prepared);
    return done === "busy"
      ? this.#keep(this.#wait(prepared).then((done) => done === "stored"))
      : done === "stored";
  }

  get isUsable(): boolean {
    return !this.#unusable;
  }

  requireWritable(verb: string): void {
    this.#change(verb, () => {});
  }

  delete(key: Uint8Array<ArrayBuffer>): boolean {
    return this.#change(
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
    return this.#attempt(({ database, interned }) =>
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
    this.#change("clear", ({ database, interned }) => {
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
    const counts = this.#attempt(({ database }) => ({
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
    return this.#attempt(({ database }) => getSnapshot(database, digest));
  }

  list(filter: RecordFilter): Iterable<RecordSummary> {
    return catalog.listRecords(
      (action) => this.#attempt(action),
      filter,
      (opened) => this.#pinSet(opened),
    );
  }

  describe(key: Uint8Array<ArrayBuffer>): RecordDescription | undefined {
    return this.#attempt((opened) =>
      catalog.describeRecord(opened, key, this.#pinSet(opened))
    );
  }

  async verify(options: WorkOptions): Promise<VerifyReport> {
    const { verify } = await import("./sqlite_verify.ts");
    return await verify(this.#maintained("verify"), options);
  }

  async collect(options: CollectOptions): Promise<CollectReport> {
    this.#flush();
    const { collect } = await import("./sqlite_collect.ts");
    return await collect(this.#maintained("collect garbage in"), options);
  }

  pins(): readonly Pin[] {
    return this.#attempt(({ database }) => readPins(database)) ?? [];
  }

  pin(pin: Pin): boolean {
    return this.#change(
      "pin in",
      ({ database }) => database.patiently(() => addPin(database, pin)),
    );
  }

  unpin(pin: Pin): boolean {
    return this.#change(
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
      change: (action) => this.#change(verb, action),
      takeDamaged: () => {
        const damaged = this.#damaged;
        this.#damaged = 0;
        return damaged;
      },
      warn: (message) => this.#warn(message, message),
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
    this.#opened?.database[Symbol.dispose]();
    this.#opened = undefined;
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
    const path = this.#blobs.path(reference);
    this.#dropBlob(key, reference, path, damage);
    return new ResultLostError(
      `Cannot load the result as ${path} ${damage.message}: await the job to run it again`,
      { cause: damage },
    );
  }

  readDetails(
    key: Uint8Array<ArrayBuffer>,
  ): (RecordDetails & Details) | undefined {
    return this.#attempt((opened) => {
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
        this.#discard(opened, key, "its details are damaged");
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
      this.#discard(opened, key, "it is damaged");
      return undefined;
    }
    const fn = opened.interned.functionOf(fnId as number);
    if (fn === undefined) {
      // The next store of that function writes the row anew, and this record counts again.
      this.#warn(
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
    const { database } = this.#opened ?? {};
    if (database?.writable !== true) return;
    try {
      this.#lastUse.flush(database, this.#hasStored);
    } catch {
      // It is worth no warning: a record may go a little early.
    }
  }

  /** Does something with the database; damage found on the way is repaired, and it is done again. */
  #attempt<R>(action: (opened: Opened) => R): R | undefined {
    for (;;) {
      const opened = this.#open();
      if (opened === undefined) return undefined;
      try {
        return action(opened);
      } catch (error) {
        if (!this.#recover(opened, error)) return undefined;
      }
    }
  }

  /** Opens the database unless it is open; waits for other programs once, later attempts go on at once. */
  #open(
    patience = this.#busySince === undefined ? OPEN_MS : 0,
  ): Opened | undefined {
    if (this.#opened !== undefined) return this.#opened;
    if (this.#unusable) return undefined;
    try {
      const database = this.#openDatabase(patience);
      this.#busySince = undefined;
      if (database === undefined) {
        this.#unusable = true;
        return undefined;
      }
      addEventListener("unload", this.#flushAtEnd);
      return this.#opened = {
        database,
        interned: new Interned(database),
        ordered: false,
      };
    } catch (error) {
      if (failureOf(error) === "busy" && this.#hopes()) return undefined;
      this.#unusable = true;
      this.#warn(
        "open",
        `the cache in ${this.#folder.path} cannot be used, so jobs are computed again: ${
          causeOf(error)
        }`,
      );
      return undefined;
    }
  }

  /** How leases get at the database. */
  #access(): DatabaseAccess {
    return {
      open: () => {
        const opened = this.#open();
        if (opened === undefined) return this.#isKeptOut ? "busy" : undefined;
        return opened.database.writable ? opened.database : undefined;
      },
      isBehind: () => this.#waiting.length > 0,
      replace: (database, error) =>
        this.#opened?.database !== database ||
        this.#replace(this.#opened, causeOf(error)),
    };
  }

  /** Notes that others are at the database; whether there is hope that they let go. */
  #hopes(): boolean {
    const now = performance.now();
    this.#busySince ??= now;
    return now - this.#busySince < HOPE_MS;
  }

  /** Whether what cannot be opened now may be opened later. */
  get #isKeptOut(): boolean {
    return this.#busySince !== undefined && !this.#unusable;
  }

  #openDatabase(patience: number): CacheDatabase | undefined {
    const report = this.#report;
    const { path } = this.#folder;
    if (missingPermissions(["read"], path) !== undefined) {
      // Told with all that is needed, so that nobody starts a program twice in vain.
      throw new Error(
        missingPermissions(
          this.#readonly ? ["read"] : ["read", "write"],
          path,
        ),
      );
    }
    if (this.#readonly) {
      const open = this.#aside ? openAside : openReadonly;
      const opened = open(this.#folder, report, patience);
      if (opened === undefined && !this.#mayBeAbsent) {
        this.#warn("absent", `the read-only cache in ${path} does not exist`);
      }
      return opened;
    }
    try {
      const unwritable = missingPermissions(["write"], path);
      if (unwritable !== undefined) throw new Error(unwritable);
      return openWritable(this.#folder, report, patience);
    } catch (error) {
      if (failureOf(error) === "busy") throw error;
      // What is there can perhaps be used all the same.
      const opened = this.#openWhatIsThere(report, patience);
      if (opened === undefined) throw error;
      // Told when something is to be stored.
      this.#unwritable = causeOf(error);
      return opened;
    }
  }

  #openWhatIsThere(
    report: Report,
    patience: number,
  ): CacheDatabase | undefined {
    try {
      return openReadonly(this.#folder, report, patience);
    } catch (error) {
      if (failureOf(error) === "busy") throw error;
      return undefined;
    }
  }

  /** Looks at what went wrong; whether it is worth another attempt. */
  #recover(opened: Opened, error: unknown): boolean {
    const failure = failureOf(error);
    if (failure === "busy") return false;
    if (failure === "unusable") {
      this.#warn(
        "read",
        `the cache in ${this.#folder.path} cannot be read: ${causeOf(error)}`,
      );
      return false;
    }
    return this.#replace(opened, causeOf(error));
  }

  /** Puts a new database in the place of a damaged one; whether there is a usable one now. */
  #replace({ database }: Opened, what: string): boolean {
    // Somebody on this stack has done it already.
    if (this.#opened?.database !== database) return this.#opened !== undefined;
    this.#opened = undefined;
    const { path } = this.#folder;
    if (!database.writable || ++this.#replacements > MAX_REPLACEMENTS) {
      database[Symbol.dispose]();
      this.#unusable = true;
      this.#warn(
        "damage",
        `the cache in ${path} is damaged (${what}) and no longer used`,
      );
      return false;
    }
    try {
      const successor = replaceDamaged(
        this.#folder,
        this.#report,
        database,
        what,
        OPEN_MS,
      );
      this.#opened = {
        database: successor,
        interned: new Interned(successor),
        ordered: true,
      };
      return true;
    } catch (error) {
      // Perhaps another program is replacing it.
      if (failureOf(error) === "busy" && this.#hopes()) return false;
      this.#unusable = true;
      this.#warn(
        "damage",
        `the cache in ${path} is damaged (${what}) and cannot be replaced: ${
          causeOf(error)
        }`,
      );
      return false;
    }
  }

  /** Deletes the damaged row of a key, a copy of it kept. */
  #discard(opened: Opened, key: Uint8Array<ArrayBuffer>, what: string): void {
    const { database } = opened;
    const { connection, schema, writable } = database;
    const { path } = this.#folder;
    if (!writable) {
      this.#warn(
        "row",
        `a record of the cache in ${path} is not used: ${what}`,
      );
      return;
    }
    const row = connection.prepare(
      `SELECT * FROM ${schema}.records WHERE key = ?`,
    ).get(key);
    if (row === undefined) return;
    if (!(row.key instanceof Uint8Array) || row.key.toHex() !== key.toHex()) {
      // The index of keys leads to another row: deleting by it would go wrong.
      throw new DamageError("its index of keys");
    }
    this.#warn(
      "row",
      `a record of the cache in ${path} is not used and was moved to ${this.#folder.quarantine}: ${what}`,
    );
    this.#folder.keepRow(row);
    database.transact(() => deleteRecord(database, { id: row.id as number }));
  }

  #dropBlob(
    key: Uint8Array<ArrayBuffer>,
    reference: BlobReference,
    path: string,
    damage: BlobDamage,
  ): void {
    // Another program has put it back since it was looked at.
    if (!damage.present && this.#blobs.isThere(reference)) return;
    const opened = this.#open();
    if (opened === undefined || !opened.database.writable) {
      this.#warn(path, `${path} ${damage.message}: its job is run`);
      return;
    }
    let isGone = true;
    try {
      const target = damage.present
        ? this.#blobs.setAside(reference)
        : undefined;
      this.#warn(
        path,
        `${path} ${damage.message}${
          target === undefined ? "" : ` and was moved to ${target}`
        }: its job is run again`,
      );
    } catch (error) {
      isGone = false;
      this.#warn(
        path,
        `${path} ${damage.message} and cannot be moved: ${causeOf(error)}`,
      );
    }
    // Another program may have stored it anew since, with its blobs first.
    this.#attempt(({ database }) =>
      deleteKey(database, key, () => isGone && this.#blobs.isThere(reference))
    );
  }

  /** Tries to store a row; `busy` if it must wait for another process. */
  #insert(prepared: Prepared): Done | "busy" {
    for (;;) {
      const opened = this.#open();
      if (opened === undefined) return this.#isKeptOut ? "busy" : "refused";
      if (!opened.database.writable) return this.#refuse();
      try {
        if (!opened.ordered) {
          checkKeyOrder(opened.database, prepared.record.key);
          opened.ordered = true;
        }
        this.#hasStored = true;
        const rowBytes = this.#insertRow(opened, prepared);
        if (rowBytes === undefined) return "refused";
        return this.#evict(opened, prepared, rowBytes) ? "stored" : "evicted";
      } catch (error) {
        if (error instanceof BlobsGoneError) return "gone";
        if (failureOf(error) === "busy") return "busy";
        if (failureOf(error) === "unusable") {
          this.#warnNotStored(causeOf(error));
          return "refused";
        }
        if (!this.#replace(opened, causeOf(error))) {
          return this.#isKeptOut ? "busy" : "refused";
        }
      }
    }
  }

  /** Stores nothing, as the database can only be read. */
  #refuse(): "refused" {
    if (this.#unwritable !== undefined) this.#warnNotStored(this.#unwritable);
    return "refused";
  }

  /** Inserts a row; its bytes, or `undefined` if its lease was taken over. */
  #insertRow(opened: Opened, prepared: Prepared): number | undefined {
    const { database } = opened;
    const { body, record: { lease } } = prepared;
    const columns = columnsOf(opened, prepared);
    const bytes = columns[2].length + columns[7].length;
    const put = () => putRow(database, body, columns, this.#folder);
    if (lease === undefined || this.leases === undefined) {
      put();
      return bytes;
    }
    if (
      blobsOf(body).length === 0 &&
      this.leases.insert(database, lease, columns)
    ) return bytes;
    return this.leases.settle(database, lease, put) ? bytes : undefined;
  }

  get #isLimited(): boolean {
    const { maxSize, maxAge } = this.#limits;
    return maxSize !== undefined || maxAge !== undefined;
  }

  async #loadEvictor(): Promise<void> {
    const { Evictor } = await import("./sqlite_eviction.ts");
    this.#evictor ??= new Evictor(
      this.#limits,
      { folder: this.#folder, blobs: this.#blobs },
      (message) => this.#warn("limit", message),
    );
  }

  /** Whether a record has no room in the cache even if all others go. */
  #isTooLarge(record: NewRecord): boolean {
    const { path } = this.#folder;
    const refusal = refusalOf(record, path, this.#limits.maxSize);
    if (refusal === undefined) return false;
    const isPinned = this.#attempt((opened) =>
      this.#pinSet(opened).has(record.key.toHex(), record.fn)
    );
    if (isPinned === true) return false;
    this.#warn("limit", refusal);
    return true;
  }

  /** Makes room after a store; whether the record is still there. What cannot be done now is done after a later one. */
  #evict(
    opened: Opened,
    { record, body }: Prepared,
    rowBytes: number,
  ): boolean {
    try {
      const hasBlobs = blobsOf(body).length > 0;
      return this.#evictor?.stored(opened, record.key, rowBytes, hasBlobs) ??
        true;
    } catch (error) {
      if (failureOf(error) === "damage") this.#replace(opened, causeOf(error));
      return true;
    }
  }

  async #storeWithBlobs(record: NewRecord): Promise<StoredRecord | undefined> {
    const opened = this.#open();
    if (opened === undefined && !this.#isKeptOut) return undefined;
    if (opened?.database.writable === false) return void this.#refuse();
    try {
      for (let writes = 0; writes < MAX_WRITES; writes++) {
        const body = await this.#writeBlobs(record);
        const done = this.#insert({ record, body });
        const waited = done === "busy"
          ? await this.#wait({ record, body })
          : done;
        if (waited === "gone") continue;
        if (waited !== "stored") return undefined;
        return new CachedRecord(this, record.key, record.fn, body);
      }
      throw new Error("its blobs are deleted as fast as they are written");
    } catch (error) {
      if (error instanceof FileChangedError) throw error;
      this.#warnNotStored(causeOf(error));
      return undefined;
    }
  }

  async #adoptWithBlobs(
    arrival: Arrival,
    prepared: Prepared,
  ): Promise<boolean> {
    for (let writes = 0; writes < MAX_WRITES; writes++) {
      if (!await storeBlobs(arrival, this.#blobs, this.#notStored)) {
        return false;
      }
      const tried = this.#insert(prepared);
      const done = tried === "busy" ? await this.#wait(prepared) : tried;
      if (done !== "gone") return done === "stored";
    }
    return false;
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
          files: await this.#storeFiles(filesOf(record)),
          document,
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
    return await storeFiles(files, this.#blobs, this.#memo);
  }

  /** Stores a row when the database is free; what came of it. */
  #wait(prepared: Prepared): Promise<Done> {
    const { promise, resolve: settle } = Promise.withResolvers<Done>();
    this.#waiting.push({ ...prepared, settle });
    if (this.#waiting.length === 1) this.#keep(this.#storeWaiting());
    return promise;
  }

  async #storeWaiting(): Promise<void> {
    try {
      const { retry } = await import("jsr:@std/async@^1/retry");
      await retry(() => {
        while (this.#waiting.length > 0) {
          const [first] = this.#waiting;
          const done = this.#insert(first!);
          if (done === "busy") {
            throw new Error("another process holds its lock");
          }
          this.#waiting.shift();
          first!.settle(done);
        }
      }, RETRY);
    } catch (error) {
      const cause = error instanceof Error && error.cause !== undefined
        ? error.cause
        : error;
      this.#warnNotStored(causeOf(cause));
      for (const { settle } of this.#waiting.splice(0)) settle("refused");
    }
  }

  /** Remembers a promise until it has settled. */
  #keep<R>(promise: Promise<R>): Promise<R> {
    this.#storing.add(promise);
    const forget = () => this.#storing.delete(promise);
    promise.then(forget, forget);
    return promise;
  }

  /** Does what a user asked for, who is told if it cannot be done. */
  #change<R>(verb: string, action: (opened: Opened) => R): R {
    const { path } = this.#folder;
    const opened = this.#open(PATIENT_MS);
    if (this.#readonly || (opened !== undefined && !opened.database.writable)) {
      throw new CacheError(
        `Cannot ${verb} the cache in ${path} as it is read-only`,
      );
    }
    if (opened === undefined) {
      throw new CacheError(
        `Cannot ${verb} the cache in ${path} as ${
          this.#isKeptOut
            ? "another program holds its lock"
            : "it cannot be used"
        }`,
      );
    }
    try {
      return action(opened);
    } catch (error) {
      const damaged = failureOf(error) === "damage";
      if (damaged && this.#replace(opened, causeOf(error))) {
        return this.#change(verb, action);
      }
      throw new CacheError(
        `Cannot ${verb} the cache in ${path}: ${causeOf(error)}`,
        { cause: error },
      );
    }
  }

  #warnNotStored(cause: string): void {
    this.#warn(
      "store",
      `results are not stored in the cache in ${this.#folder.path}: ${cause}`,
    );
  }

  #warn(kind: string, message: string): void {
    warnOnce(`${this.#folder.path} ${kind}`, message);
  }
}

/** The columns of a row. What they refer to is stored at once: it is remembered, so it must not be undone with a transaction. */
function columnsOf(
  { interned }: Opened,
  { record, body, elsewhere }: Prepared,
): Columns {
  const { key, outcome, preview, parts, upstream } = record;
  const { timing } = outcome;
  const fn = interned.functionId(record.fn, record.snapshot);
  const columns = {
    storedAt: Date.now(),
    bytes: elsewhere?.bytes ?? valueBytes(record),
    // SQLite knows neither NaN nor -0.
    duration: Math.max(timing.duration, 0) || 0,
    origin: elsewhere === undefined
      ? interned.hereId()
      : interned.originId(elsewhere.origin),
  };
  const details = encodeDetails(key, columns, {
    timing,
    console: outcome.console,
    preview,
    parts,
    upstream,
  });
  return [
    key,
    fn,
    encodeBody(key, fn, body),
    columns.storedAt,
    columns.bytes,
    columns.duration,
    columns.origin,
    details,
  ];
}

function contributionOf({ outcome }: NewRecord): Uint8Array | undefined {
  return outcome.status === "finished" ? outcome.contribution : undefined;
}
