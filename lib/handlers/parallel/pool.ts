/**
 * A pool of workers, threads and processes: which Task runs where, and when.
 *
 * Invariants: at most `numWorkers` workers of each isolation take Tasks (`PoolWorkers`),
 * and at most `numWorkers * jobsPerWorker` slots are taken in all; where jobs wait in
 * all of them, one more for a Task that may cost its worker. A slot runs one Task at a time. A worker with a cancelled
 * job is not usable until that job has ended, and does not count.
 *
 * @module
 */

import { runOutside } from "../../current.ts";
import { chunkedItems } from "../../chunked_items.ts";
import type {
  AcceptItems,
  KeepingTask,
  Settled,
} from "../../direct_handler.ts";
import { badFunctionError } from "../../crashes.ts";
import type { ItemChunk } from "../../item_chunk.ts";
import { JobChunk, type JobRunner } from "../../job_chunk.ts";
import type { JobState } from "../../job_state.ts";
import type { Task } from "../../task.ts";
import { ThrownValue } from "../../value/thrown.ts";
import { installConsole } from "../../worker/console.ts";
import { closedError, closedErrors } from "../closed_errors.ts";
import { DepthQueue } from "./depth_queue.ts";
import { ChunkRun } from "./chunk_run.ts";
import type { Needs } from "./connection.ts";
import { PoolRun, type QueuedRun } from "./pool_run.ts";
import type { PoolWorker } from "./pool_worker.ts";
import type { PoolWorkerOwner } from "./pool_worker_owner.ts";
import { PoolWorkers } from "./pool_workers.ts";
import { type PoolIsolation, TaskNeeds } from "./task_needs.ts";

/** How long Tasks that travel together may take together, in ms. */
const TIME_TOGETHER = 1;

/** Jobs that take less than this together, in ms, are not parted: the way to another worker takes longer. */
const TIME_OF_WAY = 0.05;

/** Jobs that take longer than this, in ms, are not given ahead: the way to their worker is nothing beside that. */
const LONGEST_AHEAD = 250;

/** How many jobs one turn submits before workers begin with them, although it has not ended. */
const MANY_IN_TURN = 2_048;

/** After how many more they are given some again. */
const MORE_IN_TURN = 512;

/** What a pool is made of. */
export interface PoolOptions {
  readonly numWorkers: number;
  readonly jobsPerWorker: number;
  readonly isolation: PoolIsolation;
  /** After how long a worker without a Task is ended, in ms. */
  readonly idleTimeout: number;
  /** After how many Tasks a worker is replaced. */
  readonly maxJobsPerWorker: number;
  /** A worker with more bytes than this is replaced when it has no Task. */
  readonly maxMemoryPerWorker: number;
}

/** Runs Tasks on workers. */
export class Pool implements PoolWorkerOwner, JobRunner {
  readonly #needs: TaskNeeds;
  readonly #slots: number;
  readonly #waiting: DepthQueue;
  /** Of Tasks that cannot keep what belongs to them. */
  readonly #runs = new Map<Task, PoolRun>();
  /** Those for which what starts processes is being loaded. */
  readonly #arriving = new Set<PoolRun>();
  readonly #workers: PoolWorkers;
  /** Items of `hi.map`, and jobs, that wait or run and are no Tasks of their own. */
  readonly #chunkRuns = new Set<ChunkRun>();
  /** Whether a job, or an item, need not be a Task: it would count by itself. */
  readonly #takesChunks: boolean;
  /** The jobs at the end of the queue, to which others can be added. */
  #last: ChunkRun | undefined;
  #scheduled = false;
  /** How many jobs have come since workers were last given something. */
  #cameSinceFill = 0;
  /**
   * `"long"`: thousands of jobs were submitted in a turn that goes on. `"over"`: it has ended, and the event
   * loop has not come to what else there is; results are not taken before that, as thousands of loops
   * that go on with them would hold it up for ever.
   */
  #turn: "short" | "long" | "over" = "short";
  #ask: () => void = () => {};
  #closing: PromiseWithResolvers<void> | undefined;

