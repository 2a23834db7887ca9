/**
 * What becomes of a job whose attempt has failed or was out of time: another one, as
 * often as it may have one.
 *
 * @module
 */

import {
  type Failure,
  joinLines,
  markOf,
  nextAttemptIn,
  withoutArguments,
} from "./attempts.ts";
import { isCrash, noteCrash, noteSurvival } from "./crashes.ts";
import { runOutside } from "./current.ts";
import { JobTimeoutError } from "./errors.ts";
import type { Execution } from "./execution.ts";
import { fail, leaveExecution } from "./job_ends.ts";
import type { JobState } from "./job_state.ts";
import { failureIn } from "./outcome.ts";
import { noteElsewhere } from "./outstanding.ts";
import { enlist, fetchOrStart, forget } from "./scheduler.ts";
import type { ConsoleLine, Outcome } from "./task.ts";
import { provideTimeout } from "./time_limits.ts";

provideTimeout(onTimeout);

/** Resolves after `ms`; rejects when the signal is aborted. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  // What Deno does after an import goes on in the context of whoever asked for it.
  const { delay } = await runOutside(() => import("jsr:@std/async@^1/delay"));
  await delay(ms, { signal });
}

export function onTimeout(state: JobState, late?: Error): void {
  const { name, version } = state.definition;
  const error = late ?? new JobTimeoutError(
    `The job ${name} ${version} ran longer than its timeout of ${state.options.timeout} ms`,
  );
  const failure = { error, lost: false };
  const wait = nextAttemptIn(state, failure);
  if (wait === undefined) return fail(state, "error", error);
  leaveExecution(state, error);
  tryAgain([[state, wait]], failure, state.lines ?? []);
}

/** Begins the next attempt of jobs, after the longest of their waits. */
function tryAgain(
  waits: readonly (readonly [JobState, number])[],
  failure: Failure,
  lines: readonly ConsoleLine[],
): void {
  const wait = Math.max(...waits.map(([, wait]) => wait));
  const [first] = waits[0]!;
  const mark = markOf(first, failure, wait);
  const execution = enlist(first, wait > 0);
  execution.earlierLines = joinLines(lines, [mark]);
  execution.failure = failure.error;
  for (const [state] of waits) {
    if (state !== first) execution.join(state);
    state.report({ type: "console", line: mark });
  }
  if (wait === 0) return fetchOrStart(execution, first);
  // Nothing runs here meanwhile: a signal cancels it, as it cancels what runs in workers.
  noteElsewhere(1);
  pause(wait, execution.abandoned).finally(() => noteElsewhere(-1)).then(
    () => {
      execution.resume();
      fetchOrStart(execution, first);
    },
    // Nobody waits for the outcome any more.
    () => {},
  );
}

/** Begins another attempt for the jobs that may have one, and takes them out of the execution. */
export function tryAgainWherePossible(
  execution: Execution,
  outcome: Outcome & { status: "error" },
): void {
  const failure = { error: failureIn(outcome), lost: outcome.lost ?? false };
  if (failure.lost && isCrash(failure.error)) {
    noteCrash(execution.definition, failure.error);
  } else if (!failure.lost) noteSurvival(execution.definition);
  const waits: [JobState, number][] = [];
  for (const state of [...execution.states]) {
    const wait = nextAttemptIn(state, failure);
    if (wait === undefined) continue;
    if (state.mayRunAgain) waits.push([state, wait]);
    else fail(state, "error", withoutArguments(state, failure));
  }
  if (waits.length === 0) return;
  for (const [state] of waits) execution.leave(state);
  if (execution.isUnwanted) execution.end();
  forget(execution);
  tryAgain(
    waits,
    failure,
    joinLines(execution.earlierLines, outcome.console),
  );
}
