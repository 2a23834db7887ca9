/**
 * Copies what can be read of a damaged database into a new one.
 *
 * @module
 */

import defer * as sqlite from "node:sqlite";
import type { DatabaseSync } from "node:sqlite";
import type { CacheDatabase } from "./database.ts";
import { link } from "./blob_links.ts";
import { type Body, decodeBody, decodeDetails, internedDigest } from "./row.ts";
import { isSnapshot } from "./snapshots.ts";
import { addToTotal } from "./sqlite_totals.ts";

/** Rows read, and written in one transaction, at a time. */
const CHUNK = 500;

/** Failed reads after which the rest is given up: a damaged inner page hides thousands of rows. */
const MAX_FAILURES = 20_000;

/** The largest id that is looked for where the largest one cannot be read. */
const MAX_ID = 2 ** 40;

// Deno has the method, its types do not know it yet.
type DefensiveDatabase = DatabaseSync & {
  enableDefensive(active: boolean): void;
};

type Row = Readonly<Record<string, unknown>>;

/**
 * Copies the rows whose checks are right, by ranges of ids, and tells how many
 * records there were. Never throws: what cannot be read is lost.
 */
export function salvage(path: string, target: CacheDatabase): number {
  try {
    const source = new sqlite.DatabaseSync(path);
    try {
      // Reads also a file that is shorter than its header says.
      (source as DefensiveDatabase).enableDefensive(false);
      source.exec("PRAGMA cell_size_check = ON; PRAGMA writable_schema = ON");
      const functions = copyInterned(source, target, "functions", [
        "name",
        "version",
        "source",
        "module",
        "code",
        "label",
      ]);
      copyInterned(source, target, "origins", ["host", "versions"]);
      const uses = readUses(source);
      const copied = copyRecords(source, target, functions, uses);
      copySnapshots(source, target);
      copyPins(source, target);
      copyTotals(source, target);
      return copied;
    } finally {
      source.close();
    }
  } catch {
    return 0;
  }
}

function copyInterned(
  source: DatabaseSync,
  target: CacheDatabase,
  table: string,
  columns: readonly string[],
): Set<unknown> {
  const copied = new Set<unknown>();
  const insert = target.connection.prepare(
    `INSERT OR IGNORE INTO ${table} VALUES (?, ${
      columns.map(() => "?").join(", ")
    }, ?)`,
  );
  for (const rows of readableRows(source, table)) {
    for (const row of rows) {
      const texts = columns.map((column) => String(row[column]));
      const id = Number(row.id);
      const digest = internedDigest(id, texts);
      if (digest.toHex() !== (row.digest as Uint8Array).toHex()) continue;
      insert.run(id, ...texts, digest);
      copied.add(id);
    }
  }
  return copied;
}

function copyRecords(
  source: DatabaseSync,
  target: CacheDatabase,
  functions: ReadonlySet<unknown>,
  uses: ReadonlyMap<number, number>,
): number {
  let copied = 0;
  const { connection, insert } = target;
  const use = target.statement("INSERT OR REPLACE INTO uses VALUES (?, ?)");
  for (const rows of readableRows(source, "records")) {
    connection.exec("BEGIN IMMEDIATE");
    try {
      for (const row of rows) {
        const sound = functions.has(row.fn) ? soundBody(row) : undefined;
        if (sound === undefined) continue;
        const { key, fn, body, stored_at, bytes, duration, origin, details } =
          row as Record<string, Uint8Array>;
        const { changes, lastInsertRowid } = insert!.run(
          key!,
          fn!,
          body!,
          stored_at!,
          bytes!,
          duration!,
          origin!,
          details!,
        );
        if (changes === 0) continue;
        // What is gone turns out when it is read.
        link(target, sound);
        const day = uses.get(Number(row.id));
        if (day !== undefined) use.run(lastInsertRowid, day);
        copied++;
      }
      connection.exec("COMMIT");
    } catch (error) {
      if (connection.isTransaction) connection.exec("ROLLBACK");
      throw error;
    }
  }
  return copied;
}

