/**
 * A Task on its way through the pool.
 *
 * @module
 */

import type { ConsoleLine, Outcome, Task, TaskEvent } from "../../task.ts";
import { ConsoleRecord, showLive } from "../../worker/console.ts";
import { type Ending, endingOf } from "../../worker/execute.ts";
import type { QueuePlace } from "../../queue.ts";
import type { Needs } from "./connection.ts";
import type { PoolWorker } from "./pool_worker.ts";

/** A Task, where it is, and what it has printed. */
export class PoolRun {
  readonly task: Task;
  /** What it needs of its worker. */
  needs: Needs = { isolation: "worker", denoArgs: [] };
  /** Its place in the queue, while it waits. */
  place: QueuePlace<PoolRun> | undefined;
  /** Its worker, while it runs. */
  worker: PoolWorker | undefined;
  /** Its number among all that its worker was sent. */
  sent = 0;
  /** How many workers were killed that had it and had not begun. */
  killedUnbegun = 0;
  /** How deep the first of those stands with which it shares a slot. */
  slotDepth = 0;
  readonly #resolve: (outcome: Outcome) => void;
  #record: ConsoleRecord | undefined;
  #settled = false;

  constructor(task: Task, resolve: (outcome: Outcome) => void) {
    this.task = task;
    this.#resolve = resolve;
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

  /** Says what became of the Task. */
  settle(ending: Ending): void {
    this.#settled = true;
    this.#resolve({ ...ending, console: this.#record?.lines() ?? NO_LINES });
  }

  /** Says that the Task failed with an error that its function did not throw. */
  fail(error: unknown): void {
    this.settle(endingOf(error, true));
  }
}

const NO_LINES: readonly ConsoleLine[] = Object.freeze([]);