  /** Makes a pool; workers start with the first Task. */
  constructor(options: PoolOptions) {
    const { numWorkers, jobsPerWorker, isolation } = options;
    this.#slots = numWorkers * jobsPerWorker;
    this.#waiting = new DepthQueue(this.#slots);
    this.#needs = new TaskNeeds(isolation);
    this.#workers = new PoolWorkers(this, options, this.#needs);
    this.#takesChunks = options.maxJobsPerWorker === Infinity &&
      options.maxMemoryPerWorker === Infinity;
    installConsole();
    runOutside(() => this.#fillWhenAsked());
  }

  /** How many workers could not be stopped. */
  get abandoned(): number {
    return this.#workers.abandoned;
  }

  /** Runs a Task when a worker is free. */
  accept(task: Task | KeepingTask, settled: Settled): void {
    const run = new PoolRun(task, settled);
    if (this.#closing !== undefined) return run.fail(closedError(task));
    this.#keep(run);
    if (!this.#needs.wantsProcess(task)) return this.#admit(run);
    if (this.#needs.processes !== undefined) return this.#admitAs(run);
    this.#arriving.add(run);
    runOutside(() => this.#needs.load()).then(
      () => this.#admitAs(run),
      (error) => this.#refuse(run, error),
    );
  }

  /** Takes in the items of one `hi.map`, which are like those of the job `first`; `undefined` if each has to be a Task. */
  openItems: AcceptItems = (first, duration, listener) => {
    const needs = this.#needs.ofPlain(first.options.denoArgs);
    if (!this.#takesChunks || needs === undefined) return undefined;
    const runner = {
      slots: this.#slots,
      accept: (chunk: ItemChunk) => this.#acceptItems(chunk, needs),
      withdraw: (chunk: ItemChunk) => this.#withdrawItems(chunk),
    };
    return chunkedItems(first, duration, runner, listener);
  };

  /** Runs a job when a worker is free, with others like it; `false` if it has to be a Task. */
  acceptJob(job: JobState): boolean {
    if (!this.#takesChunks || this.#closing !== undefined) return false;
    // The first of many, or one that comes alone, has none to travel with.
    if (this.#waiting.size === 0) return false;
    if (++this.#cameSinceFill >= MANY_IN_TURN) this.#fillMeanwhile();
    const last = this.#last;
    if (last?.chunk instanceof JobChunk && last.chunk.suits(job)) {
      last.chunk.add(job);
      last.grow();
    } else {
      const needs = this.#needs.ofPlain(job.options.denoArgs);
      if (needs === undefined) return false;
      const chunk = new JobChunk(job, this);
      chunk.add(job);
      const run = new ChunkRun(chunk, 0, 1, needs);
      this.#push(run);
      this.#chunkRuns.add(run);
      this.#last = run;
    }
    this.#schedule();
    return true;
  }

  spellOut(chunk: JobChunk, index: number): void {
    for (const run of this.#chunkRuns) {
      if (run.chunk !== chunk || !run.has(index)) continue;
      this.#makeTasks(run);
      return this.#schedule();
    }
  }

  hasBegun(chunk: JobChunk, index: number): boolean {
    for (const run of this.#chunkRuns) {
      if (run.chunk === chunk && run.has(index)) {
        return run.worker?.hasBegunItem(run, index) === true;
      }
    }
    return false;
  }

  /** Makes a Task of each of these, where it waits or runs. */
  #makeTasks(run: ChunkRun): void {
    if (run.worker === undefined) {
      for (const index of run.open()) {
        this.#waiting.insertBefore(run, this.itemAsRun(run, index, false));
      }
      return this.#forget(run);
    }
    const rest = this.#withdraw(run);
    if (rest === undefined) return;
    const tasks = [...rest.open()].map((index) =>
      this.itemAsRun(rest, index, false)
    );
    for (const task of tasks.reverse()) this.#waiting.unshift(task);
  }

  /** Runs items of `hi.map` when a worker is free. */
  #acceptItems(chunk: ItemChunk, needs: Needs): void {
    const run = new ChunkRun(chunk, 0, chunk.count, needs);
    if (this.#closing !== undefined) {
      return this.#refuseItems(run, new ThrownValue(closedError(run.task)));
    }
    this.#chunkRuns.add(run);
    this.#push(run);
    this.#schedule();
  }

  /** Lets a Task or items wait behind all others. */
  #push(run: QueuedRun): void {
    this.#last = undefined;
    this.#waiting.push(run);
  }

  /** These wait no more. */
  #forget(run: ChunkRun): void {
    this.#waiting.remove(run);
    this.#chunkRuns.delete(run);
    if (this.#last === run) this.#last = undefined;
  }

  /** Takes out what has not begun of a chunk; what runs of it becomes a Task. */
  #withdrawItems(chunk: ItemChunk): void {
    for (const run of this.#chunkRuns) {
      if (run.chunk === chunk) this.#withdraw(run);
    }
  }

  /** Takes items out; those that have not begun are returned. */
  #withdraw(run: ChunkRun): ChunkRun | undefined {
    this.#forget(run);
    return run.worker === undefined ? run : run.worker.withdrawItems(run);
  }

  /** Lets a Task wait that is to run in a process. */
  #admitAs(run: PoolRun): void {
    // It may have been cancelled meanwhile.
    if (run.isSettled) return;
    this.#arriving.delete(run);
    try {
      run.needs = this.#needs.of(run.task);
      this.#admit(run);
    } catch (error) {
      this.#refuse(run, error);
    }
  }

  #admit(run: PoolRun): void {
    this.#push(run);
    this.#schedule();
  }

  #refuse(run: PoolRun, error: unknown): void {
    this.settled(run);
    run.fail(error);
  }

