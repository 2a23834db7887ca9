/**
 * The tables of a cache, and how to tell that a file holds them and nothing else.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";

/** The number of the format, kept as `user_version`; raised with every change of the schema or of a row. */
const FORMAT = 2;

/** Marks our files among SQLite's (`application_id`): "hith". */
const APPLICATION_ID = 0x68697468;

/** The size of a page. SQLite's default now, stated because a header is checked against it. */
export const PAGE_BYTES = 4_096;

// A table with a rowid and the key in an index of its own: new rows go to the end,
// so the pages stay full, the latest rows are found by walking backwards, and a
// store is cheaper than into one tree ordered by key (24 microseconds against 34, measured).
const TABLES = [
  [
    "records",
    `CREATE TABLE records (
  id INTEGER PRIMARY KEY,
  key BLOB NOT NULL UNIQUE,
  fn INTEGER NOT NULL,
  body BLOB NOT NULL,
  stored_at INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  duration REAL NOT NULL,
  origin INTEGER NOT NULL,
  details BLOB NOT NULL
) STRICT`,
  ],
  [
    "functions",
    `CREATE TABLE functions (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  version TEXT NOT NULL,
  source TEXT NOT NULL,
  module TEXT NOT NULL,
  code TEXT NOT NULL,
  label TEXT NOT NULL,
  digest BLOB NOT NULL
) STRICT`,
  ],
  [
    "origins",
    `CREATE TABLE origins (
  id INTEGER PRIMARY KEY,
  host TEXT NOT NULL,
  versions TEXT NOT NULL,
  digest BLOB NOT NULL
) STRICT`,
  ],
  // The snapshots that functions.code names.
  [
    "snapshots",
    `CREATE TABLE snapshots (
  id INTEGER PRIMARY KEY,
  digest BLOB NOT NULL UNIQUE,
  text BLOB NOT NULL
) STRICT`,
  ],
  // The last use of a record (its id), as a day since the epoch, where that is
  // a later day than that of its storing.
  [
    "uses",
    `CREATE TABLE uses (
  id INTEGER PRIMARY KEY,
  day INTEGER NOT NULL
) STRICT`,
  ],
  // How many references records hold to each blob.
  [
    "blobs",
    `CREATE TABLE blobs (
  digest BLOB PRIMARY KEY,
  bytes INTEGER NOT NULL,
  refs INTEGER NOT NULL
) STRICT, WITHOUT ROWID`,
  ],
  // Who computes what just now; wanted: somebody waits to be woken.
  [
    "leases",
    `CREATE TABLE leases (
  key BLOB PRIMARY KEY,
  owner TEXT NOT NULL,
  token INTEGER NOT NULL,
  since INTEGER NOT NULL,
  wanted INTEGER NOT NULL
) STRICT, WITHOUT ROWID`,
  ],
  [
    "pins",
    `CREATE TABLE pins (
  kind TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (kind, value)
) STRICT, WITHOUT ROWID`,
  ],
  // The digests of large files on disk, as file_digests.ts keeps them.
  [
    "files",
    `CREATE TABLE files (
  id INTEGER PRIMARY KEY,
  path TEXT NOT NULL UNIQUE,
  entry BLOB NOT NULL
) STRICT`,
  ],
  // Sums that are kept as records come and go (sqlite_totals.ts), and the fencing token.
  [
    "totals",
    `CREATE TABLE totals (
  name TEXT PRIMARY KEY,
  value REAL NOT NULL
) STRICT, WITHOUT ROWID`,
  ],
] as const;

/** The names of all tables. */
export const TABLE_NAMES: readonly string[] = TABLES.map(([name]) => name);

const EXPECTED = new Map<string, string | null>([
  ...TABLES,
  ["sqlite_autoindex_records_1", null],
  ["sqlite_autoindex_snapshots_1", null],
  ["sqlite_autoindex_files_1", null],
]);

/** Makes the tables of a new cache. */
export function createSchema(db: DatabaseSync): void {
  db.exec("BEGIN IMMEDIATE");
  try {
    // Another process may have been faster.
    if (isEmpty(db)) {
      for (const [, sql] of TABLES) db.exec(sql);
      db.exec(`PRAGMA application_id = ${APPLICATION_ID}`);
      db.exec(`PRAGMA user_version = ${FORMAT}`);
    }
    db.exec("COMMIT");
  } catch (error) {
    if (db.isTransaction) db.exec("ROLLBACK");
    throw error;
  }
}

/** Whether a database has no tables yet. */
function isEmpty(db: DatabaseSync): boolean {
  return db.prepare("SELECT 1 FROM sqlite_schema LIMIT 1").get() === undefined;
}

/**
 * Whether a database is that of another program: without our mark, and with tables of
 * which none is ours. One of ours whose mark is damaged still has them.
 */
export function isOthers(db: DatabaseSync, schema: "main" | "cache"): boolean {
  const id = db.prepare(`PRAGMA ${schema}.application_id`).get();
  if (id?.application_id === APPLICATION_ID) return false;
  const rows = db.prepare(`SELECT name, sql FROM ${schema}.sqlite_schema`)
    .all();
  return rows.length > 0 &&
    !rows.some(({ name, sql }) =>
      sql !== null && EXPECTED.get(String(name)) === sql
    );
}

/** What a file is: ours, of another format, or damaged. */
export type SchemaVerdict =
  | { readonly kind: "ours" }
  | { readonly kind: "foreign"; readonly format: number }
  | { readonly kind: "damaged"; readonly what: string };

/** Compares all that SQLite believes about a file with what we created. */
export function verifySchema(
  db: DatabaseSync,
  schema: "main" | "cache",
): SchemaVerdict {
  const pragma = (name: string): unknown =>
    Object.values(db.prepare(`PRAGMA ${schema}.${name}`).get() ?? {})[0];
  const damaged = (what: string): SchemaVerdict => ({ kind: "damaged", what });
  if (pragma("page_size") !== PAGE_BYTES) return damaged("the page size");
  if (pragma("encoding") !== "UTF-8") return damaged("the text encoding");
  const format = pragma("user_version");
  const id = pragma("application_id");
  const seen = new Set<unknown>();
  const rows = db.prepare(
    `SELECT name, sql, rootpage FROM ${schema}.sqlite_schema`,
  ).all();
  if (id === APPLICATION_ID && format !== FORMAT) {
    return { kind: "foreign", format: Number(format) };
  }
  if (id !== APPLICATION_ID) return damaged("the application id");
  for (const { name, sql, rootpage } of rows) {
    if (EXPECTED.get(String(name)) !== sql) return damaged("the schema");
    seen.add(rootpage);
  }
  if (rows.length !== EXPECTED.size || seen.size !== EXPECTED.size) {
    return damaged("the schema");
  }
  return { kind: "ours" };
}
