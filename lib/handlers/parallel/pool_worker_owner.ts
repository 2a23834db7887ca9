/**
 * What the pool hears from its workers.
 *
 * @module
 */

import type { ChunkRun } from "./chunk_run.ts";
import type { PoolRun, QueuedRun } from "./pool_run.ts";
import type { PoolWorker } from "./pool_worker.ts";

/** What a worker tells its pool. */
export interface PoolWorkerOwner {
  /** A Task has its Outcome. */
  settled(run: PoolRun): void;
  /** A Task, or items, were not begun here and have to go elsewhere. */
  returned(run: QueuedRun): void;
  /** A slot is free again. */
  freed(run: QueuedRun): void;
  /** Items have no business here any more. */
  itemsLeft(run: ChunkRun): void;
  /** An item is to be a Task of its own. */
  itemAsRun(run: ChunkRun, index: number, hasBegun: boolean): PoolRun;
  /** A Task waits for jobs that it has submitted; its slot is free, or has gone to `next`. */
  paused(run: PoolRun, next?: PoolRun): void;
  /** Such a Task goes on, or has ended, and has its slot again. */
  resumed(run: PoolRun): void;
  /** There are results, and the event loop was free to hear of them. */
  heard(): void;
  /** A worker that was full can take Tasks again. */
  roomFreed(): void;
  /** The worker takes no more Tasks until its cancelled jobs have ended. */
  suspended(worker: PoolWorker): void;
  /** Every cancelled job has ended: the worker can go on. */
  recovered(worker: PoolWorker): void;
  /** The worker takes no more Tasks. */
  retired(worker: PoolWorker): void;
  /** The worker is gone; it could not be stopped if Tasks are given, one of which keeps it busy. */
  gone(worker: PoolWorker, busyWith: readonly PoolRun[]): void;
}