  /** Drops a Task that waits, or tells a running one to stop and frees its place. */
  cancel(task: Task, reason: unknown): void {
    const run = this.#runOf(task);
    if (run !== undefined) this.#cancel(run, reason);
  }

  #runOf(task: Task | KeepingTask): PoolRun | undefined {
    if (!("kept" in task)) return this.#runs.get(task);
    return task.kept instanceof PoolRun ? task.kept : undefined;
  }

  #cancel(
    run: PoolRun,
    reason: unknown,
    value = new ThrownValue(reason),
  ): void {
    if (run.isSettled) return;
    this.settled(run);
    this.#waiting.remove(run);
    run.worker?.stop(run, reason);
    run.fail(value);
  }

  /** Fails what waits and what runs; resolves when every worker is gone. */
  close(): Promise<void> {
    if (this.#closing !== undefined) return this.#closing.promise;
    this.#closing = Promise.withResolvers();
    const closed = closedErrors();
    for (const run of [...this.#chunkRuns]) {
      const rest = this.#withdraw(run);
      if (rest !== undefined) this.#refuseItems(rest, closed(rest.task));
    }
    const workers = [...this.#workers];
    const waiting = [...this.#waiting.items()]
      .filter((run) => run instanceof PoolRun);
    const runs = [
      ...this.#arriving,
      ...waiting,
      ...workers.flatMap((worker) => worker.runs),
    ];
    for (const run of runs) {
      const value = closed(run.task);
      this.#cancel(run, value.error, value);
    }
    for (const worker of workers) {
      worker.retire();
      worker.holdGrace();
    }
    if (this.#workers.size === 0) this.#closing.resolve();
    return this.#closing.promise;
  }

  settled(run: PoolRun): void {
    const { task }: { task: Task | KeepingTask } = run;
    this.#arriving.delete(run);
    if ("kept" in task) task.kept = undefined;
    else this.#runs.delete(task);
  }

  returned(run: QueuedRun): void {
    if (run instanceof ChunkRun) this.#chunkRuns.add(run);
    this.#waiting.unshift(run);
    this.#schedule();
  }

  itemsLeft(run: ChunkRun): void {
    this.#chunkRuns.delete(run);
  }

  itemAsRun(
    { chunk, needs }: ChunkRun,
    index: number,
    hasBegun: boolean,
  ): PoolRun {
    const [task, settled] = chunk.becomeTask(index, hasBegun);
    const run = new PoolRun(task, settled);
    run.needs = needs;
    this.#keep(run);
    return run;
  }

  /** From now on a Task is known to be here. */
  #keep(run: PoolRun): void {
    const { task }: { task: Task | KeepingTask } = run;
    if ("kept" in task) task.kept = run;
    else this.#runs.set(task, run);
  }

  freed(run: QueuedRun): void {
    this.#waiting.freed(run);
    this.#schedule();
  }

  paused(run: PoolRun, next?: PoolRun): void {
    if (next === undefined) this.#waiting.paused(run);
    else this.#waiting.passedOn(run, next);
    this.#schedule();
  }

  resumed(run: PoolRun): void {
    this.#waiting.resumed(run);
    this.#schedule();
  }

  heard(): void {
    if (this.#turn === "over") this.#turn = "short";
  }

  roomFreed(): void {
    this.#schedule();
  }

  suspended(worker: PoolWorker): void {
    this.#workers.suspend(worker);
  }

  recovered(worker: PoolWorker): void {
    // Another may have taken its place meanwhile.
    const isFull = this.#workers.isFull(worker.isolation);
    if (isFull || this.#closing !== undefined) return worker.retire();
    this.#workers.resume(worker);
    this.#schedule();
  }

  retired(worker: PoolWorker): void {
    this.#workers.suspend(worker);
  }

  gone(worker: PoolWorker, busyWith: readonly PoolRun[]): void {
    this.#workers.delete(worker, busyWith);
    if (this.#workers.size === 0) this.#closing?.resolve();
    this.#schedule();
  }

  // When the caller has done: then it is known how many Tasks wait, and what is
  // cancelled in one go is not started in between. Only thousands of jobs do not wait for that.
  #schedule(): void {
    if (this.#scheduled || this.#closing !== undefined) return;
    if (this.#waiting.size === 0 && !this.#workers.shareable) return;
    this.#scheduled = true;
    this.#ask();
  }

  /**
   * Gives Tasks to workers in a turn of its own, each time that it is asked to. What is
   * started here does not belong to whoever happened to be the first to ask: this goes
   * on in the context in which the pool was made, and to change that for each Task takes
   * longer than to run a short one.
   */
  async #fillWhenAsked(): Promise<never> {
    let asked = this.#asking();
    while (true) {
      await asked;
      // Before the first Task is given: that may bring about the next.
      asked = this.#asking();
      this.#scheduled = false;
      try {
        if (this.#turn === "long") this.#turn = "over";
        this.#fill();
      } catch (error) {
        // It is told as any error that nobody expects, and others still get their Tasks.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }

  #asking(): Promise<void> {
    return new Promise((resolve) => this.#ask = resolve);
  }

  /** Thousands of jobs are submitted in one turn: workers need not idle until that is over. */
  #fillMeanwhile(): void {
    if (this.#turn === "over") return;
    this.#turn = "long";
    runOutside(() => {
      for (const worker of this.#workers.usable) worker.takeResults();
      this.#fill();
    });
    this.#cameSinceFill = MANY_IN_TURN - MORE_IN_TURN;
  }

  /** Gives Tasks to workers as long as there are both. */
  #fill(): void {
    this.#cameSinceFill = 0;
    while (true) {
      const run = this.#waiting.first;
      if (run === undefined) {
        if (this.#takeFromBusy()) continue;
        return;
      }
      if (!this.#waiting.hasSlotFor(run)) return this.#giveAhead();
      try {
        const worker = this.#workers.for(run);
        if (worker === undefined) return this.#giveAhead();
        if (run instanceof ChunkRun) {
          this.#giveItems(run, worker);
          continue;
        }
        if (worker.give(this.#takeTogether(run, worker))) {
          this.#waiting.started(run);
        }
      } catch (error) {
        this.#waiting.remove(run);
        if (run instanceof ChunkRun) {
          this.#refuseItems(run, new ThrownValue(error));
        } else this.#refuse(run, error);
      }
    }
  }

  /** Gives workers more that have something, so that they need not wait for it. */
  #giveAhead(): void {
    for (const worker of this.#workers.usable) {
      const run = this.#waiting.first;
      if (run === undefined) return;
      if (!worker.suits(run.needs) || !worker.has(run.task.code)) continue;
      if (run instanceof PoolRun) this.#giveTaskAhead(run, worker);
      else this.#giveItemsAhead(run, worker);
    }
  }

  #giveTaskAhead(run: PoolRun, worker: PoolWorker): void {
    const { task, needs } = run;
    if (travelsAlone(task) || needs.memory !== undefined) return;
    if (!worker.isQuick(task.code, LONGEST_AHEAD)) return;
    const after = worker.ahead.lastTask;
    if (after === undefined) return;
    if (task.depth === 0) {
      // In the slot of a job of a job it might wait for ever.
      if (after.slotDepth > 0) return;
      // It would be taken back.
      if (worker.hasWaited(after.task.code)) return;
    }
    try {
      if (worker.ahead.give(run, after)) this.#waiting.remove(run);
    } catch (error) {
      this.#waiting.remove(run);
      this.#refuse(run, error);
    }
  }

  /** Gives items to a worker that has such already. */
  #giveItemsAhead(run: ChunkRun, worker: PoolWorker): void {
    const after = worker.ahead.lastItems;
    if (after === undefined || !this.#travelsAsItem(run, worker)) return;
    const items = this.#takeItems(run, this.#shareOf(run, worker));
    if (items !== undefined) worker.giveItems(items, after);
  }

  /** Takes something back that a busy worker was given ahead, as another one has nothing to do; whether there was any. */
  #takeFromBusy(): boolean {
    const run = this.#workers.shareable;
    return run !== undefined && this.#waiting.hasSlotFor(run) &&
      run.worker!.ahead.takeBack(run);
  }

  /** Whether jobs need not be Tasks on their way to a worker, even if each travels alone. */
  #travelsAsItem(run: ChunkRun, worker: PoolWorker): boolean {
    const { chunk, task: { code } } = run;
    if (!worker.has(code) || isBad(run)) return false;
    return !(chunk instanceof JobChunk) || worker.isQuick(code, LONGEST_AHEAD);
  }

  /** Gives items to a worker: many if it has the code of their function and that is quick, else one as a Task of its own. */
  #giveItems(run: ChunkRun, worker: PoolWorker): void {
    const many = this.#shareOf(run, worker);
    const items = this.#takeItems(run, many);
    if (items === undefined) return;
    if (many === 1 && !this.#travelsAsItem(run, worker)) {
      this.#chunkRuns.delete(items);
      const first = this.itemAsRun(items, items.begin, false);
      if (worker.give([first])) this.#waiting.started(first);
      return;
    }
    try {
      worker.giveItems(items);
      this.#waiting.started(items);
    } catch (error) {
      this.#refuseItems(items, new ThrownValue(error));
    }
  }

  /** How many of these items a worker gets in one go. */
  #shareOf(run: ChunkRun, worker: PoolWorker): number {
    const { chunk, task, left } = run;
    if (!worker.has(task.code) || isBad(run)) return 1;
    // Those of `hi.map` were parted before.
    if (!(chunk instanceof JobChunk)) return left;
    // Before the many that wait there may be some that were taken back from a worker.
    const behind = this.#last === undefined || this.#last === run
      ? 0
      : this.#last.left;
    const share = Math.max(
      Math.ceil((left + behind) / this.#slots),
      worker.room(task.code, TIME_OF_WAY),
    );
    return Math.min(left, share, worker.room(task.code, TIME_TOGETHER));
  }

  /** Takes items out of the queue, `most` at most; `undefined` if all that were there are cancelled. */
  #takeItems(run: ChunkRun, most: number): ChunkRun | undefined {
    const items = run.takeFirst(most);
    if (run.isDone) this.#forget(run);
    if (items === undefined) return undefined;
    this.#chunkRuns.add(items);
    return items;
  }

  /** Each of these items fails. */
  #refuseItems(run: ChunkRun, why: ThrownValue): void {
    this.#forget(run);
    for (const index of run.open()) {
      this.#refuse(this.itemAsRun(run, index, false), why);
    }
  }

  /**
   * Takes the first Task out of the queue, and those behind it that call the
   * same function, as long as that is known to be quick: sending a message costs
   * more than running it.
   */
  *#takeTogether(first: PoolRun, worker: PoolWorker): Generator<PoolRun> {
    const { code } = first.task;
    const isAlone = travelsAlone(first.task);
    const share = Math.ceil(this.#waiting.size / this.#slots);
    const most = Math.min(share, worker.room(code, TIME_TOGETHER));
    this.#waiting.remove(first);
    first.slotDepth = first.task.depth;
    yield first;
    for (let taken = 1; taken < most && !isAlone; taken++) {
      const next = this.#waiting.first;
      if (!(next instanceof PoolRun)) return;
      if (next.task.code !== code || travelsAlone(next.task)) return;
      if (!worker.suits(next.needs)) return;
      this.#waiting.remove(next);
      next.slotDepth = first.slotDepth;
      yield next;
    }
  }
}

/** Whether these are jobs of a function that kills its workers: each is told, as a Task. */
function isBad({ chunk }: ChunkRun): boolean {
  if (!(chunk instanceof JobChunk)) return false;
  const { definition, options: { crashRetries } } = chunk;
  return badFunctionError(definition, crashRetries) !== undefined;
}

/** Whether it must be known when a Task begins: among others it would wait in its worker. */
function travelsAlone({ timed, queueTimed }: Task): boolean {
  return timed || queueTimed === true;
}
