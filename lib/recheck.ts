/**
 * A sample of hits is run again, to see whether the cache still tells the truth:
 * in idle moments, one after the other, and never in the way of a job.
 *
 * @module
 */

/** Runs one job again and compares. Never rejects. */
type Recheck = () => Promise<void>;

const waiting: Recheck[] = [];
let draining: Promise<void> | undefined;
let wake: (() => void) | undefined;
/** Whether somebody waits for the rechecks, so that they no longer wait for an idle moment. */
let isUrgent = false;
let isBusy: () => boolean = () => false;

/** Puts a hit on the list. `busy` tells whether jobs are running. */
export function recheckWhenIdle(recheck: Recheck, busy: () => boolean): void {
  waiting.push(recheck);
  isBusy = busy;
  draining ??= drain().finally(() => draining = undefined);
}

/** Tells that no job is running just now. */
export function noteIdle(): void {
  wake?.();
}

/** Resolves when every hit on the list was run again; `undefined` if there is none. */
export function rechecksDone(): Promise<void> | undefined {
  if (draining === undefined) return undefined;
  isUrgent = true;
  wake?.();
  return draining;
}

async function drain(): Promise<void> {
  // The turn that submits jobs comes first.
  await new Promise((resolve) => setTimeout(resolve));
  for (let next; (next = waiting.shift()) !== undefined;) {
    if (!isUrgent && isBusy()) {
      await new Promise<void>((resolve) => wake = resolve);
      wake = undefined;
    }
    await next();
  }
  isUrgent = false;
}
