/**
 * Outcomes that no longer depend on a cache, but for the files of their values.
 *
 * @module
 */

import type { Outcome } from "./task.ts";
import { type EncodedValue, MemoryLeaf } from "./value/encoded.ts";

/**
 * An outcome with the bytes of its value in memory, and its files put back.
 *
 * @throws {ResultLostError} if they were in the cache and are damaged or gone.
 * @throws {PermissionNeededError} if Deno may not write a file.
 */
export function inMemory(outcome: Outcome): Outcome {
  const { value } = outcome;
  value.restoreFiles?.();
  const leaves = value.leaves.map((leaf) =>
    new MemoryLeaf(leaf.peek(), leaf.digest)
  );
  return withParts(outcome, { bytes: value.bytes, leaves });
}

/** An outcome with these parts of its value in memory; its files are still those that it had. */
export function withParts(
  outcome: Outcome,
  { bytes, leaves }: Pick<EncodedValue, "bytes" | "leaves">,
): Outcome {
  // Of a record, an outcome has these as accessors.
  const { console, timing } = outcome;
  const value = withFiles({ bytes, leaves }, outcome.value);
  if (outcome.status === "error") {
    return { status: "error", value, console, timing };
  }
  const { contribution } = outcome;
  return {
    status: "finished",
    value,
    ...contribution && { contribution },
    console,
    timing,
  };
}

function withFiles(value: EncodedValue, from: EncodedValue): EncodedValue {
  const { files } = from;
  if (files === undefined) return value;
  if (from.restoreFiles === undefined) return { ...value, files };
  return { ...value, files, restoreFiles: () => from.restoreFiles!() };
}
