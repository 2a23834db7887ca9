/**
 * How records get into the database: at once where that can be, else when other
 * processes let go of it; blobs first. Comes with the first miss.
 *
 * @module
 */

import { FileChangedError } from "../errors.ts";
import type { DigestMemo } from "../value/file_digest.ts";
import { recordOfArrival, storeBlobs } from "./arrival.ts";
import { BlobsGoneError, putRow } from "./blob_links.ts";
import type { BlobFiles } from "./blobs.ts";
import { CachedRecord, type RecordSource } from "./cached_record.ts";
import type { DatabaseKeeper } from "./database_keeper.ts";
import { causeOf, failureOf } from "./failure.ts";
import type { CacheFolder } from "./folder.ts";
import type { Origin } from "./interned.ts";
import { checkKeyOrder } from "./key_order.ts";
import type { Limits } from "./limits.ts";
import type { Opened } from "./opened.ts";
import type { Arrival, NewRecord, StoredRecord } from "./record.ts";
import type * as ResultFiles from "./result_files.ts";
import { blobsOf, type Body, encodeBody, encodeDetails } from "./row.ts";
import type { Evictor } from "./sqlite_eviction.ts";
import type { SqliteLeases } from "./sqlite_leases.ts";
import {
  bytesToCome,
  contributionOf,
  expectedBody,
  needsBlobs,
  writeBlobs,
} from "./stored_body.ts";
import { refusalOf, valueBytes } from "./stored_value.ts";
import type { PinSet } from "./victims.ts";

/** How a busy store is tried again, off the hot path: for about ten seconds in all. */
const RETRY = {
  minTimeout: 5,
  maxTimeout: 400,
  maxAttempts: 60,
} as const;

/** The same where that was in vain the last time: for half a second, so that not each job takes ten. */
const RETRY_AGAIN = { ...RETRY, maxAttempts: 8 } as const;

/** A record whose blobs are written, to become a row. */
interface Prepared {
  readonly record: NewRecord;
  readonly body: Body;
  /** Where it was made, if that was not here, and the bytes of its value. */
  readonly elsewhere?: { readonly origin: Origin; readonly bytes: number };
  /** To be called when its blobs count, or never will. */
  readonly arrive?: (() => void) | undefined;
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

/** What is known of a row that was stored. */
interface StoredRow {
  readonly bytes: number;
  /** Whether no other program has claimed anything lately. */
  readonly isAlone: boolean;
}

/** A prepared record that waits for another process to let go of the database. */
interface Waiting extends Prepared {
  readonly settle: (done: Done) => void;
}

/** What came of an attempt to store; `gone`: a blob must be written again; `evicted`: there is no room for it. */
type Done = "stored" | "refused" | "gone" | "evicted";

/** How often blobs are written that others sweep away before a row names them. */
const MAX_WRITES = 5;

/** What a writer needs of its store. */
export interface WriterHome {
  readonly keeper: DatabaseKeeper;
  readonly folder: CacheFolder;
  readonly blobs: BlobFiles;
  readonly limits: Limits;
  readonly leases: SqliteLeases | undefined;
  /** Where the parts of what was stored are read. */
  readonly source: RecordSource;
  readonly memo: DigestMemo;
  loadResultFiles(): Promise<typeof ResultFiles>;
  pinSet(opened: Opened): PinSet;
  /** Remembers a promise until it has settled. */
  keep<R>(promise: Promise<R>): Promise<R>;
}

/** Stores records in one database. */
export class SqliteWriter {
  readonly #home: WriterHome;
  readonly #keeper: DatabaseKeeper;
  #evictor: Evictor | undefined;
  #waiting: Waiting[] = [];
  #hasStored = false;
  /** Whether others did not let go of the database while it was tried for long. */
  #wasInVain = false;
  readonly #notStored = (cause: unknown) => this.#warnNotStored(causeOf(cause));

  constructor(home: WriterHome) {
    this.#home = home;
    this.#keeper = home.keeper;
  }

  /** Whether it has tried to store something. */
  get hasStored(): boolean {
    return this.#hasStored;
  }

  /** Whether results wait to be stored until others let go of the database. */
  get isBehind(): boolean {
    return this.#waiting.length > 0;
  }

