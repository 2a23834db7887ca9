/**
 * The files among the arguments of a Task: there and right when it starts, and still
 * the same when it has ended.
 *
 * @module
 */

import type { JobCache } from "./cache/job_cache.ts";
import defer * as permissions from "./permissions.ts";
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
  jobCache: JobCache | null,
): readonly FileContent[] {
  if (values.every(({ files }) => files === undefined)) return NO_FILES;
  for (const value of values) {
    if (value.restoreFiles !== undefined) value.restoreFiles();
    else if (value.files !== undefined) {
      checkFiles(
        value.files,
        processMemo,
        "since it was looked at",
        (path) => cacheCure(path, jobCache),
      );
    }
  }
  return values.flatMap(({ files }) => files ?? NO_FILES);
}

/** What a Task came to: an error if a file among its arguments has changed meanwhile, whatever the function says. */
export function withUnchangedFiles(
  outcome: Outcome,
  files: readonly FileContent[],
  name: string,
  jobCache: JobCache | null,
): Outcome {
  if (files.length === 0) return outcome;
  try {
    checkFiles(
      files,
      processMemo,
      `while ${name} ran with it`,
      (path) => cacheCure(path, jobCache),
    );
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

/** What helps where something has changed as it is of the cache itself, in a folder that a job reads. */
export function cacheCure(
  path: string,
  jobCache: JobCache | null,
): string | undefined {
  if (jobCache === null || !permissions.isWithin(path, jobCache.path)) {
    return undefined;
  }
  return `it is of the cache in ${jobCache.path}, which changes as jobs run. Keep the cache outside of the folder (new hi.JobCache({ path }), or HITHER_CACHE_DIR), or give the job a folder without it`;
}

function thrownBy({ value }: Outcome): unknown {
  try {
    return decodeThrown(value);
  } catch (error) {
    return error;
  }
}
