/**
 * What one worker was given and has not begun: it goes back when the worker does not
 * get on, is to stop, or is lost.
 *
 * @module
 */

import { Flag, type ToWorker } from "../../worker/protocol.ts";
import { type Batch, isOf, type PoolRun } from "./pool_run.ts";
import type { PoolWorker } from "./pool_worker.ts";
import type { PoolWorkerOwner } from "./pool_worker_owner.ts";
import type { TaskFlags } from "./task_flags.ts";
import type { WorkerItems } from "./worker_items.ts";

/** How many workers may be killed before they begin, until their Task is told. */
const MOST_KILLED = 3;

/** What a worker has, to be looked through. */
export interface WorkerContents {
  /** Its Tasks that have not ended. */
  readonly running: ReadonlyMap<number, PoolRun>;
  /** Those that wait for jobs which they have submitted. */
  readonly paused: ReadonlySet<PoolRun>;
  readonly items: WorkerItems;
  readonly flags: TaskFlags;
}

/** Takes it back. */
export class Unbegun {
  readonly #worker: PoolWorker;
  readonly #owner: PoolWorkerOwner;
  readonly #sharesMemory: boolean;
  readonly #running: ReadonlyMap<number, PoolRun>;
  readonly #paused: ReadonlySet<PoolRun>;
  readonly #items: WorkerItems;
  readonly #flags: TaskFlags;
  readonly #post: (message: ToWorker) => void;
  /** The last Task that a process was asked to give back, with all before it. */
  #lastRecalled = 0;

  /** Makes it for a worker, to which `post` sends messages. */
  constructor(
    worker: PoolWorker,
    owner: PoolWorkerOwner,
    sharesMemory: boolean,
    { running, paused, items, flags }: WorkerContents,
    post: (message: ToWorker) => void,
  ) {
    this.#worker = worker;
    this.#owner = owner;
    this.#sharesMemory = sharesMemory;
    this.#running = running;
    this.#paused = paused;
    this.#items = items;
    this.#flags = flags;
    this.#post = post;
  }

  /** The worker is lost: what it had not begun goes elsewhere. */
  returnAll(): void {
    this.#items.recall();
    this.#return(this.#find());
  }

  /** Takes back what the worker has not begun, of all batches or of these; of a process that comes with an answer. */
  recall(batches?: ReadonlySet<Batch>): void {
    if (this.#sharesMemory) {
      this.#items.recall(batches);
      return this.#return(this.#find(batches));
    }
    // What it has kept it has begun.
    const { lastSent } = this.#worker;
    if (batches === undefined && this.#lastRecalled === lastSent) return;
    const tasks = [...this.#running.values()]
      .filter((run) => !this.#paused.has(run) && isOf(batches, run))
      .map(({ sent }) => sent);
    if (tasks.length === 0) return;
    if (batches === undefined) this.#lastRecalled = lastSent;
    this.#post({ type: "recall", tasks });
  }

  /** A process has given back Tasks. */
  recalled(tasks: readonly number[]): void {
    const runs: PoolRun[] = [];
    for (const task of tasks) {
      const run = this.#running.get(task);
      if (run === undefined) this.#worker.stopped(task);
      else runs.push(run);
    }
    this.#return(runs);
  }

  /** What a worker had not begun when it was lost: a process runs the Tasks of each batch in turn, and tells of each at once. */
  #find(batches?: ReadonlySet<Batch>): PoolRun[] {
    const there = [...this.#running.values()]
      .filter((run) => isOf(batches, run));
    if (this.#sharesMemory) {
      // What was moved to it is not here: that comes back from itself, or is lost.
      return there.filter(({ sent, moved }) =>
        moved === undefined && this.#flags.takeBack(sent, Flag.RECALLED)
      );
    }
    const begun = new Set<Batch>();
    return there.filter(({ batch }) => {
      const isFirst = !begun.has(batch!);
      begun.add(batch!);
      return !isFirst;
    });
  }

  /** Gives back what a worker had that was killed before it began; not for ever. */
  returnKilled(): void {
    const runs = [...this.#running.values()].filter((run) =>
      run.killedUnbegun++ < MOST_KILLED
    );
    this.#return(runs);
  }

  #return(runs: PoolRun[]): void {
    // Each goes to the front of the queue: the last one first.
    for (const run of runs.reverse()) {
      this.#owner.returned(run);
      this.#worker.leave(run);
    }
  }

  /** Takes back the rest of each batch that does not get on; whether to go on looking. */
  takeRest(): boolean {
    this.#worker.takeResults();
    const sizes = new Map<Batch, number>();
    const count = (batch: Batch, many: number) =>
      sizes.set(batch, (sizes.get(batch) ?? 0) + many);
    for (const run of this.#running.values()) {
      if (!this.#paused.has(run)) count(run.batch!, 1);
    }
    for (const run of this.#items) count(run.batch!, run.left);
    const together = [...sizes.keys()].filter((batch) => sizes.get(batch)! > 1);
    const stopped = together.filter((batch) => batch.hasStopped());
    if (stopped.length > 0) this.recall(new Set(stopped));
    return together.length > 0;
  }
}
