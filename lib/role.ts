/**
 * What this isolate is: the program of a user, or a worker that imported the
 * user's module only to find its functions.
 *
 * A worker evaluates whole scripts, also those without `if (import.meta.main)`.
 * Outside of a job it must therefore not run what the script submits: jobs never
 * settle there, and whoever waits for one is *parked*.
 *
 * @module
 */

import { runningJob } from "./current.ts";

let onPark: (() => void) | undefined;

/** Makes this isolate a worker; `parked` is called each time that a script waits for what will not come. */
export function becomeWorker(parked: () => void): void {
  onPark = parked;
}

/** Whether this is a worker and no job is running in this async context. */
export function isIdleWorker(): boolean {
  return onPark !== undefined && runningJob() === undefined;
}

/** Whether this isolate is a worker. */
export function isWorker(): boolean {
  return onPark !== undefined;
}

/** A promise that never settles; tells the worker that its script waits. */
export function park(): Promise<never> {
  onPark?.();
  return new Promise<never>(() => {});
}
