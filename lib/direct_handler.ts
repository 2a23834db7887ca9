/**
 * A shorter way to handlers of this package. They tell what became of a Task in
 * the turn in which they know it, without a Promise for each, and leave the async
 * context of whoever submits by themselves.
 *
 * @module
 */

import type { JobHandler, Outcome, Task } from "./task.ts";

/** Is told, once, what became of a Task. */
export type Settled<T extends Task = Task> = (
  task: T,
  outcome: Outcome,
) => void;

/** A Task that keeps for its handler what belongs to it there, so that there is no table of the many that wait. */
export interface KeepingTask extends Task {
  /** Only its handler looks at it. */
  kept: object | undefined;
}

/** As `run` of a handler. */
export type AcceptTask = (task: KeepingTask, settled: Settled) => void;

interface Way {
  readonly accept: AcceptTask;
  readonly run: JobHandler["run"];
}

const ways = new WeakMap<JobHandler, Way>();

/** Says how a handler takes Tasks in, as long as its `run` is this one and nobody's in its place. */
export function provideDirectWay(
  handler: JobHandler,
  run: JobHandler["run"],
  accept: AcceptTask,
): void {
  ways.set(handler, { accept, run });
}

/** How a handler takes Tasks in; `undefined` if only by `run`. */
export function directWayOf(handler: JobHandler): AcceptTask | undefined {
  const way = ways.get(handler);
  return way?.run === handler.run ? way?.accept : undefined;
}
