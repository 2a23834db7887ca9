/**
 * The attempts of a job: whether there is another one, and what is told of the
 * one that failed.
 *
 * @module
 */

import { badFunctionError, isCrash } from "./crashes.ts";
import { errorText } from "./error_text.ts";
import { WorkerLostError } from "./errors.ts";
import type { JobState } from "./job_state.ts";
import { waitBeforeRetry } from "./retry.ts";
import { CONSOLE_LIMIT, type ConsoleLine } from "./task.ts";
import { warn } from "./warn.ts";

/** How an attempt failed. */
export interface Failure {
  readonly error: unknown;
  /** Whether the function did not throw the error itself. */
  readonly lost: boolean;
}

/**
 * How long a job waits before its next attempt, in ms; `undefined` if it has
 * failed for good. A worker that died is counted apart from what the function does.
 */
export function nextAttemptIn(
  state: JobState,
  { error, lost }: Failure,
): number | undefined {
  const { crashRetries, retry } = state.options;
  if (lost && isCrash(error)) {
    state.crashes++;
    if (badFunctionError(state.definition, crashRetries) !== undefined) {
      return undefined;
    }
    return state.crashes <= crashRetries ? 0 : undefined;
  }
  // A Task that was never begun has not failed for what its function does.
  if (retry === null || state.attempts === 0) return undefined;
  try {
    return waitBeforeRetry(retry, state.attempts - state.crashes, error);
  } catch (thrown) {
    const { name, version } = state.definition;
    warn(
      `${name} ${version} is not tried again, as retry.on threw: ${
        errorText(thrown)
      }`,
    );
    return undefined;
  }
}

/** Why a job is not tried again whose arguments were moved to where they are lost. */
export function withoutArguments(
  { definition: { name, version } }: JobState,
  { error }: Failure,
): Error {
  const suspects = isCrash(error) ? error.suspects : 0;
  return new WorkerLostError(
    `${name} ${version} is not tried again as what hi.transfer has moved to its worker is lost with it: leave hi.transfer out, or set retry, for which a copy is kept (${
      errorText(error)
    })`,
    { cause: error, suspects },
  );
}

/** The line that parts what the job printed in one attempt from the next. */
export function markOf(
  state: JobState,
  { error }: Failure,
  wait: number,
): ConsoleLine {
  const kind = error instanceof Error ? `${error.name}: ` : "";
  return {
    stream: "stderr",
    text: `hither: attempt ${state.attempts} failed: ${kind}${
      errorText(error)
    }; the next in ${Math.ceil(wait)} ms\n`,
    time: Date.now(),
  };
}

/** The lines of all attempts, as much as is kept of one. */
export function joinLines(
  earlier: readonly ConsoleLine[],
  later: readonly ConsoleLine[],
): readonly ConsoleLine[] {
  if (earlier.length === 0) return later;
  const lines: ConsoleLine[] = [];
  let length = 0;
  // What was printed last tells most of how it ended.
  for (const line of [...earlier, ...later].reverse()) {
    if ((length += line.text.length) > CONSOLE_LIMIT) break;
    lines.push(line);
  }
  return lines.reverse();
}
