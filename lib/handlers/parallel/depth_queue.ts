/**
 * Which Task is next where jobs wait for jobs.
 *
 * Deeper Tasks come first, those of one depth by priority, so that few jobs wait at a time. A job that waits has
 * given up its slot, but the last one only to the jobs of jobs: a Task that no job
 * has submitted leaves a slot to them. Otherwise it might sit in that slot and
 * wait, in a way that nobody sees, for the very job whose own jobs then find no
 * slot (both await one promise in a variable of their module).
 *
 * @module
 */

import { Queue } from "../../queue.ts";
import type { PoolRun, QueuedRun } from "./pool_run.ts";

/** The Tasks that wait for a slot, by depth, and how many have one. */
export class DepthQueue {
  readonly #slots: number;
  readonly #queues: Queue<QueuedRun>[] = [];
  #size = 0;
  #running = 0;
  /** Those of them that no job has submitted. */
  #outermost = 0;
  #paused = 0;

  /** Makes an empty queue for so many slots. */
  constructor(slots: number) {
    this.#slots = slots;
  }

  /** How many Tasks wait. */
  get size(): number {
    return this.#size;
  }

  /** All that wait. */
  items(): QueuedRun[] {
    return this.#queues.flatMap((queue) => queue.items());
  }

  /** The Task that comes next. */
  get first(): QueuedRun | undefined {
    return this.#queues.at(-1)?.first;
  }

  /** Whether there is a slot for a Task. */
  hasSlotFor(run: QueuedRun): boolean {
    if (this.#running >= this.#slots) return false;
    // One that was in a worker already may be what a job waits for.
    return run.task.depth > 0 || run.sent > 0 || this.#paused === 0 ||
      this.#outermost < this.#slots - 1;
  }

  /** Adds a Task behind those of its depth and priority. */
  push(run: QueuedRun): void {
    run.place = this.#at(run.task.depth).push(run, run.task.priority);
    this.#size++;
  }

  /** Adds a Task before those of its depth and priority. */
  unshift(run: QueuedRun): void {
    run.place = this.#at(run.task.depth).unshift(
      run,
      run.task.priority,
    );
    this.#size++;
  }

  /** Adds a Task before another one that waits, and has the same depth and priority. */
  insertBefore(other: QueuedRun, run: QueuedRun): void {
    run.place = this.#at(other.task.depth).insertBefore(other.place!, run);
    this.#size++;
  }

  /** Takes a Task out, if it still waits. */
  remove(run: QueuedRun): void {
    if (!this.#queues[run.task.depth]?.remove(run.place)) return;
    this.#size--;
    while (this.#queues.at(-1)?.size === 0) this.#queues.pop();
  }

  /** A Task has taken a slot. */
  started({ slotDepth }: QueuedRun): void {
    this.#running++;
    if (slotDepth === 0) this.#outermost++;
  }

  /** A Task has given its slot back. */
  freed({ slotDepth }: QueuedRun): void {
    this.#running--;
    if (slotDepth === 0) this.#outermost--;
  }

  /** A Task has given its slot up, as it waits for others. */
  paused(run: QueuedRun): void {
    this.freed(run);
    this.#paused++;
  }

  /** A Task that waits for others has given its slot to the one that was given ahead. */
  passedOn(run: QueuedRun, next: PoolRun): void {
    this.paused(run);
    next.slotDepth = next.task.depth;
    this.started(next);
  }

  /** A Task that has waited has a slot again, even if there was none. */
  resumed(run: QueuedRun): void {
    this.started(run);
    this.#paused--;
  }

  #at(depth: number): Queue<QueuedRun> {
    while (this.#queues.length <= depth) this.#queues.push(new Queue());
    return this.#queues[depth]!;
  }
}
