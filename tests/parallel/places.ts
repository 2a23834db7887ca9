/** What the tests of large arrays share: where jobs run, and arrays. */

import * as hi from "../../mod.ts";
import { inPool } from "./pool.ts";

/** Where jobs run: in the program itself, in web workers, in processes. */
export const PLACES = ["program", "worker", "process"] as const;

/** Runs `body` with jobs in such a place, without a cache. */
export async function inPlace(
  place: typeof PLACES[number],
  body: () => Promise<void>,
  numWorkers = 1,
): Promise<void> {
  if (place !== "program") {
    return await inPool({ numWorkers, isolation: place }, body);
  }
  await using jobHandler = new hi.DefaultJobHandler();
  await hi.config({ jobHandler, jobCache: null }, body);
}

/** The length of most arrays; 800 KB, which is a leaf. */
export const LENGTH = 100_000;

/** An array with the same number everywhere. */
export function filled(
  value: number,
  length: number = LENGTH,
): Float64Array<ArrayBuffer> {
  return new Float64Array(length).fill(value);
}
