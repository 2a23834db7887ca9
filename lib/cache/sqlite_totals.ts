/**
 * Sums that are kept as records and blobs come and go, so that nobody has to walk
 * the cache for them.
 *
 * - `saved`: time that hits have saved, in ms;
 * - `blob_bytes`: bytes of the files that rows of `blobs` stand for;
 * - `unused_bytes`: those of them that no record refers to any more;
 * - `recounts`: how often counts of references were put right.
 *
 * @module
 */

import type { CacheDatabase } from "./database.ts";
import { PAGE_BYTES } from "./schema.ts";

/** The name of a sum. */
export type Total = "saved" | "blob_bytes" | "unused_bytes" | "recounts";

/** A sum; 0 where there is none, or it is damaged. */
export function total(database: CacheDatabase, name: Total): number {
  const row = database.statement(
    `SELECT value FROM ${database.schema}.totals WHERE name = ?`,
  ).get(name);
  const value = row?.value;
  return typeof value === "number" && value > 0 && Number.isFinite(value)
    ? value
    : 0;
}

/** Adds to a sum. */
export function addToTotal(
  database: CacheDatabase,
  name: Total,
  value: number,
): void {
  database.statement(
    `INSERT INTO totals VALUES (?, ?)
    ON CONFLICT (name) DO UPDATE SET value = value + excluded.value`,
  ).run(name, value);
}

/** Puts another sum in the place of one that was counted wrong. */
export function setTotal(
  database: CacheDatabase,
  name: Total,
  value: number,
): void {
  database.statement("INSERT OR REPLACE INTO totals VALUES (?, ?)")
    .run(name, value);
}

/** Bytes that a cache takes: pages of the database in use, and blobs. Costs some microseconds. */
export function usedBytes(database: CacheDatabase): number {
  return databaseBytes(database) + total(database, "blob_bytes");
}

/** Bytes of the pages of the database that are in use. */
function databaseBytes(database: CacheDatabase): number {
  const pragma = (name: string): number =>
    Number(
      database.statement(`PRAGMA ${database.schema}.${name}`).get()?.[name],
    );
  return (pragma("page_count") - pragma("freelist_count")) * PAGE_BYTES;
}

/** What a cache holds, counted without walking it. */
export function countRecords(
  database: CacheDatabase,
): { records: number; blobs: number; saved: number } {
  const count = (table: string): number =>
    Number(
      database.statement(
        `SELECT count(*) AS count FROM ${database.schema}.${table}`,
      ).get()?.count,
    );
  return {
    records: count("records"),
    blobs: count("blobs"),
    saved: total(database, "saved"),
  };
}
