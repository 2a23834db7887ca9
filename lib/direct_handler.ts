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

/** As `run` of a handler. */
export type AcceptTask = (task: Task, settled: Settled) => void;

const ways = new WeakMap<JobHandler, AcceptTask>();

/** Says how a handler takes Tasks in. */
export function provideDirectWay(
  handler: JobHandler,
  accept: AcceptTask,
): void {
  ways.set(handler, accept);
}

/** How a handler takes Tasks in; `undefined` if only by `run`. */
export function directWayOf(handler: JobHandler): AcceptTask | undefined {
  return ways.get(handler);
}
