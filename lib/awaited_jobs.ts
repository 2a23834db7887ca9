/**
 * Which jobs the running jobs await, and the circles that they would close: none of
 * the jobs in one would ever end.
 *
 * 1. A running job awaits another one from when it asks for the result until that has
 *    settled. A job that it has submitted and does not ask for holds it up in nothing.
 * 2. A job whose arguments are not there waits for the jobs among them. Whoever awaits
 *    it awaits those.
 * 3. Where one more job is awaited, or an awaited one joins an execution under way, the
 *    job fails if that execution waits, through others, for whoever awaits it.
 *
 * @module
 */

import { type RunningJob, runningJob } from "./current.ts";
import { CycleError } from "./errors.ts";
import { Execution } from "./execution.ts";
import { fail } from "./job_ends.ts";
import type { JobState } from "./job_state.ts";
import { joined } from "./key_claim.ts";
import { Scope } from "./scope.ts";

/** Notes that a running job awaits another one. */
export function awaitJob(by: Execution, state: JobState): void {
  const underWay: JobState[] = [];
  // A list and no recursion: chains of jobs may be long.
  const chain = [state];
  for (const job of chain) {
    if (job.isSettled || !by.addAwaited(job)) continue;
    if (job.execution !== undefined) underWay.push(job);
    else for (const other of job.snapshot?.upstream ?? []) chain.push(other);
  }
  for (const job of underWay) failInCircle(job, job.execution);
  if (underWay.length > 0) joined?.();
}

/** Notes that the running job of this async context awaits another one. */
export function awaitHere(state: JobState): void {
  const job = runningJob();
  if (job === undefined || state.isSettled) return;
  const by = executionOf(job);
  if (by !== undefined) awaitJob(by, state);
  else job.port?.awaitJob(state);
}

/** Notes that the running job of this async context awaits all jobs of a scope; returns what ends that for those to come. */
export function awaitAllHere(scope: Scope<unknown>): () => void {
  const job = runningJob();
  const by = job && (executionOf(job) ?? job.port);
  if (by === undefined) return () => {};
  const waiter = { by };
  scope.waiters.add(waiter);
  const jobs = by instanceof Execution ? jobsOf(by) : by.jobs;
  for (const state of jobs) {
    if (state.scope.isInside(scope)) awaitFor(by, state);
  }
  return () => scope.waiters.delete(waiter);
}

/** Notes that a job which is submitted is awaited by those that wait for all jobs of a scope around it. */
export function awaitWithScope(state: JobState): void {
  for (const { by } of state.scope.allWaiters()) {
    awaitFor(by as Execution | RemotePort, state);
  }
}

/** Notes that whoever awaits a job awaits one among its arguments. */
export function awaitWith(state: JobState, upstream: JobState): void {
  for (const by of [...state.awaitedIn ?? []]) awaitJob(by, upstream);
}

/** Notes that a job whose result is lost is awaited by the one that has submitted it. */
export function awaitByParent(state: JobState): void {
  const parent = state.scope.parentOwner;
  if (parent instanceof Execution) awaitJob(parent, state);
}

/** Fails a job if the execution that it has joined, or would join, waits for one that awaits it; whether it has failed. */
export function failInCircle(
  state: JobState,
  execution: Execution | undefined,
): boolean {
  for (const by of state.awaitedIn ?? []) {
    const circle = execution && wayTo(execution, by);
    if (circle === undefined) continue;
    fail(state, "error", waitsForItself(circle));
    return true;
  }
  return false;
}

/** How the job of an execution, through those that it awaits, waits for `other`: from itself to that; `undefined` if it does not. */
function wayTo(
  start: Execution,
  other: Execution,
): readonly Execution[] | undefined {
  const from = new Map<Execution, Execution | undefined>([[start, undefined]]);
  for (const [execution] of from) {
    if (execution === other) {
      const way: Execution[] = [];
      let at: Execution | undefined = execution;
      for (; at !== undefined; at = from.get(at)) way.unshift(at);
      return way;
    }
    for (const { execution: next } of execution.awaits) {
      if (next !== undefined && !from.has(next)) from.set(next, execution);
    }
  }
  return undefined;
}

type RemotePort = NonNullable<RunningJob["port"]>;

function awaitFor(by: Execution | RemotePort, state: JobState): void {
  if (by instanceof Execution) awaitJob(by, state);
  else by.awaitJob(state);
}

function executionOf({ scope }: RunningJob): Execution | undefined {
  const owner = scope instanceof Scope ? scope.owner : undefined;
  return owner instanceof Execution ? owner : undefined;
}

/** The jobs that a running one has submitted and that have not settled, and theirs. */
function jobsOf(execution: Execution): Set<JobState> {
  const jobs = new Set(execution.children);
  for (const job of jobs) {
    for (const child of job.execution?.children ?? []) jobs.add(child);
  }
  return jobs;
}

/** Of a long circle so many jobs are named at either end. */
const MOST_TITLES = 4;

/** What a job is told that would close a circle: the first of it waits, through the others, for the last, which wants the first. */
function waitsForItself(circle: readonly Execution[]): CycleError {
  const [first] = circle;
  const titles = [...circle, first!].map(({ title }) => title);
  const between = titles.length - 2 * MOST_TITLES;
  if (between > 0) titles.splice(MOST_TITLES, between, `${between} others`);
  const way = titles.join(" \u2192 ");
  return new CycleError(
    `Cannot run ${
      first!.title
    } as this very job is running and would wait for itself (${way}): give it other arguments`,
  );
}
