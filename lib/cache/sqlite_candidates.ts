/**
 * Records as those see them who decide which of them go.
 *
 * @module
 */

import type { Doomed } from "./blob_links.ts";
import type { CacheDatabase } from "./database.ts";
import { usedAt } from "./last_use.ts";
import { NO_BLOBS } from "./row.ts";
import type { Candidate } from "./victims.ts";

/** Bytes of a row beside its texts: its number, its columns and its place in the index of keys. */
const ROW_BYTES = 90;

/** What is known of a record that may go. */
export interface SqliteCandidate extends Candidate, Doomed {
  readonly fn: number;
}

/** Whether a body refers to blobs, in SQL. */
export const REFERS_TO_BLOBS = `substr(body, 9, 1) NOT IN (${
  NO_BLOBS.map((flags) => `x'${flags.toString(16).padStart(2, "0")}'`)
    .join(", ")
})`;

// The body is read only where it matters what it refers to.
const COLUMNS = `records.id, key, fn, stored_at, duration, day,
length(body) + length(details), bytes,
CASE WHEN ${REFERS_TO_BLOBS} THEN body END
FROM records LEFT JOIN uses ON uses.id = records.id`;

type Row = [
  id: number,
  key: Uint8Array,
  fn: number,
  storedAt: number,
  duration: number,
  day: number | null,
  rowBytes: number,
  bytes: number,
  body: Uint8Array | null,
];

/** At most so many records with numbers of at least `from`, in their order. */
export function candidatesFrom(
  database: CacheDatabase,
  from: number,
  limit: number,
): SqliteCandidate[] {
  const rows = database.rows(
    `SELECT ${COLUMNS} WHERE records.id >= ? ORDER BY records.id LIMIT ?`,
  ).all(from, limit) as unknown as Row[];
  return rows.map(
    ([id, key, fn, storedAt, duration, day, rowBytes, bytes, body]) => ({
      id,
      key,
      fn,
      body,
      bytes: ROW_BYTES + rowBytes + (body === null ? 0 : bytes),
      usedAt: usedAt(storedAt, day),
      duration,
    }),
  );
}

/** The smallest and the largest number of a record; `undefined` if there is none. */
export function idRange(
  database: CacheDatabase,
): { first: number; last: number } | undefined {
  const [first, last] = database.rows(
    `SELECT (SELECT min(id) FROM ${database.schema}.records),
    (SELECT max(id) FROM ${database.schema}.records)`,
  ).get() as unknown as [number | null, number | null];
  return first === null || last === null ? undefined : { first, last };
}
