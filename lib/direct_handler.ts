/**
 * A shorter way to handlers of this package. They tell what became of a Task in
 * the turn in which they know it, without a Promise for each, and leave the async
 * context of whoever submits by themselves.
 *
 * @module
 */

import type { ChunkedItems, ItemListener } from "./chunked_items.ts";
import type { JobState } from "./job_state.ts";
import type { JobHandler, Outcome, Task } from "./task.ts";

/** Is told, once, what became of a Task. */
export type Settled<T extends Task = Task> = (
  task: T,
  outcome: Outcome,
) => void;

/** A Task that keeps for its handler what belongs to it there, so that there is no table of the many that wait. */
export interface KeepingTask extends Task {
  /** What its handler keeps of it. */
  kept: KeptRun | undefined;
  /** It is with a worker, which may begin at any moment; that it has is said by `started`. */
  given(): void;
  /** It has not begun yet where it is, whatever was said. */
  waits(): void;
  /** It was not begun there, whatever was said, and is not there any more. */
  neverBegan(): void;
}

/** What a handler keeps of a Task. */
export interface KeptRun {
  /** Looks whether the worker that has it has begun, and says so. */
  look(): void;
}

/** As `run` of a handler. */
export type AcceptTask = (task: KeepingTask, settled: Settled) => void;

/**
 * Takes in the items of one `hi.map` that are like that of the job `first`, which took
 * `duration` ms; `undefined` if each has to be a job.
 */
export type AcceptItems = (
  first: JobState,
  duration: number,
  listener: ItemListener,
) => ChunkedItems | undefined;

/** Takes in a job that nothing is the matter with, to be run together with others; `false` if it has to be a Task. */
export type AcceptJob = (job: JobState) => boolean;

interface Way {
  readonly accept: AcceptTask;
  readonly run: JobHandler["run"];
  readonly acceptItems: AcceptItems;
  readonly acceptJob: AcceptJob;
}

const ways = new WeakMap<JobHandler, Way>();

/** Says how a handler takes Tasks in, as long as its `run` is this one and nobody's in its place. */
export function provideDirectWay(
  handler: JobHandler,
  run: JobHandler["run"],
  accept: AcceptTask,
  acceptItems: AcceptItems = () => undefined,
  acceptJob: AcceptJob = () => false,
): void {
  ways.set(handler, { accept, run, acceptItems, acceptJob });
}

/** How a handler takes Tasks in; `undefined` if only by `run`. */
export function directWayOf(handler: JobHandler): AcceptTask | undefined {
  return wayOf(handler)?.accept;
}

/** How a handler takes in items of `hi.map`; `undefined` if each has to be a job. */
export function itemsWayOf(
  handler: JobHandler | null,
): AcceptItems | undefined {
  return handler === null ? undefined : wayOf(handler)?.acceptItems;
}

/** How a handler takes in jobs that are no Tasks; `undefined` if each has to be one. */
export function jobsWayOf(handler: JobHandler | null): AcceptJob | undefined {
  return handler === null ? undefined : wayOf(handler)?.acceptJob;
}

function wayOf(handler: JobHandler): Way | undefined {
  const way = ways.get(handler);
  return way?.run === handler.run ? way : undefined;
}
