/**
 * The collection of garbage at a moment of our choice.
 *
 * @module
 */

import defer * as v8 from "node:v8";
import defer * as vm from "node:vm";

/** Collects garbage: what is young, or everything. */
type Collect = (options: { type: "minor" | "major" }) => void;

let collect: Collect | undefined;

/**
 * V8's own function for it, without making it a global of the user's code. The flag is
 * one for all threads: where another one has just taken it back there is none now, and
 * the next time will do.
 */
export function collector(): Collect | undefined {
  if (collect !== undefined) return collect;
  v8.setFlagsFromString("--expose-gc");
  collect = vm.runInNewContext("globalThis.gc");
  v8.setFlagsFromString("--no-expose-gc");
  return collect;
}

/** From so many bytes on that nobody refers to any more they are looked for at once. */
const WORTHWHILE = 33_554_432;

/** Finds so many bytes of shared memory, of which V8 does not know that they are large. */
export function giveBack(bytes: number): void {
  if (bytes >= WORTHWHILE) collector()?.({ type: "major" });
}
