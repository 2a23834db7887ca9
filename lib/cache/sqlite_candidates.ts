/**
 * Records as those see them who decide which of them go.
 *
 * @module
 */

import type { CacheDatabase } from "./database.ts";
import { DAY_MS, usedAt } from "./last_use.ts";
import { NO_BLOBS } from "./row.ts";
import { type Candidate, LEAST_MS } from "./victims.ts";

/** Bytes of a row beside its texts: its number, its columns and its place in the index of keys. */
const ROW_BYTES = 90;

/** Neighbours that are looked at together, as they share pages. */
const RUN_ROWS = 64;

/** A record that may go. */
export interface SqliteVictim {
  readonly id: number;
  readonly fn: number;
  /** Bytes on disk that go with it. */
  readonly bytes: number;
  /** Whether it refers to blobs. */
  readonly refers: boolean;
  /** Whether there is a row of `uses`. */
  readonly isUsed: boolean;
}

/** The same, with what decides about it. */
export interface SqliteCandidate extends SqliteVictim, Candidate {}

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

/** Where runs of neighbours begin: at random, one in each of so many parts of the cache, as runs that overlap tell less; and where the last ends. */
function runsOf(database: CacheDatabase, count: number): number[] {
  const range = idRange(database);
  if (range === undefined) return [];
  const { first, last } = range;
  const part = (last - first + 1) / count;
  const starts = Array.from(
    { length: count },
    (_, run) => first + Math.floor((run + Math.random()) * part),
  );
  return [...starts.map((at) => at - RUN_ROWS / 2), last + 1];
}

/** The records of so many runs of neighbours at random. */
export function sampleOf(
  database: CacheDatabase,
  runs: number,
): SqliteCandidate[] {
  const seen: SqliteCandidate[] = [];
  for (const start of runsOf(database, runs).slice(0, -1)) {
    // No record comes twice.
    const next = (seen.at(-1)?.id ?? -1) + 1;
    seen.push(...candidatesFrom(database, Math.max(start, next), RUN_ROWS));
  }
  return seen;
}

// What a row becomes in JavaScript costs more than to score it in SQL, as `score` in victims.ts does.
const SCORED = `records.id, fn, ${REFERS_TO_BLOBS} AS refers, day, bytes,
${ROW_BYTES} + length(body) + length(details) AS row_bytes,
max(?1 - max(stored_at, coalesce(day, 0) * ${DAY_MS}), ${LEAST_MS}) /
max(duration, ${LEAST_MS}.0) AS rate
FROM records LEFT JOIN uses ON uses.id = records.id`;

/** Those that are given away most gladly of so many runs at random: at most `limit`, or all. */
export function bestOf(
  database: CacheDatabase,
  runs: number,
  limit = -1,
): SqliteVictim[] {
  const bounds = runsOf(database, runs);
  if (bounds.length === 0) return [];
  const parts = Array.from(
    { length: runs },
    (_, i) =>
      `SELECT * FROM (SELECT ${SCORED}
      WHERE records.id >= ?${i + 2} AND records.id < ?${i + 3}
      ORDER BY records.id LIMIT ${RUN_ROWS})`,
  );
  const rows = database.rows(
    `SELECT id, fn, row_bytes + iif(refers, bytes, 0) AS size, refers, day
    FROM (${parts.join(" UNION ALL ")})
    ORDER BY size * rate DESC LIMIT ?${runs + 3}`,
  ).all(Date.now(), ...bounds, limit) as unknown as [
    id: number,
    fn: number,
    size: number,
    refers: number,
    day: number | null,
  ][];
  return rows.map(([id, fn, bytes, refers, day]) => ({
    id,
    fn,
    bytes,
    refers: refers === 1,
    isUsed: day !== null,
  }));
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
