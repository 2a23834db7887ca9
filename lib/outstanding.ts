/**
 * The jobs that are outstanding in this program, for whoever wants to cancel them
 * all: Ctrl-C.
 *
 * @module
 */

import { runOutside } from "./current.ts";
import type { JobState } from "./job_state.ts";
import { repeatedLeaves } from "./value/repeated_leaves.ts";

/** The jobs that wait or run, as a list through the jobs themselves: there may be a million. */
class Outstanding {
  #first: JobState | undefined;
  #last: JobState | undefined;

  /** Adds a job at the end, if it is not there yet. */
  add(job: JobState): void {
    if (this.#has(job)) return;
    job.earlier = this.#last;
    if (this.#last === undefined) this.#first = job;
    else this.#last.later = job;
    this.#last = job;
  }

  /** Takes a job out. */
  delete(job: JobState): void {
    if (!this.#has(job)) return;
    const { earlier, later } = job;
    if (earlier === undefined) this.#first = later;
    else earlier.later = later;
    if (later === undefined) this.#last = earlier;
    else later.earlier = earlier;
    job.earlier = undefined;
    job.later = undefined;
  }

  /** The jobs, in the order in which they came. */
  list(): JobState[] {
    const jobs: JobState[] = [];
    for (let job = this.#first; job !== undefined; job = job.later) {
      jobs.push(job);
    }
    return jobs;
  }

  #has(job: JobState): boolean {
    return job.earlier !== undefined || this.#first === job;
  }
}

/** The jobs that wait or run; a job comes after those that it waits for. */
export const outstanding: Outstanding = new Outstanding();

/** Items of one `hi.map` that are no jobs of their own. */
export interface OutstandingItems {
  /** How many wait or run. */
  readonly size: number;
  /** Cancels them. */
  cancel(reason: unknown): void;
}

/** All such items that wait or run. */
export const outstandingItems: Set<OutstandingItems> = new Set();

/** What listens for signals while jobs run outside of this process's own event loop. */
interface Watcher {
  begin(): void;
  end(): void;
}

let elsewhere = 0;
let watcher: Watcher | undefined;
let loading = false;
let interruption: Error | undefined;

/** An execution has begun to wait or run in workers, or has ended there. */
export function noteElsewhere(change: 1 | -1): void {
  elsewhere += change;
  if (elsewhere === 0) repeatedLeaves.clear();
  else repeatedLeaves.isActive = true;
  if (change === 1 && elsewhere === 1) {
    if (watcher !== undefined) watcher.begin();
    else load();
  } else if (elsewhere === 0) watcher?.end();
}

/** Whether executions are in workers. */
export function isElsewhere(): boolean {
  return elsewhere > 0;
}

/** No job is to run any more. */
export function interrupt(reason: Error): void {
  interruption = reason;
}

/** Why no job is to run any more, if that is so. */
export function interruptionReason(): Error | undefined {
  return interruption;
}

// A program whose jobs all hit never needs it.
function load(): void {
  if (loading) return;
  loading = true;
  runOutside(() => import("./interrupt.ts")).then((module) => {
    watcher = module;
    if (elsewhere > 0) watcher.begin();
  });
}
