/**
 * What one worker has, for those that look through it.
 *
 * @module
 */

import type { PoolRun } from "./pool_run.ts";
import type { TaskFlags } from "./task_flags.ts";
import type { WorkerItems } from "./worker_items.ts";

/** What a worker has, to be looked through. */
export interface WorkerContents {
  /** Its Tasks that have not ended. */
  readonly running: ReadonlyMap<number, PoolRun>;
  /** Those that wait for jobs which they have submitted. */
  readonly paused: ReadonlySet<PoolRun>;
  readonly items: WorkerItems;
  readonly flags: TaskFlags;
}
