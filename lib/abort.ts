/**
 * Jobs that an AbortSignal cancels.
 *
 * @module
 */

import type { JobState } from "./job_state.ts";

/** The jobs of a signal that have not settled; one listener serves them all. */
const jobsOf = new WeakMap<AbortSignal, Set<JobState>>();

/**
 * Cancels a job when the signal is aborted; at once if it is.
 *
 * @param cancel Cancels a job for a reason.
 */
export function cancelOnAbort(
  signal: AbortSignal,
  state: JobState,
  cancel: (state: JobState, reason: unknown) => void,
): void {
  if (signal.aborted) return cancel(state, signal.reason);
  let jobs = jobsOf.get(signal);
  if (jobs === undefined) {
    const all = jobs = new Set<JobState>();
    jobsOf.set(signal, all);
    signal.addEventListener("abort", () => {
      // A job goes before those that it waits for: it has not failed through them.
      for (const job of [...all].reverse()) cancel(job, signal.reason);
    }, { once: true });
  }
  jobs.add(state);
}

/** A job has settled: its signal has nothing to do with it any more. */
export function forgetOnAbort(signal: AbortSignal, state: JobState): void {
  jobsOf.get(signal)?.delete(state);
}