  store(
    record: NewRecord,
  ): StoredRecord | undefined | Promise<StoredRecord | undefined> {
    const { lease } = record;
    if (lease === undefined) return this.#store(record);
    // Stored or not, its key is free now.
    const done = this.#store(record);
    if (done instanceof Promise) {
      return done.finally(() => this.#home.leases?.release(lease));
    }
    this.#home.leases?.release(lease);
    return done;
  }

  #store(
    record: NewRecord,
  ): StoredRecord | undefined | Promise<StoredRecord | undefined> {
    if (this.#isLimited && this.#evictor === undefined) {
      return this.#home.keep(
        this.#loadEvictor().then(() => this.#store(record)),
      );
    }
    if (this.#isTooLarge(record, valueBytes(record))) return undefined;
    const { status, value } = record.outcome;
    if (
      needsBlobs(record)
    ) {
      return this.#home.keep(this.#storeWithBlobs(record));
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
      ? this.#home.keep(this.#wait(prepared).then(() => undefined))
      : undefined;
  }

  adopt(arrival: Arrival): boolean | Promise<boolean> {
    if (this.#isLimited && this.#evictor === undefined) {
      return this.#home.keep(
        this.#loadEvictor().then(() => this.adopt(arrival)),
      );
    }
    const record = recordOfArrival(arrival);
    const details = arrival.file.details();
    if (record === undefined || details === undefined) return false;
    const { file } = arrival;
    if (this.#isTooLarge(record, file.bytes)) return false;
    const prepared: Prepared = {
      record,
      body: file.body,
      elsewhere: { origin: details, bytes: file.bytes },
    };
    if (blobsOf(file.body).length > 0) {
      return this.#home.keep(this.#adoptWithBlobs(arrival, prepared));
    }
    const done = this.#insert(prepared);
    return done === "busy"
      ? this.#home.keep(this.#wait(prepared).then((done) => done === "stored"))
      : done === "stored";
  }

  /** Tries to store a row; `busy` if it must wait for another process. */
  #insert(prepared: Prepared): Done | "busy" {
    for (;;) {
      const opened = this.#keeper.open();
      if (opened === undefined) {
        return this.#keeper.isKeptOut ? "busy" : "refused";
      }
      if (!opened.database.writable) return this.#refuse();
      try {
        if (!opened.ordered) {
          checkKeyOrder(opened.database, prepared.record.key);
          opened.ordered = true;
        }
        this.#hasStored = true;
        const row = this.#insertRow(opened, prepared);
        this.#wasInVain = false;
        if (row === undefined) return "refused";
        return this.#evict(opened, prepared, row) ? "stored" : "evicted";
      } catch (error) {
        if (error instanceof BlobsGoneError) return "gone";
        if (failureOf(error) === "busy") return "busy";
        if (failureOf(error) === "unusable") {
          this.#warnNotStored(causeOf(error));
          return "refused";
        }
        if (!this.#keeper.replace(opened, causeOf(error))) {
          return this.#keeper.isKeptOut ? "busy" : "refused";
        }
      }
    }
  }

  /** Stores nothing, as the database can only be read. */
  #refuse(): "refused" {
    if (this.#keeper.unwritable !== undefined) {
      this.#warnNotStored(this.#keeper.unwritable);
    }
    return "refused";
  }

  /** Inserts a row; `undefined` if its lease was taken over. */
  #insertRow(opened: Opened, prepared: Prepared): StoredRow | undefined {
    const { database } = opened;
    const { body, record: { lease } } = prepared;
    const columns = columnsOf(opened, prepared);
    const bytes = columns[2].length + columns[7].length;
    const put = () => putRow(database, body, columns, this.#home.folder);
    if (lease === undefined || this.#home.leases === undefined) {
      put();
      return { bytes, isAlone: false };
    }
    if (
      blobsOf(body).length === 0 &&
      this.#home.leases.insert(database, lease, columns)
    ) return { bytes, isAlone: true };
    return this.#home.leases.settle(database, lease, put)
      ? { bytes, isAlone: false }
      : undefined;
  }

