/**
 * How jobs end without an outcome: cancelled, failed, as others were stopped.
 *
 * @module
 */

import { cancelOnAbort } from "./abort.ts";
import { JobCancelledError, UpstreamError } from "./errors.ts";
import { Execution } from "./execution.ts";
import { explainHook, tellFailed } from "./explain_hook.ts";
import type { JobState } from "./job_state.ts";
import { errorOf } from "./outcome.ts";
import { forget, leaveOthers } from "./scheduler.ts";
import { noteFailure, noteSeen } from "./unseen_failures.ts";

const withoutParent: JobState[] = [];
let isCancelling = false;

/** Cancels a job that has not settled. */
export function cancel(state: JobState, reason: unknown): void {
  if (state.isSettled) return;
  const { name, version } = state.definition;
  fail(
    state,
    "cancelled",
    new JobCancelledError(`The job ${name} ${version} was cancelled`, {
      cause: reason,
    }),
  );
}

/** Lets the signal of its options cancel a job. */
export function watchSignal(state: JobState): void {
  const { signal } = state.options;
  if (signal) cancelOnAbort(signal, state, cancel);
}

/** Fails a job as one among its arguments has failed or was cancelled. */
export function failUpstream(state: JobState, failed: JobState): void {
  const { name, version } = state.definition;
  const what = failed.status === "cancelled" ? "was cancelled" : "failed";
  // From here on its error is the cause of this one's.
  noteSeen(failed);
  if (explainHook !== undefined) tellFailed(state);
  fail(
    state,
    "error",
    new UpstreamError(
      `Cannot run ${name} ${version} as the job ${failed.definition.name} ${failed.definition.version} among its arguments ${what}`,
      { cause: errorOf(failed) },
    ),
  );
}

/** Settles a job without an outcome and takes it out of its execution; the last one to go stops the work. */
export function fail(
  state: JobState,
  status: "error" | "cancelled",
  error: Error,
): void {
  if (state.isSettled) return;
  if (state.chunk !== undefined) {
    state.chunk.leave(state);
    if (state.execution === undefined) leaveOthers(state);
  }
  leaveExecution(state, error);
  state.remote?.cancel(error);
  state.snapshot = undefined;
  state.settle({ failure: error, status });
  if (status === "error") noteFailure(state);
}

/** Takes a job out of its execution; the last one to go stops the work. */
export function leaveExecution(state: JobState, reason: Error): void {
  const { execution } = state;
  if (execution === undefined) return;
  execution.kept?.look();
  execution.mayHaveBegun(state);
  if (!execution.leave(state)) return stopIfAlone(execution, reason);
  execution.end();
  forget(execution);
  execution.handler?.cancel(execution, reason);
  cancelChildren(execution, reason);
}

/** Stops a running job that nobody wants but jobs which it has submitted, and theirs: they wait for what they began with. */
function stopIfAlone(execution: Execution, cause: Error): void {
  for (const { name, version, states } of wantedByItself(execution) ?? []) {
    for (const state of [...states]) {
      const text =
        `The job ${name} ${version} was cancelled as the job that it belongs to was stopped`;
      fail(state, "cancelled", new JobCancelledError(text, { cause }));
    }
  }
}

/**
 * Cancels the jobs of a job that was stopped. Work that others wait for goes on.
 * One after the other, as jobs in jobs may be many levels deep; the last ones first,
 * as those that have others as arguments would fail through them.
 */
export function cancelChildren(
  { children, name, version }: Execution,
  cause: unknown,
) {
  for (const child of children.toReversed()) withoutParent.push(child);
  if (isCancelling) return;
  isCancelling = true;
  try {
    for (let i = 0; i < withoutParent.length; i++) {
      const child = withoutParent[i]!;
      const its = child.definition;
      const text =
        `The job ${its.name} ${its.version} was cancelled as the job that had submitted it, ${name} ${version}, was stopped`;
      fail(child, "cancelled", new JobCancelledError(text, { cause }));
    }
  } finally {
    withoutParent.length = 0;
    isCancelling = false;
  }
}

/** Those whose jobs want the outcome, and those of these, if there is nobody else who does; `undefined` if there is. */
function wantedByItself(
  wanted: Execution,
): ReadonlySet<Execution> | undefined {
  const seen = new Set<Execution>([wanted]);
  for (const execution of seen) {
    for (const { scope: { parentOwner } } of execution.waiting) {
      // What an ended job has submitted goes on.
      const isOpen = parentOwner instanceof Execution &&
        !parentOwner.isUnwanted;
      if (!isOpen) return undefined;
      seen.add(parentOwner);
    }
  }
  return seen;
}
