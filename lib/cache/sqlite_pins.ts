/**
 * What is kept whatever the limits, as rows of the database.
 *
 * @module
 */

import type { CacheDatabase } from "./database.ts";
import type { Pin } from "./report.ts";
import { isPin } from "./victims.ts";

/** All pins; a damaged one is none. */
export function readPins(database: CacheDatabase): Pin[] {
  return database.statement(
    `SELECT kind, value FROM ${database.schema}.pins ORDER BY kind, value`,
  ).all().map(({ kind, value }) => ({ kind, value }) as Pin).filter(isPin);
}

/** Adds a pin; whether it was new. */
export function addPin(database: CacheDatabase, { kind, value }: Pin): boolean {
  return database.statement("INSERT OR IGNORE INTO pins VALUES (?, ?)")
    .run(kind, value).changes > 0;
}

/** Takes a pin away; whether there was one. */
export function removePin(
  database: CacheDatabase,
  { kind, value }: Pin,
): boolean {
  return database.statement("DELETE FROM pins WHERE kind = ? AND value = ?")
    .run(kind, value).changes > 0;
}
