/**
 * The database of a cache: how it is opened, checked, made and replaced.
 *
 * @module
 */

import defer * as sqlite from "node:sqlite";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { dirname } from "../value/paths.ts";
import { causeOf, failureOf } from "./failure.ts";
import type { CacheFolder, Identity } from "./folder.ts";
import { attachImmutable } from "./immutable.ts";
import {
  OthersDatabaseError,
  refuseOthers,
  refuseOthersAside,
} from "./others_database.ts";
import { salvage } from "./salvage.ts";
import {
  createSchema,
  PAGE_BYTES,
  type SchemaVerdict,
  verifySchema,
} from "./schema.ts";

/** How long a lookup or a first attempt to store may wait for another process, in ms. */
const BUSY_MS = 5;

/** How long the first attempt to open or replace it may. */
export const OPEN_MS = 50;

/** The same where no job waits: making it, clearing. */
export const PATIENT_MS = 2_000;

/** Pages of the write-ahead log after which it is merged: fewer, larger merges make stores cheaper. */
const CHECKPOINT_PAGES = 4_000;

/** SQLite's own page cache, in KiB. */
const CACHE_KIB = 8_192;

/** The same while very many records are deleted: their keys are all over the index. */
const LARGE_CACHE_KIB = 65_536;

// Deno has the method, its types do not know it yet.
type ArrayStatement = StatementSync & {
  setReturnArrays(enabled: boolean): void;
};

/** Says what was done with a database, and whether that was since it is damaged. */
export type Report = (message: string, isDamaged?: boolean) => void;

/** An open database of a cache, with the statements of the hot path prepared. */
export class CacheDatabase implements Disposable {
  readonly connection: DatabaseSync;
  /** The name that SQL knows it by. */
  readonly schema: "main" | "cache";
  /** Whether it may be written to. */
  readonly writable: boolean;
  /** The file that was opened. */
  readonly identity: Identity;
  /** Whether it is changed in place, as the disk is full. */
  readonly isInPlace: boolean;
  /** `[fn, body, id, stored_at, duration]` of a key. */
  readonly lookup: StatementSync;
  /** Stores a row unless there is one of that key; its parameters are the columns of `records` but `id`. */
  readonly insert: StatementSync | undefined;
  readonly #statements = new Map<string, StatementSync>();
  readonly #arrays = new Map<string, StatementSync>();

  constructor(
    connection: DatabaseSync,
    schema: "main" | "cache",
    writable: boolean,
    identity: Identity,
    isInPlace = false,
  ) {
    this.connection = connection;
    this.isInPlace = isInPlace;
    this.schema = schema;
    this.writable = writable;
    this.identity = identity;
    this.lookup = connection.prepare(
      `SELECT fn, body, id, stored_at, duration FROM ${schema}.records WHERE key = ?`,
    );
    (this.lookup as ArrayStatement).setReturnArrays(true);
    if (writable) this.insert = connection.prepare(INSERT);
  }

  /** The statement of a text, prepared once. Nothing may run while its rows are iterated. */
  statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.connection.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  /** As {@linkcode statement}, but its rows are arrays: faster where there are many. */
  rows(sql: string): StatementSync {
    let statement = this.#arrays.get(sql);
    if (statement === undefined) {
      statement = this.connection.prepare(sql);
      (statement as ArrayStatement).setReturnArrays(true);
      this.#arrays.set(sql, statement);
    }
    return statement;
  }

  /** Does something in one transaction that writes, or in the one that is open already. */
  transact<R>(action: () => R): R {
    const { connection } = this;
    if (connection.isTransaction) return action();
    this.statement("BEGIN IMMEDIATE").run();
    try {
      const result = action();
      this.statement("COMMIT").run();
      return result;
    } catch (error) {
      if (connection.isTransaction) connection.exec("ROLLBACK");
      throw error;
    }
  }

  /** Does something that may wait longer for other processes. */
  patiently<R>(action: (connection: DatabaseSync) => R): R {
    const { connection } = this;
    connection.exec(`PRAGMA busy_timeout = ${PATIENT_MS}`);
    try {
      return action(connection);
    } finally {
      connection.exec(`PRAGMA busy_timeout = ${BUSY_MS}`);
    }
  }

  /** Lets SQLite keep more pages in memory, or as many as before. */
  useLargeCache(isLarge: boolean): void {
    const size = isLarge ? LARGE_CACHE_KIB : CACHE_KIB;
    this.connection.exec(`PRAGMA ${this.schema}.cache_size = -${size}`);
  }

  [Symbol.dispose](): void {
    try {
      this.connection.close();
    } catch {
      // Closing merges the write-ahead log, which can fail; what is committed stays in it.
    }
  }
}

