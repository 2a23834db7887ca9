/**
 * A Task on its way through the pool.
 *
 * @module
 */

import type { Settled } from "../../direct_handler.ts";
import type { ConsoleLine, Task, TaskEvent } from "../../task.ts";
import type { EncodedValue, Leaf } from "../../value/encoded.ts";
import type { SmallValue } from "../../value/small.ts";
import { ConsoleRecord, showLive } from "../../worker/console.ts";
import { type Ending, endingOf } from "../../worker/execute.ts";
import type { QueuePlace } from "../../queue.ts";
import type { ChunkRun } from "./chunk_run.ts";
import type { Needs } from "./connection.ts";
import type { PoolWorker } from "./pool_worker.ts";

/** What waits for a slot. */
export type QueuedRun = PoolRun | ChunkRun;

/** Tasks and items that came to a worker together. */
export class Batch {
  /** How many of them are still there: Tasks, and items that are none by message. */
  left: number;
  /** How many Tasks and items of it have ended. */
  steps = 0;
  /** How many had when somebody looked last. */
  #seen = -1;

  constructor(left: number) {
    this.left = left;
  }

  /** Whether nothing has ended since this was asked last. */
  hasStopped(): boolean {
    const before = this.#seen;
    this.#seen = this.steps;
    return this.steps === before;
  }
}

/** Whether something came with one of these batches; `undefined` stands for all. */
export function isOf(
  batches: ReadonlySet<Batch> | undefined,
  { batch }: QueuedRun,
): boolean {
  return batches === undefined || batch !== undefined && batches.has(batch);
}

/** A Task, where it is, and what it has printed. */
export class PoolRun {
  readonly task: Task;
  /** What it needs of its worker. */
  needs: Needs = IN_WORKER;
  /** Its place in the queue, while it waits. */
  place: QueuePlace<QueuedRun> | undefined;
  /** Its worker, while it runs. */
  worker: PoolWorker | undefined;
  /** That with which it came to its worker. */
  batch: Batch | undefined;
  /** Its number among all that its worker was sent. */
  sent = 0;
  /** Whether it may take long until all of it is there. */
  isLarge = false;
  /** The cell of its flag there. */
  flag = 0;
  /** Its arguments, if some of them were moved to its worker. */
  moved: EncodedValue | undefined;
  /** Its leaves, if some may be in shared memory. */
  leaves: readonly Leaf[] = NO_LEAVES;
  /** How many workers were killed that had it and had not begun. */
  killedUnbegun = 0;
  /** How deep the first of those stands with which it shares a slot. */
  slotDepth = 0;
  readonly #tell: Settled;
  #record: ConsoleRecord | undefined;
  #settled = false;

  /** Whether it was said what became of the Task. */
  get isSettled(): boolean {
    return this.#settled;
  }

  constructor(task: Task, settled: Settled) {
    this.task = task;
    this.#tell = settled;
  }

  /** Whether its contribution is wanted. */
  get digest(): boolean {
    return this.task.digest;
  }

  /** Passes on what the job reports, and keeps and shows what it prints; of a job that is settled, it only shows. */
  report(event: TaskEvent): void {
    if (event.type === "console") {
      showLive(event.line, `[${this.task.name}] `);
    }
    if (this.#settled) return;
    if (event.type === "console") {
      (this.#record ??= new ConsoleRecord()).add(event.line);
    }
    this.task.report(event);
  }

  /** Says what became of the Task, once. */
  settle(ending: Ending): void {
    if (this.#settled) return;
    this.#settled = true;
    const console = this.#record?.lines() ?? NO_LINES;
    this.#tell(this.task, { ...ending, console });
  }

  /** Says that the Task has a result of a few bytes and has printed nothing. */
  settleQuickly(
    value: SmallValue,
    contribution: Uint8Array<ArrayBuffer> | undefined,
    startedAt: number,
    duration: number,
  ): void {
    if (this.#settled) return;
    this.#settled = true;
    const timing = { startedAt, duration };
    const console = NO_LINES;
    this.#tell(
      this.task,
      contribution === undefined
        ? { status: "finished", value, console, timing }
        : { status: "finished", value, contribution, console, timing },
    );
  }

  /** Says that the Task failed with an error that its function did not throw. */
  fail(error: unknown): void {
    this.settle(endingOf(error, true));
  }
}

/** What most Tasks need. */
export const IN_WORKER: Needs = { isolation: "worker", denoArgs: [] };

const NO_LINES: readonly ConsoleLine[] = Object.freeze([]);
const NO_LEAVES: readonly Leaf[] = Object.freeze([]);
