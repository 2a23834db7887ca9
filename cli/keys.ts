/**
 * Keys as people give them: the first digits.
 *
 * @module
 */

import type { JobCache } from "../mod.ts";
import { Failure, UsageError } from "./errors.ts";

const LEAST = 4;
const MOST_CANDIDATES = 10;

/** A key, as far as it is shown. */
export function shortKey(key: string): string {
  return key.slice(0, 12);
}

/**
 * The key of the only record that begins with these digits.
 *
 * @throws {UsageError} if they cannot be those of a key.
 * @throws {Failure} if no record begins so, or several do.
 */
export function resolveKey(cache: JobCache, given: string): string {
  const prefix = given.toLowerCase();
  if (!/^[0-9a-f]{1,64}$/.test(prefix) || prefix.length < LEAST) {
    throw new UsageError(
      `Cannot take "${given}" as a key: give at least its first ${LEAST} hexadecimal digits, as hither cache ls shows them`,
    );
  }
  const found = [
    ...cache.records({ keyPrefix: prefix, limit: MOST_CANDIDATES + 1 }),
  ];
  if (found.length === 1) return found[0]!.key;
  if (found.length === 0) {
    throw new Failure(
      `Cannot find ${given} as no record in ${cache.path} begins with it: hither cache ls lists them`,
    );
  }
  const candidates = found.slice(0, MOST_CANDIDATES).map((
    { key, fn, preview },
  ) => `  ${key}  ${fn.name} ${fn.version}(${preview})`);
  if (found.length > MOST_CANDIDATES) candidates.push("  …");
  throw new Failure(
    `Cannot tell which record ${given} is as several begin with it: give more digits of\n${
      candidates.join("\n")
    }`,
  );
}
