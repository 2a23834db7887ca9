/**
 * The stored record that a missed key resembles most: what `explain()` compares with.
 *
 * @module
 */

import type { CacheDatabase } from "./database.ts";
import type { FunctionInfo, NearestRecord, RecordDetails } from "./record.ts";
import { type Likeness, Resemblance } from "./resemblance.ts";

/** How many of a function's latest records are compared. */
const COMPARED = 256;

/**
 * How many of the latest records of all functions are looked through for them, in
 * some 10 ms. An index by function would see them all, and cost each store 6 microseconds.
 */
const LOOKED_THROUGH = 32_768;

/** The nearest record, of the latest of a function among the latest of all, stored not after `before`. */
export function nearestRecord(
  { connection, schema }: CacheDatabase,
  name: string,
  like: Likeness,
  except: string,
  before: number,
  functionOf: (id: number) => FunctionInfo | undefined,
  detailsOf: (key: Uint8Array<ArrayBuffer>) => RecordDetails | undefined,
): NearestRecord | undefined {
  const rows = connection.prepare(
    `SELECT key, fn FROM ${schema}.records
    WHERE id > (SELECT max(id) FROM ${schema}.records) - ${LOOKED_THROUGH}
    AND fn IN (SELECT id FROM ${schema}.functions WHERE name = ?)
    AND stored_at <= ?
    ORDER BY id DESC LIMIT ${COMPARED}`,
  ).all(name, before);
  const resemblance = new Resemblance(like);
  for (const { key, fn } of rows) {
    const found = functionOf(Number(fn));
    if (found === undefined || !(key instanceof Uint8Array)) continue;
    if (key.toHex() === except) continue;
    const details = detailsOf(key as Uint8Array<ArrayBuffer>);
    if (details === undefined) continue;
    resemblance.add({ key: key.toHex(), fn: found, details });
  }
  return resemblance.nearest;
}
