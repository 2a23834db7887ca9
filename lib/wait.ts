/**
 * Waiting for all jobs of a scope.
 *
 * @module
 */

import defer * as awaited from "./awaited_jobs.ts";
import { currentScope } from "./config.ts";
import { runningJob } from "./current.ts";
import { JobTimeoutError } from "./errors.ts";
import { isIdleWorker, park } from "./role.ts";
import type { JobCounts } from "./scope.ts";
import { type WaitOptions, withinLimits } from "./wait_options.ts";

/**
 * Waits until every job has settled that was submitted in the scope in force
 * and inside of it; within a job, until that job's own jobs have. Never throws
 * a job's error: it tells how many there were, and each Job has its own.
 *
 * @param options `timeout` in ms, and an AbortSignal. They end the waiting, not the jobs.
 * @returns How many jobs the scope has had, by what became of them.
 * @throws {JobTimeoutError} if the time is over first.
 * @throws the signal's reason if it is aborted first.
 *
 * @example
 * ```ts
 * import * as hi from "@hither/hither";
 *
 * const check = hi.func("wait_check", "1", (x: number) => {
 *   if (x === 2) throw new RangeError("not two");
 *   return x;
 * });
 * const counts = await hi.config({}, async () => {
 *   const jobs = check.map([1, 2, 3]);
 *   const counts = await hi.wait();
 *   console.assert(jobs[1]!.error instanceof RangeError);
 *   return counts;
 * });
 * console.assert(counts.finished === 2 && counts.error === 1);
 * ```
 */
export function wait(options: WaitOptions = {}): Promise<JobCounts> {
  if (isIdleWorker()) return park();
  const scope = currentScope();
  const settled = withinLimits(
    scope.idle().then(() => scope.counts()),
    options,
    () =>
      new JobTimeoutError(
        `Waiting for all jobs took longer than ${options.timeout} ms: the jobs go on`,
      ),
  );
  if (runningJob() === undefined) return settled;
  return settled.finally(awaited.awaitAllHere(scope));
}
