/**
 * Looks whether the index of keys is in order around a key.
 *
 * A flipped byte in an index leads searches astray, and nothing that is read is
 * wrong: keys are just not found, over and over. A key that was missed for that
 * reason has the culprit next to where it was looked for, so a program looks
 * there before its first store: when all its other jobs hit, at the right place.
 *
 * @module
 */

import type { CacheDatabase } from "./database.ts";
import { DamageError } from "./failure.ts";

/** How many keys on either side are compared, in about 0.2 ms. */
const NEIGHBOURS = 250;

/**
 * Compares the neighbours of a key.
 *
 * @throws {DamageError} if they are not in order.
 */
export function checkKeyOrder(
  { connection, schema }: CacheDatabase,
  key: Uint8Array,
): void {
  for (
    const [sign, operator, order] of [[1, ">", "ASC"], [
      -1,
      "<",
      "DESC",
    ]] as const
  ) {
    const rows = connection.prepare(
      `SELECT key FROM ${schema}.records WHERE key ${operator} ?
      ORDER BY key ${order} LIMIT ${NEIGHBOURS}`,
    ).all(key);
    let previous = key;
    for (const { key: next } of rows) {
      if (!(next instanceof Uint8Array) || compare(previous, next) !== -sign) {
        throw new DamageError("its index of keys");
      }
      previous = next;
    }
  }
}

function compare(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < a.length && i < b.length; i++) {
    if (a[i] !== b[i]) return a[i]! < b[i]! ? -1 : 1;
  }
  return Math.sign(a.length - b.length);
}
