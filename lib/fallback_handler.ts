/**
 * The handler of jobs that were given none. It lives in a room behind this one,
 * so it is put in here when that room is loaded.
 *
 * @module
 */

import { isWorker } from "./role.ts";
import type { JobHandler } from "./task.ts";

let make: (() => JobHandler) | undefined;
let fallback: JobHandler | undefined;

/** Says how the fallback is made. */
export function provideFallbackHandler(factory: () => JobHandler): void {
  make = factory;
}

/** The handler to use; jobs of jobs in a worker run in that worker. */
export function handlerOf(given: JobHandler | null): JobHandler {
  if (given !== null && !isWorker()) return given;
  fallback ??= make?.();
  if (fallback === undefined) {
    throw new Error("Cannot run a job as no job handler was loaded");
  }
  return fallback;
}
