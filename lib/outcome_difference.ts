/**
 * Says so when a job that is run again does not do what the cache remembers.
 *
 * @module
 */

import type { FunctionDefinition } from "./registry.ts";
import type { Outcome } from "./task.ts";
import { decodeValue } from "./value/decode.ts";
import { firstDifference } from "./value/difference.ts";
import { decodeThrown } from "./value/thrown.ts";
import { warn, warnOnce } from "./warn.ts";

/** Warns, once for a function, if two outcomes of one job differ. */
export function warnIfOutcomesDiffer(
  { name, version }: FunctionDefinition,
  stored: Outcome,
  now: Outcome,
): void {
  // What its worker met says nothing of the function.
  if (now.status === "error" && now.lost) return;
  let difference: string | undefined;
  try {
    difference = differenceOf(stored, now);
  } catch (error) {
    // The stored result is lost, or a codec of the user's own throws.
    warn(`${name} ${version} was run again and cannot be compared: ${error}`);
    return;
  }
  if (difference === undefined) return;
  warnOnce(
    `recheck ${name} ${version}`,
    `${name} ${version} was run again and did otherwise than the cache remembers: ${difference}. ` +
      `Its result does not follow from its arguments alone, or its code has changed: raise the version, or say { cache: false }`,
  );
}

function differenceOf(stored: Outcome, now: Outcome): string | undefined {
  if (stored.status !== now.status) {
    return now.status === "error"
      ? `it failed, with ${decodeThrown(now.value)}`
      : `it failed then, with ${decodeThrown(stored.value)}`;
  }
  const [decode, root] = now.status === "error"
    ? [decodeThrown, "error"] as const
    : [decodeValue, "result"] as const;
  const found = firstDifference(
    decode(stored.value),
    decode(now.value),
    root,
  );
  return found && `${found.path} was ${found.left}, now ${found.right}`;
}