const INSERT = `INSERT INTO records
(key, fn, body, stored_at, bytes, duration, origin, details)
VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO NOTHING`;

/**
 * Opens the database for reading and writing; makes it, or sets a damaged one aside, if need be.
 *
 * @param patience How long to wait for another process each time, in ms; what is thrown after that is `busy`.
 * @throws {OthersDatabaseError} if it is another program's.
 */
export function openWritable(
  folder: CacheFolder,
  report: Report,
  patience: number,
): CacheDatabase {
  // Not even a lock is made beside what another program keeps there.
  if (!folder.hasLock()) refuseOthersAside(folder, true);
  {
    // Who opened it while its companions move would leave a write-ahead log to its successor.
    using _lock = folder.lock(false, patience);
    const opened = openSound(folder, report, patience);
    if (opened instanceof CacheDatabase) return opened;
  }
  // Making or replacing it is for one process at a time. Another may have done it meanwhile.
  return withReplacement(
    folder,
    report,
    patience,
    () => openSound(folder, report, patience),
  );
}

/** Sets aside a database that turned out to be damaged while it was open, and opens its successor. */
export function replaceDamaged(
  folder: CacheFolder,
  report: Report,
  damaged: CacheDatabase,
  what: string,
  patience: number,
): CacheDatabase {
  damaged[Symbol.dispose]();
  return withReplacement(
    folder,
    report,
    patience,
    () =>
      folder.identity() === damaged.identity
        ? { kind: "damaged", what }
        : openSound(folder, report, patience),
  );
}

type Unsound = Exclude<SchemaVerdict, { kind: "ours" }> | { kind: "absent" };

function withReplacement(
  folder: CacheFolder,
  report: Report,
  patience: number,
  examine: () => CacheDatabase | Unsound,
): CacheDatabase {
  let created: CacheDatabase;
  let old: string | undefined;
  let found: CacheDatabase | Unsound;
  let wasBegun: boolean;
  {
    using _lock = folder.lock(true, patience);
    found = examine();
    if (found instanceof CacheDatabase) return found;
    // Who was killed while it made one has lost nothing.
    wasBegun = folder.isBegun();
    if (found.kind !== "absent" || folder.hasCompanions()) {
      old = folder.setDatabaseAside();
    }
    folder.begin();
    created = create(folder);
    folder.finish();
  }
  // Copying takes time, so others may use the new database meanwhile.
  if (found.kind === "foreign") {
    report(
      `the cache in ${folder.path} is of format ${found.format}, which this version does not read: it was moved to ${old}`,
    );
  } else if (found.kind === "damaged" && old !== undefined) {
    const count = created.patiently(() => salvage(old, created));
    if (wasBegun && count === 0) return created;
    report(
      `the cache in ${folder.path} is damaged (${found.what}): its database was moved to ${old}, ${count} of its records were kept`,
      true,
    );
  } else if (old !== undefined && !wasBegun) {
    report(
      `the cache in ${folder.path} is damaged (its database is empty or gone): what was left of it was moved to ${
        dirname(old)
      }, none of its records were kept`,
      true,
    );
  }
  return created;
}

/** Opens the database if it is ours and whole as far as can be told at once. */
function openSound(
  folder: CacheFolder,
  report: Report,
  patience: number,
): CacheDatabase | Unsound {
  for (let evicted = false;; evicted = true) {
    try {
      return openExisting(folder, patience);
    } catch (error) {
      if (failureOf(error) === "damage") {
        return { kind: "damaged", what: causeOf(error) };
      }
      if (error instanceof OthersDatabaseError) throw error;
      // A folder may stand where a file should be.
      const evicts = !evicted &&
        folder.evictIntruders((message, path) =>
          report(message, path === folder.database)
        );
      if (!evicts) throw error;
    }
  }
}

function openExisting(
  folder: CacheFolder,
  patience: number,
): CacheDatabase | Unsound {
  if (!folder.hasDatabase()) return { kind: "absent" };
  if (folder.hasJournal()) refuseOthersAside(folder, true);
  const connection = connect(folder, patience);
  try {
    const verdict = verifySchema(connection, "main");
    if (verdict.kind !== "ours") {
      connection.close();
      return verdict;
    }
    return finish(folder, connection);
  } catch (error) {
    connection.close();
    throw error;
  }
}

function create(folder: CacheFolder): CacheDatabase {
  folder.describe("sqlite");
  const connection = connect(folder, PATIENT_MS);
  try {
    createSchema(connection);
    // The file tells what it is from now on, whatever becomes of its write-ahead log.
    connection.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    return finish(folder, connection);
  } catch (error) {
    connection.close();
    throw error;
  }
}

