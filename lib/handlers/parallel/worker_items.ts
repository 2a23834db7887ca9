/**
 * What one worker has of items that travel together, as long as they are no Tasks of
 * their own: their results, and when they become Tasks or go back.
 *
 * @module
 */

import type { EncodedValue } from "../../value/encoded.ts";
import type { FromWorker } from "../../worker/protocol.ts";
import { fromWire } from "../../worker/wire.ts";
import type { ChunkRun } from "./chunk_run.ts";
import type { Durations } from "./durations.ts";
import { type Batch, isOf, type PoolRun } from "./pool_run.ts";
import type { PoolWorker } from "./pool_worker.ts";
import type { PoolWorkerOwner } from "./pool_worker_owner.ts";
import type { TaskFlags } from "./task_flags.ts";
import { WorkerChunks } from "./worker_chunks.ts";

/** What takes no longer than this, in ms, is not given to another worker that has nothing to do. */
export const SHORT = 1;

/** How many processes may be lost before they begin with items, until the first of these is told. */
const MOST_LOST_UNBEGUN = 3;

/** The items of a worker. */
export class WorkerItems {
  readonly #worker: PoolWorker;
  readonly #owner: PoolWorkerOwner;
  readonly #flags: TaskFlags;
  readonly #durations: Durations;
  /** The Tasks of the worker. */
  readonly #running: Map<number, PoolRun>;
  /** Whether the flags of the worker can be seen from here. */
  readonly #sharesMemory: boolean;
  readonly #chunks = new WorkerChunks();
  /** Those whose results are being taken: how many there were, how long they took in ms, and how many were open. */
  #taken: ChunkRun | undefined;
  #count = 0;
  #time = 0;
  #settled = 0;

  /** Makes it for a worker with its Tasks. */
  constructor(
    worker: PoolWorker,
    owner: PoolWorkerOwner,
    flags: TaskFlags,
    durations: Durations,
    running: Map<number, PoolRun>,
    sharesMemory: boolean,
  ) {
    this.#worker = worker;
    this.#owner = owner;
    this.#flags = flags;
    this.#durations = durations;
    this.#running = running;
    this.#sharesMemory = sharesMemory;
  }

  /** How many messages with items there are. */
  get size(): number {
    return this.#chunks.size;
  }

