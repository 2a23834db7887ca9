/**
 * What one worker is given behind something that it has, so that it need not wait for
 * more: it comes to that when it is done with the other, or that one waits for its jobs.
 *
 * @module
 */

import type { ChunkRun } from "./chunk_run.ts";
import type { Durations } from "./durations.ts";
import { type Batch, PoolRun, type QueuedRun } from "./pool_run.ts";
import type { PoolWorker } from "./pool_worker.ts";
import type { Sending } from "./sending.ts";
import type { TaskFlags } from "./task_flags.ts";
import type { Unbegun } from "./unbegun.ts";
import type { Watching } from "./watching.ts";
import type { WorkerContents } from "./worker_contents.ts";
import { SHORT, type WorkerItems } from "./worker_items.ts";

/** What a worker has that is needed to give it more ahead, and to take that back. */
export interface AheadParts {
  /** Its Tasks that have not ended. */
  readonly running: Map<number, PoolRun>;
  readonly durations: Durations;
  readonly sending: Sending;
  readonly unbegun: Unbegun;
  readonly watching: Watching;
  /** After how many Tasks it is replaced. */
  readonly mostTasks: number;
}

/** Gives it that, and takes it back. */
export class Ahead {
  readonly #worker: PoolWorker;
  readonly #sharesMemory: boolean;
  readonly #paused: ReadonlySet<PoolRun>;
  readonly #items: WorkerItems;
  readonly #flags: TaskFlags;
  readonly #parts: AheadParts;
  /** The Tasks that came last, with those that were given ahead behind them. */
  #lastBatch: Batch | undefined;

  /** Makes it for a worker and what that has. */
  constructor(
    worker: PoolWorker,
    sharesMemory: boolean,
    { paused, items, flags }: WorkerContents,
    parts: AheadParts,
  ) {
    this.#worker = worker;
    this.#sharesMemory = sharesMemory;
    this.#paused = paused;
    this.#items = items;
    this.#flags = flags;
    this.#parts = parts;
  }

  /** The worker was given Tasks: what is given ahead comes behind them. */
  comesAfter(batch: Batch): void {
    this.#lastBatch = batch;
  }

  /** The items behind which the worker can be given more, so that it does not have to wait for them. */
  get lastItems(): ChunkRun | undefined {
    const { load, full } = this.#worker;
    if (load !== 1 || this.#items.size !== 1 || full) return undefined;
    const [run] = this.#items;
    // Behind one that does not get on nothing would.
    return run?.batch?.left === 1 && !run.isShortened ? run : undefined;
  }

  /** The Task behind which the worker can be given another one; what has only resumed is none, as more has come since that one. */
  get lastTask(): PoolRun | undefined {
    const batch = this.#lastBatch;
    if (
      batch?.left !== 1 || this.#worker.load !== 1 || this.#items.size > 0
    ) return undefined;
    const run = batch.first;
    if (run === undefined || !run.isQuick || this.#worker.full) {
      return undefined;
    }
    return this.#paused.has(run) ? undefined : run;
  }

  /** Gives the worker a Task that it comes to when it is done with another one, or that one waits for jobs of its own; whether it could. Throws as the arguments of the Task do. */
  give(run: PoolRun, after: PoolRun): boolean {
    const { task } = run;
    const { sending, running, watching, durations, mostTasks } = this.#parts;
    if (sending.lastSent + 1 >= mostTasks) return false;
    // The last slot is for the jobs of jobs where one waits.
    const onPause = task.depth > 0;
    if (!sending.sendAhead(run, { after: after.sent, onPause })) return false;
    run.given();
    run.worker = this.#worker;
    run.slotDepth = after.slotDepth;
    run.comesOnPause = onPause;
    running.set(run.sent, run);
    run.batch = after.batch!;
    run.batch.add(run);
    watching.given(task, durations.of(task.code));
    return true;
  }

  /** What it was given and comes to when it has done something else, if that takes a while. */
  get last(): QueuedRun | undefined {
    return this.#items.ahead ?? this.#taskAhead;
  }

  get #taskAhead(): PoolRun | undefined {
    const batch = this.#lastBatch;
    if (batch === undefined || batch.left < 2) return undefined;
    const run = batch.last;
    if (run === undefined || !this.#sharesMemory) return undefined;
    if (this.#worker.isQuick(run.task.code, SHORT)) return undefined;
    return this.#flags.isUntouched(run.sent) ? run : undefined;
  }

  /** Takes it back, unless it has begun meanwhile; whether it did. From a process it comes later. */
  takeBack(run: QueuedRun): boolean {
    const { unbegun } = this.#parts;
    if (run instanceof PoolRun) return unbegun.takeBack(run);
    if (this.#sharesMemory) return this.#items.return(run);
    unbegun.recallLast(run);
    return false;
  }
}
