/**
 * A Task on its way through the pool.
 *
 * @module
 */

import type { KeepingTask, KeptRun, Settled } from "../../direct_handler.ts";
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

const NO_RUNS: readonly never[] = [];

/** Tasks and items that came to a worker together. */
export class Batch {
  /** How many of them are still there: Tasks, and items that are none by message. */
  left: number;
  /** The Tasks that came, which run one after the other. */
  #runs: readonly PoolRun[];
  /** How many of them were seen to have left. */
  #gone = 0;
  /** How many Tasks and items of it have ended. */
  steps = 0;
  /** How many had when somebody looked last. */
  #seen = -1;

  constructor(runs: readonly PoolRun[] = NO_RUNS, left = runs.length) {
    this.#runs = runs;
    this.left = left;
  }

  /** The Task whose turn it is. */
  get first(): PoolRun | undefined {
    const runs = this.#runs;
    while (this.#gone < runs.length && runs[this.#gone]!.batch !== this) {
      this.#gone++;
    }
    return runs[this.#gone];
  }

  /** The Task that comes last of those that are left. */
  get last(): PoolRun | undefined {
    return this.#runs.findLast(({ batch }) => batch === this);
  }

  /** Adds a Task behind those that are left. */
  add(run: PoolRun): void {
    this.#runs = [
      ...this.#runs.slice(this.#gone).filter(({ batch }) => batch === this),
      run,
    ];
    this.#gone = 0;
    this.left++;
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
export class PoolRun implements KeptRun {
  readonly task: Task;
  /** What it needs of its worker. */
  needs: Needs = IN_WORKER;
  /** Its place in the queue, while it waits. */
  place: QueuePlace<QueuedRun> | undefined;
  /** Its worker, while it runs. */
  worker: PoolWorker | undefined;
  /** That with which it came to its worker. */
  batch: Batch | undefined;
  /** The same, also when it has left. */
  cameWith: Batch | undefined;
  /** Its number among all that its worker was sent. */
  sent = 0;
  /** The number of the chunk of which it was an item, if it was one. */
  chunk = 0;
  /** Whether it was said that it has begun. */
  hasBegun = false;
  /** Whether it is only taken for granted that it has begun, as its process was idle. */
  isAssumed = false;
  /** Whether its worker says when it begins. */
  isTold = false;
  /** Whether it came through shared memory. */
  isQuick = false;
  /** Whether it may take long until all of it is there, and that is to be told. */
  isLarge = false;
  /** Whether it was given ahead and begins also when the one before it waits for its jobs: it has that one's slot then. */
  comesOnPause = false;
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

  /** A worker gets it. */
  given(): void {
    const task = keeping(this.task);
    if (task !== undefined) task.given();
    else if (!this.task.timed) this.begun();
  }

  /** Its function is called. */
  begun(): void {
    this.hasBegun = true;
    this.task.started();
  }

  /** It was not begun where it was, whatever was said, and is not there any more. */
  neverBegan(): void {
    this.hasBegun = false;
    keeping(this.task)?.neverBegan();
  }

  /** It has not begun yet where it is, whatever was said; that it does is told. */
  waits(): void {
    this.hasBegun = false;
    this.isTold = true;
    keeping(this.task)?.waits();
  }

  look(): void {
    this.worker?.watching.look(this);
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
    // That it runs comes before what it says.
    if (!this.hasBegun) this.look();
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

  /** Says that the Task has a result of a few bytes. */
  settleQuickly(
    value: SmallValue,
    contribution: Uint8Array<ArrayBuffer> | undefined,
    startedAt: number,
    duration: number,
  ): void {
    if (this.#settled) return;
    this.#settled = true;
    const timing = { startedAt, duration };
    const console = this.#record?.lines() ?? NO_LINES;
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

function keeping(task: Task): KeepingTask | undefined {
  // A copy of somebody's has what was the Task's own, and no more.
  return "given" in task ? task as KeepingTask : undefined;
}

/** What most Tasks need. */
export const IN_WORKER: Needs = { isolation: "worker", denoArgs: [] };

const NO_LINES: readonly ConsoleLine[] = Object.freeze([]);
const NO_LEAVES: readonly Leaf[] = Object.freeze([]);
