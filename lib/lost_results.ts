/**
 * Results that were in the cache and are lost: they are computed again, and then the jobs
 * that need them.
 *
 * @module
 */

import defer * as awaited from "./awaited_jobs.ts";
import { ResultLostError } from "./errors.ts";
import { fail } from "./job_ends.ts";
import type { JobState } from "./job_state.ts";
import defer * as memory from "./outcome_in_memory.ts";
import { afterUpstream, execute, settleByOutcome } from "./scheduler.ts";
import type { Outcome } from "./task.ts";
import { warnOnce } from "./warn.ts";

/** Runs a job again whose result was in the cache and is lost, which a person should know. */
export function runAgain(state: JobState, error: unknown): void {
  if (!state.isSettled) return;
  // The cache has told of what has a cause.
  if (error instanceof ResultLostError && error.cause === undefined) {
    const { name, version } = state.definition;
    warnOnce(
      error.message,
      `${name} ${version} is run again: ${error.message}`,
    );
  }
  state.reopen();
  awaited.awaitByParent(state);
  afterUpstream(state);
}

/**
 * Settles a job whose result was lost by what the cache has now, if that can be read;
 * whether it did or is about to. It is in memory from then on, so that what others
 * delete meanwhile is no second loss.
 */
export function takeIfWhole(
  state: JobState,
  outcome: Outcome,
  ready: Promise<void> | undefined,
): boolean {
  if (ready !== undefined) {
    ready.then(() => {
      const isDone = state.isSettled || takeIfWhole(state, outcome, undefined);
      if (!isDone) execute(state);
    });
    return true;
  }
  let taken = outcome;
  try {
    taken = memory.inMemory(outcome);
  } catch (error) {
    // What else is wrong, whoever asks for the result is told.
    if (error instanceof ResultLostError) {
      state.from = undefined;
      return false;
    }
  }
  settleByOutcome(state, taken, true);
  return true;
}

/**
 * Runs the jobs again whose results turned out to be lost, and the job that needed
 * them after that. Each time something that was lost comes into memory, so this ends.
 */
export function restartAfterLoss(
  state: JobState,
  error: ResultLostError,
): void {
  const upstream = state.snapshot?.upstream ?? [];
  const hasFailed = (job: JobState) =>
    job.isSettled && job.status !== "finished";
  // One that was lost and failed when it was run again.
  if (upstream.some(hasFailed)) return afterUpstream(state);
  const lost = new Map<JobState, unknown>();
  const read = new Map<JobState, Outcome>();
  for (const job of upstream) {
    try {
      read.set(job, memory.inMemory(job.outcome ?? notYet()));
    } catch (loss) {
      lost.set(job, loss);
      if (job.isSettled && !(job.mayRunAgain && job.mayLoseAgain())) {
        return fail(state, "error", error);
      }
    }
  }
  if (lost.size === 0) {
    if (!state.mayLoseAgain()) return fail(state, "error", error);
    // Another program has put it back meanwhile, and may delete it again.
    for (const [job, outcome] of read) job.outcome = outcome;
  }
  for (const [job, loss] of lost) runAgain(job, loss);
  state.advance("pending");
  afterUpstream(state);
}

/** It was lost before, and is being computed. */
function notYet(): never {
  throw new ResultLostError("It is being computed again", { cause: "lost" });
}