/**
 * A connection to the database, to which nothing was written by that; `pragmas` come
 * before the first look into it.
 *
 * @throws {OthersDatabaseError} if it is another program's.
 */
export function connectWarily(
  folder: CacheFolder,
  patience: number,
  pragmas = "",
): DatabaseSync {
  folder.requireJournals();
  const connection = new sqlite.DatabaseSync(folder.database, {
    timeout: patience,
    enableForeignKeyConstraints: false,
  });
  try {
    connection.exec(
      `PRAGMA cell_size_check = ON;
      PRAGMA trusted_schema = OFF;
      PRAGMA mmap_size = 0;
      ${pragmas}`,
    );
    refuseOthers(connection, "main", folder);
  } catch (error) {
    connection.close();
    throw error;
  }
  return connection;
}

function connect(folder: CacheFolder, patience: number): DatabaseSync {
  const connection = connectWarily(folder, patience);
  try {
    connection.exec(
      `PRAGMA page_size = ${PAGE_BYTES};
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = NORMAL;
      PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES};
      PRAGMA journal_size_limit = ${CHECKPOINT_PAGES * PAGE_BYTES};
      PRAGMA cache_size = -${CACHE_KIB}`,
    );
  } catch (error) {
    connection.close();
    throw error;
  }
  return connection;
}

function finish(folder: CacheFolder, connection: DatabaseSync): CacheDatabase {
  const opened = new CacheDatabase(
    connection,
    "main",
    true,
    folder.identity(),
  );
  connection.exec(`PRAGMA busy_timeout = ${BUSY_MS}`);
  return opened;
}

/**
 * Opens the database for reading only; `undefined` if there is none.
 *
 * @throws if it is damaged, of another format, or cannot be read.
 */
export function openReadonly(
  folder: CacheFolder,
  report: Report,
  patience: number,
): CacheDatabase | undefined {
  using lock = folder.lockWhereThere(patience);
  if (lock === undefined) refuseOthersAside(folder, false);
  if (!folder.hasDatabase()) return undefined;
  try {
    return readonlyDatabase(folder, "main");
  } catch (error) {
    const isOthers = error instanceof OthersDatabaseError;
    if (isOthers || failureOf(error) !== "unusable") throw error;
    // Without its shared index, which cannot be made here, a database can be
    // read only as a file that nobody changes.
    if (!folder.hasWriteAheadLog()) return readonlyDatabase(folder, "cache");
    const why =
      "its cache.sqlite-wal cannot be merged here, as the folder cannot be written to: let a program that may write to it open it once";
    try {
      const opened = readonlyDatabase(folder, "cache");
      report(
        `the newer entries of the cache in ${folder.path} are not seen: ${why}`,
      );
      return opened;
    } catch (error) {
      throw new Error(why, { cause: error });
    }
  }
}

/**
 * Opens a database that belongs to others. While no program has it open, SQLite
 * would leave its companions beside it, which nobody may be there to remove; so it is
 * read as a file that nobody changes, where Deno allows that.
 */
export function openAside(
  folder: CacheFolder,
  report: Report,
  patience: number,
): CacheDatabase | undefined {
  if (folder.hasDatabase() && !folder.isInUse()) {
    try {
      return readonlyDatabase(folder, "cache");
    } catch (error) {
      if (error instanceof OthersDatabaseError) throw error;
      // Not allowed, or somebody has begun to use it: what is wrong is told below.
    }
  }
  return openReadonly(folder, report, patience);
}

function readonlyDatabase(
  folder: CacheFolder,
  schema: "main" | "cache",
): CacheDatabase {
  folder.requireJournals();
  const connection = schema === "main"
    ? new sqlite.DatabaseSync(folder.database, {
      readOnly: true,
      timeout: BUSY_MS,
    })
    : attachImmutable(folder);
  try {
    connection.exec(
      `PRAGMA cell_size_check = ON;
      PRAGMA trusted_schema = OFF;
      PRAGMA mmap_size = 0;
      PRAGMA ${schema}.cache_size = -${CACHE_KIB}`,
    );
    refuseOthers(connection, schema, folder);
    const verdict = verifySchema(connection, schema);
    if (verdict.kind === "damaged") {
      throw new Error(`its database is damaged (${verdict.what})`);
    }
    if (verdict.kind === "foreign") {
      throw new Error(
        `it is of format ${verdict.format}, which this version does not read`,
      );
    }
    return new CacheDatabase(connection, schema, false, folder.identity());
  } catch (error) {
    connection.close();
    throw error;
  }
}
