/**
 * The time limits of the jobs that share an execution: `timeout` and `queueTimeout`.
 *
 * @module
 */

import { JobQueueTimeoutError } from "./errors.ts";
import type { JobState } from "./job_state.ts";

type Timer = ReturnType<typeof setTimeout>;

/** Longer than a timer can be, in ms, is for ever. */
const FOR_EVER = 2 ** 31;

/** How late a timer may be, in ms; if it is later, this program was suspended or computed. */
const HELD_UP = 20;

/** How long such a program hears what has happened meanwhile, in ms. */
const HEARING = 25;

let onTimeout: ((state: JobState, error?: Error) => void) | undefined;

/** For the scheduler alone: what to do with a job whose time is over. */
export function provideTimeout(
  over: (state: JobState, error?: Error) => void,
): void {
  onTimeout = over;
}

/** At most one limit for each job: that of its time in the queue, then that of its run. */
export class TimeLimits {
  readonly #timers = new Map<JobState, Timer>();

  /** Begins the time in the queue of a job that has such a limit; `failure` says why it is there again. */
  beginQueue(
    state: JobState,
    queueTimeout: number,
    failure: () => unknown,
  ): void {
    const { name, version } = state.definition;
    this.#begin(state, queueTimeout, () => {
      const isFirst = state.attempts === 0;
      const what = isFirst
        ? "and was not started"
        : `before attempt ${state.attempts + 1}, which was not started`;
      const cause = isFirst ? undefined : failure();
      const error = new JobQueueTimeoutError(
        `The job ${name} ${version} waited longer than its queueTimeout of ${queueTimeout} ms ${what}`,
        cause === undefined ? undefined : { cause },
      );
      onTimeout!(state, error);
    });
  }

  /** Begins the time of a job that has such a limit, of which `ran` ms are over. */
  beginRun(state: JobState, timeout: number, ran: number): void {
    this.#begin(state, Math.max(0, timeout - ran), () => onTimeout!(state));
  }

  /** Ends the limit of a job, if there is one. */
  end(state: JobState): void {
    const timer = this.#timers.get(state);
    if (timer === undefined) return;
    clearTimeout(timer);
    this.#timers.delete(state);
  }

  /** Begins a limit of a job, in place of the one that it had. */
  #begin(state: JobState, ms: number, over: () => void): void {
    this.end(state);
    if (ms >= FOR_EVER) return;
    const timers = this.#timers;
    const due = performance.now() + ms;
    timers.set(
      state,
      setTimeout(() => {
        if (performance.now() - due < HELD_UP) return over();
        // What has ended in time is only to be heard of.
        timers.set(state, setTimeout(over, HEARING));
      }, ms),
    );
  }
}