  get #isLimited(): boolean {
    const { maxSize, maxAge } = this.#home.limits;
    return maxSize !== undefined || maxAge !== undefined;
  }

  async #loadEvictor(): Promise<void> {
    const { Evictor } = await import("./sqlite_eviction.ts");
    this.#evictor ??= new Evictor(
      this.#home.limits,
      { folder: this.#home.folder, blobs: this.#home.blobs },
      (message) => this.#keeper.warn("limit", message),
    );
  }

  /** Whether a record has no room in the cache even if all others go. */
  #isTooLarge(record: NewRecord, bytes: number): boolean {
    const { path } = this.#home.folder;
    const refusal = refusalOf(record, bytes, path, this.#home.limits.maxSize);
    if (refusal === undefined) return false;
    const isPinned = this.#keeper.attempt((opened) =>
      this.#home.pinSet(opened).has(record.key.toHex(), record.fn)
    );
    if (isPinned === true) return false;
    this.#keeper.warn("limit", refusal);
    return true;
  }

  /** Makes room after a store; whether the record is still there. What cannot be done now is done after a later one. */
  #evict(
    opened: Opened,
    { record, body, arrive }: Prepared,
    { bytes, isAlone }: StoredRow,
  ): boolean {
    try {
      arrive?.();
      const isKnown = isAlone && blobsOf(body).length === 0;
      return this.#evictor?.stored(opened, record.key, bytes, isKnown) ?? true;
    } catch (error) {
      if (failureOf(error) === "damage") {
        this.#keeper.replace(opened, causeOf(error));
      }
      return true;
    }
  }

  async #storeWithBlobs(record: NewRecord): Promise<StoredRecord | undefined> {
    const opened = this.#keeper.open();
    if (opened === undefined && !this.#keeper.isKeptOut) return undefined;
    if (opened?.database.writable === false) return void this.#refuse();
    let arrive: (() => void) | undefined;
    try {
      arrive = await this.#expect(() =>
        expectedBody(record, this.#home.blobs).bytes
      );
      for (let writes = 0; writes < MAX_WRITES; writes++) {
        const body = await writeBlobs(record, this.#home, this.#home.memo);
        const prepared = { record, body, arrive };
        const done = this.#insert(prepared);
        const waited = done === "busy" ? await this.#wait(prepared) : done;
        if (waited === "gone") continue;
        if (waited !== "stored") return undefined;
        return new CachedRecord(this.#home.source, record.key, record.fn, body);
      }
      throw new Error("its blobs are deleted as fast as they are written");
    } catch (error) {
      if (error instanceof FileChangedError) throw error;
      this.#warnNotStored(causeOf(error));
      return undefined;
    } finally {
      arrive?.();
    }
  }

  /** Makes room for blobs that are to be written. */
  #expect(bytes: () => number): Promise<() => void> | undefined {
    return this.#home.limits.maxSize === undefined
      ? undefined
      : this.#evictor?.expect(() => this.#keeper.open(), bytes());
  }

  async #adoptWithBlobs(
    arrival: Arrival,
    prepared: Prepared,
  ): Promise<boolean> {
    const { blobs } = this.#home;
    const arrive = await this.#expect(() => bytesToCome(prepared.body, blobs));
    try {
      for (let writes = 0; writes < MAX_WRITES; writes++) {
        if (!await storeBlobs(arrival, blobs, this.#notStored)) return false;
        const tried = this.#insert({ ...prepared, arrive });
        const done = tried === "busy"
          ? await this.#wait({ ...prepared, arrive })
          : tried;
        if (done !== "gone") return done === "stored";
      }
      return false;
    } finally {
      arrive?.();
    }
  }

  /** Stores a row when the database is free; what came of it. */
  #wait(prepared: Prepared): Promise<Done> {
    const { promise, resolve: settle } = Promise.withResolvers<Done>();
    this.#waiting.push({ ...prepared, settle });
    if (this.#waiting.length === 1) this.#home.keep(this.#storeWaiting());
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
      }, this.#wasInVain ? RETRY_AGAIN : RETRY);
    } catch (error) {
      this.#wasInVain = true;
      const cause = error instanceof Error && error.cause !== undefined
        ? error.cause
        : error;
      this.#warnNotStored(causeOf(cause));
      for (const { settle } of this.#waiting.splice(0)) settle("refused");
    }
  }

  #warnNotStored(cause: string): void {
    this.#keeper.warn(
      "store",
      `results are not stored in the cache in ${this.#home.folder.path}: ${cause}`,
    );
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
