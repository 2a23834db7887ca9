/**
 * Records as those see them who decide which of them go.
 *
 * @module
 */

import type { CacheDatabase } from "./database.ts";
import { usedAt } from "./last_use.ts";
import { NO_BLOBS } from "./row.ts";
import type { Candidate } from "./victims.ts";

/** Bytes of a row beside its texts: its number, its columns and its place in the index of keys. */
const ROW_BYTES = 90;

/** What is known of a record that may go. */
export interface SqliteCandidate extends Candidate {
  readonly id: number;
  readonly fn: number;
  /** Whether it refers to blobs. */
  readonly refers: boolean;
  /** Whether there is a row of `uses`. */
  readonly isUsed: boolean;
}

/** Whether a body refers to blobs, in SQL; `instr` is faster than a list of bytes. */
export const REFERS_TO_BLOBS = `instr(x'${
  Uint8Array.from(NO_BLOBS).toHex()
}', substr(body, 9, 1)) = 0`;

// Hundreds are read to delete one, so keys and bodies, which are slow to read, are left out.
const COLUMNS = `records.id, fn, stored_at, duration, day,
length(body) + length(details), bytes, ${REFERS_TO_BLOBS}
FROM records LEFT JOIN uses ON uses.id = records.id`;

type Row = [
  id: number,
  fn: number,
  storedAt: number,
  duration: number,
  day: number | null,
  rowBytes: number,
  bytes: number,
  refers: number,
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
    ([id, fn, storedAt, duration, day, rowBytes, bytes, refers]) => ({
      id,
      fn,
      refers: refers === 1,
      isUsed: day !== null,
      bytes: ROW_BYTES + rowBytes + (refers === 1 ? bytes : 0),
      usedAt: usedAt(storedAt, day),
      duration,
    }),
  );
}

/** The number of the record of a key. */
export function idOf(
  database: CacheDatabase,
  key: Uint8Array,
): number | undefined {
  const row = database.statement("SELECT id FROM records WHERE key = ?")
    .get(key);
  return row === undefined ? undefined : Number(row.id);
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