/** The body of a row whose checks are right. */
function soundBody(row: Row): Body | undefined {
  const { key, fn, body, stored_at, bytes, duration, origin, details } = row;
  if (!(key instanceof Uint8Array)) return undefined;
  const columns = { storedAt: stored_at, bytes, duration, origin };
  return decodeDetails(key, columns, details) === undefined
    ? undefined
    : decodeBody(key, fn, body);
}

/** The days of last uses. Nothing guards them: a wrong one keeps a record too long or not long enough. */
function readUses(source: DatabaseSync): Map<number, number> {
  const uses = new Map<number, number>();
  for (const rows of readableRows(source, "uses")) {
    for (const { id, day } of rows) {
      if (typeof day === "number") uses.set(Number(id), day);
    }
  }
  return uses;
}

function copySnapshots(source: DatabaseSync, target: CacheDatabase): void {
  const insert = target.statement(
    "INSERT OR IGNORE INTO snapshots (digest, text) VALUES (?, ?)",
  );
  for (const rows of readableRows(source, "snapshots")) {
    for (const { digest, text } of rows) {
      if (!(digest instanceof Uint8Array)) continue;
      if (isSnapshot(digest.toHex(), text)) insert.run(digest, text);
    }
  }
}

function copyPins(source: DatabaseSync, target: CacheDatabase): void {
  const insert = target.statement("INSERT OR IGNORE INTO pins VALUES (?, ?)");
  for (const { kind, value } of allReadable(source, "pins")) {
    if (typeof kind === "string" && typeof value === "string") {
      insert.run(kind, value);
    }
  }
}

/** Copies the sums that cannot be counted anew. */
function copyTotals(source: DatabaseSync, target: CacheDatabase): void {
  for (const { name, value } of allReadable(source, "totals")) {
    if (typeof value !== "number" || !(value > 0)) continue;
    if (name === "saved") addToTotal(target, name, value);
    // The fencing token may only grow.
    if (name === "token") {
      target.statement(
        `INSERT INTO totals VALUES ('token', ?)
        ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value)`,
      ).run(value);
    }
  }
}

/** The rows of a small table, as far as they can be read. */
function allReadable(source: DatabaseSync, table: string): Row[] {
  const rows: Row[] = [];
  try {
    for (const row of source.prepare(`SELECT * FROM ${table}`).iterate()) {
      rows.push(row);
    }
  } catch {
    // What came before the damage is good.
  }
  return rows;
}

/** The rows of a table in chunks, around what cannot be read. */
function* readableRows(
  source: DatabaseSync,
  table: string,
): Iterable<readonly Row[]> {
  const select = source.prepare(
    `SELECT * FROM ${table} WHERE id > ? AND id <= ? ORDER BY id LIMIT ${CHUNK}`,
  );
  let failures = 0;
  // Ranges still to be read, the next one last.
  const ranges: [after: number, last: number][] = [[
    0,
    largestId(source, table),
  ]];
  while (ranges.length > 0 && failures < MAX_FAILURES) {
    const [after, last] = ranges.pop()!;
    const rows: Row[] = [];
    try {
      for (const row of select.iterate(after, last)) rows.push(row);
      if (rows.length === CHUNK) ranges.push([Number(rows.at(-1)!.id), last]);
    } catch {
      failures++;
      // What came before the damage is good; the rest is tried in halves.
      const from = rows.length === 0 ? after : Number(rows.at(-1)!.id);
      const middle = Math.floor((from + last) / 2);
      if (middle < last && middle > from) {
        ranges.push([middle, last], [from, middle]);
      } else if (from !== after && from < last) {
        ranges.push([from, last]);
      }
    }
    if (rows.length > 0) yield rows;
  }
}

function largestId(source: DatabaseSync, table: string): number {
  try {
    const { id } = source.prepare(`SELECT max(id) AS id FROM ${table}`)
      .get() as { id: number | null };
    return id ?? 0;
  } catch {
    return MAX_ID;
  }
}
