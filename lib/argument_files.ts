/**
 * The files among the arguments of a Task: there and right when it starts, and still
 * the same when it has ended.
 *
 * @module
 */

import type { Outcome } from "./task.ts";
import { processMemo } from "./value/file_digest.ts";
import type { EncodedValue, FileContent } from "./value/encoded.ts";
import { checkFiles } from "./value/file_check.ts";
import { decodeThrown, encodeThrown } from "./value/thrown.ts";

/** What most arguments refer to. */
export const NO_FILES: readonly FileContent[] = [];

/**
 * Makes ready the files that arguments refer to: those of cached results are put back
 * where they are missing, the others are looked at.
 *
 * @returns All of them.
 * @throws {FileChangedError} if one is not what it was when the job was submitted.
 * @throws {ResultLostError} if one was in the cache and is lost.
 */
export function readyFiles(
  values: readonly EncodedValue[],
): readonly FileContent[] {
  if (values.every(({ files }) => files === undefined)) return NO_FILES;
  for (const value of values) {
    if (value.restoreFiles !== undefined) value.restoreFiles();
    else if (value.files !== undefined) {
      checkFiles(value.files, processMemo, "since it was looked at");
    }
  }
  return values.flatMap(({ files }) => files ?? NO_FILES);
}

/** What a Task came to: an error if a file among its arguments has changed meanwhile, whatever the function says. */
export function withUnchangedFiles(
  outcome: Outcome,
  files: readonly FileContent[],
  name: string,
): Outcome {
  if (files.length === 0) return outcome;
  try {
    checkFiles(files, processMemo, `while ${name} ran with it`);
    return outcome;
  } catch (error) {
    if (outcome.status === "error" && error instanceof Error) {
      error.cause ??= thrownBy(outcome);
    }
    const { console, timing } = outcome;
    const value = encodeThrown(error);
    return { status: "error", value, console, timing, lost: true };
  }
}

function thrownBy({ value }: Outcome): unknown {
  try {
    return decodeThrown(value);
  } catch (error) {
    return error;
  }
}
