/**
 * What this isolate is: the program of a user, or a worker that imported the
 * user's module only to find its functions.
 *
 * A worker evaluates whole scripts, also those without `if (import.meta.main)`.
 * Outside of a job it must therefore not run what the script submits: jobs never
 * settle there, and whoever waits for one is *parked*.
 *
 * A program may hold several copies of this library (two versions, two paths).
 * All copies in a worker must know that it is one, also those that did not start
 * it: so that is noted where each copy finds it.
 *
 * @module
 */

import { runningJob } from "./current.ts";

/** What a worker wants to know of the script that it imports. */
export interface ScriptWatcher {
  /** The script has submitted a job. */
  submitted(): void;
  /** The script waits for what will not come. */
  parked(): void;
}

/** What all copies of this library in a worker share. */
interface WorkerRole extends ScriptWatcher {
  /** Of each copy, whether one of its jobs is running in this async context. */
  readonly inJob: Set<() => boolean>;
}

const ROLE = Symbol.for("hither.worker");
const shared = globalThis as { [ROLE]?: WorkerRole };

const inJob = (): boolean => runningJob() !== undefined;

/** Makes this isolate a worker. */
export function becomeWorker(script: ScriptWatcher): void {
  shared[ROLE] = {
    submitted: () => script.submitted(),
    parked: () => script.parked(),
    inJob: new Set([inJob]),
  };
}

/** Whether this is a worker and no job is running in this async context. */
export function isIdleWorker(): boolean {
  const role = shared[ROLE];
  if (role === undefined || inJob()) return false;
  role.inJob.add(inJob);
  for (const inJobOfCopy of role.inJob) if (inJobOfCopy()) return false;
  return true;
}

/** Whether this isolate is a worker. */
export function isWorker(): boolean {
  return shared[ROLE] !== undefined;
}

/** Tells an idle worker that its script has submitted a job, which is not run. */
export function noteSubmission(): void {
  shared[ROLE]?.submitted();
}

/** A promise that never settles; tells the worker that its script waits. */
export function park(): Promise<never> {
  shared[ROLE]?.parked();
  return new Promise<never>(() => {});
}
