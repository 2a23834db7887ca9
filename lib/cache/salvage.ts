/**
 * Copies what can be read of a damaged database into a new one.
 *
 * @module
 */

import defer * as sqlite from "node:sqlite";
import type { DatabaseSync } from "node:sqlite";
import type { CacheDatabase } from "./database.ts";
import { decodeBody, decodeDetails, internedDigest } from "./row.ts";

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
      return copyRecords(source, target, functions);
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
): number {
  let copied = 0;
  const { connection, insert } = target;
  for (const rows of readableRows(source, "records")) {
    connection.exec("BEGIN IMMEDIATE");
    try {
      for (const row of rows) {
        if (!functions.has(row.fn) || !isSound(row)) continue;
        const { key, fn, body, stored_at, bytes, duration, origin, details } =
          row as Record<string, Uint8Array>;
        insert!.run(
          key!,
          fn!,
          body!,
          stored_at!,
          bytes!,
          duration!,
          origin!,
          details!,
        );
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

function isSound(row: Row): boolean {
  const { key, fn, body, stored_at, bytes, duration, origin, details } = row;
  return key instanceof Uint8Array &&
    decodeBody(key, fn, body) !== undefined &&
    decodeDetails(
        key,
        { storedAt: stored_at, bytes, duration, origin },
        details,
      ) !== undefined;
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