  /** Those that it has not come to, as something else is before them, if they take a while. */
  get ahead(): ChunkRun | undefined {
    let last: ChunkRun | undefined;
    for (const run of this.#chunks) last = run;
    if (last === undefined || last.batch!.left < 2) return undefined;
    if (this.#durations.callsIn(SHORT, last.task.code) >= last.left) {
      return undefined;
    }
    // Of a process it is not seen here.
    return this.#flags.isUntouched(last.sent) && !last.hasBegun
      ? last
      : undefined;
  }

  /** Adds items that were sent. */
  add(run: ChunkRun): void {
    this.#chunks.add(run);
  }

  /** Those among which the item with that number is. */
  runOf(task: number): ChunkRun | undefined {
    return this.#chunks.runOf(task);
  }

  /** All of them. */
  [Symbol.iterator](): Iterator<ChunkRun> {
    return this.#chunks[Symbol.iterator]();
  }

  /** An item has its result; {@linkcode WorkerItems.allDone} is called when no more of them are there. `false` if it is a Task, or nobody wants it. */
  done(
    run: ChunkRun,
    task: number,
    value: EncodedValue,
    duration: number,
    startedAt: number,
  ): boolean {
    if (run !== this.#taken) {
      this.allDone();
      this.#taken = run;
    }
    this.#count++;
    this.#time += duration;
    const index = task - run.sent - 1 + run.begin;
    const isItem = run.chunk.settle(index, value, duration, startedAt);
    if (isItem) this.#settled++;
    return isItem;
  }

  /** What is to be done for all results together. */
  allDone(): void {
    const run = this.#taken;
    if (run === undefined) return;
    const settled = this.#settled;
    const duration = this.#time / this.#count;
    const count = this.#count;
    if (run.batch !== undefined) run.batch.steps += count;
    this.#taken = undefined;
    this.#count = 0;
    this.#time = 0;
    this.#settled = 0;
    this.#durations.learn(run.task.code, duration, count);
    if (settled === 0) return;
    run.chunk.settledTogether(settled, duration);
    this.#left(run, settled);
    if (!run.isDone) this.#lookAt(run);
  }

  /** Takes a message of an item that is no Task; whether that was all. If it is more than a result, it becomes one. */
  says(message: FromWorker & { readonly task: number }): boolean {
    if (this.#chunks.runOf(message.task) === undefined) return false;
    this.#worker.takeResults();
    const run = this.#chunks.runOf(message.task);
    const index = run?.indexOf(message.task);
    if (run === undefined || !run.chunk.isOpen(index!)) return false;
    if (
      message.type === "done" && message.status === "finished" &&
      !message.retire
    ) {
      const { task, value, timing } = message;
      const { duration, startedAt } = timing;
      this.done(run, task, fromWire(value), duration, startedAt);
      this.allDone();
      return true;
    }
    this.#makeTask(run, index!, true);
    return false;
  }

  /** An item becomes a Task of its own, that is running here. */
  #makeTask(run: ChunkRun, index: number, hasBegun: boolean): void {
    const item = this.#owner.itemAsRun(run, index, hasBegun);
    item.worker = this.#worker;
    item.batch = run.batch;
    item.cameWith = run.batch;
    item.batch!.left++;
    item.sent = run.sent + 1 + index - run.begin;
    item.chunk = run.sent;
    this.#running.set(item.sent, item);
    item.flag = this.#flags.lend(item.sent, run.sent);
    item.given();
    if (hasBegun) item.begun();
    this.#left(run);
  }

  /** Each of these becomes a Task. */
  makeTasks(run: ChunkRun): void {
    const items = [...run.open()]
      .map((index) => [index, this.hasBegun(run, index)] as const);
    for (const [index, hasBegun] of items) {
      this.#makeTask(run, index, hasBegun);
    }
  }

  /** Whether the worker has begun with an item, as far as that can be known. */
  hasBegun(run: ChunkRun, index: number): boolean {
    return this.#sharesMemory
      ? index < run.begin + this.#flags.begunOf(run.sent)
      : run.hasBegun && index <= run.next;
  }

  /** Says of the items that are next whether the worker has begun with them. */
  look(): void {
    for (const run of this.#chunks) this.#lookAt(run);
  }

  #lookAt(run: ChunkRun): void {
    const { next } = run;
    if (run.has(next) && this.hasBegun(run, next)) run.chunk.begin(next);
  }

  /** Each item becomes a Task. */
  makeAllTasks(): void {
    for (const run of this.#chunks) this.makeTasks(run);
  }

  /** Takes back the items that have not begun; a process has to be asked for that. */
  recall(batches?: ReadonlySet<Batch>): void {
    if (!this.#sharesMemory) return;
    this.#return(
      [...this.#chunks].filter((run) => isOf(batches, run))
        .map((run) => this.takeBack(run)),
    );
  }

  /** A process is lost: what it had not begun goes elsewhere. Of each batch one item at a time runs. */
  returnUnbegun(): void {
    const busy = new Set<Batch>();
    for (const { batch } of this.#running.values()) busy.add(batch!);
    const rests = [...this.#chunks].map((run) => {
      const isFirst = !busy.has(run.batch!);
      busy.add(run.batch!);
      if (isFirst && !run.hasBegun) run.lostUnbegun++;
      const hasBegun = isFirst &&
        (run.hasBegun || run.lostUnbegun > MOST_LOST_UNBEGUN);
      return this.#split(run, run.next + (hasBegun ? 1 : 0));
    });
    this.#return(rests);
  }

  /** A process says how many items of a chunk it has begun with: it takes up no more. */
  recalled(chunk: number, begun: number): void {
    const run = this.#chunks.get(chunk);
    if (run !== undefined) this.#return([this.#split(run, run.begin + begun)]);
  }

  #return(rests: readonly (ChunkRun | undefined)[]): void {
    // Each goes to the front of the queue: the last one first.
    for (const rest of [...rests].reverse()) {
      if (rest !== undefined) this.#owner.returned(rest);
    }
  }

  /** Lets what has not begun of these wait again; whether there is something. */
  return(run: ChunkRun): boolean {
    const rest = this.takeBack(run);
    if (rest !== undefined) this.#owner.returned(rest);
    return rest !== undefined;
  }

  /** Takes back what has not begun of these; `undefined` if there is nothing. */
  takeBack(run: ChunkRun): ChunkRun | undefined {
    const begun = this.#flags.takeBackItems(run.sent);
    return this.#split(
      run,
      begun === undefined ? run.end : run.begin + begun,
    );
  }

  /** Takes out what comes from that item on. */
  #split(run: ChunkRun, index: number): ChunkRun | undefined {
    const rest = run.splitAt(index);
    if (run.isDone) this.#leave(run);
    return rest;
  }

  /** The worker takes up an item of a chunk, the first of them. */
  chunkBegun(chunk: number): void {
    const run = this.#chunks.get(chunk);
    if (run === undefined) return;
    run.hasBegun = true;
    this.#lookAt(run);
  }

  /** The worker takes up no more items of a chunk. */
  chunkEnded(chunk: number): void {
    const run = this.#chunks.get(chunk);
    if (run !== undefined) {
      this.#return([
        this.#sharesMemory ? this.takeBack(run) : this.#split(run, run.next),
      ]);
    }
    this.#worker.release(chunk);
  }

  #left(run: ChunkRun, count = 1): void {
    run.leave(count);
    if (run.isDone) this.#leave(run);
  }

  /** No item of these is left that is no Task. */
  #leave(run: ChunkRun): void {
    const { batch } = run;
    if (batch === undefined) return;
    this.#chunks.delete(run);
    run.batch = undefined;
    run.worker = undefined;
    this.#owner.itemsLeft(run);
    this.#worker.leaveBatch(run, batch);
  }
}
