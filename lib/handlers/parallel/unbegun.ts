/**
 * What one worker was given and has not begun: it goes back when the worker does not
 * get on, is to stop, or is lost.
 *
 * @module
 */

import {
  Flag,
  type RecalledMessage,
  type ToWorker,
} from "../../worker/protocol.ts";
import type { ChunkRun } from "./chunk_run.ts";
import { type Batch, isOf, type PoolRun } from "./pool_run.ts";
import type { PoolWorker } from "./pool_worker.ts";
import type { PoolWorkerOwner } from "./pool_worker_owner.ts";
import { SentChunks } from "./sent_chunks.ts";
import type { TaskFlags } from "./task_flags.ts";
import type { WorkerContents } from "./worker_contents.ts";
import type { WorkerItems } from "./worker_items.ts";

/** How many workers may be killed before they begin, until their Task is told. */
const MOST_KILLED = 3;

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
  /** The chunks of a process. */
  readonly #chunks = new SentChunks();
  /** The last Task that a process was asked to give back, with all before it. */
  #lastRecalled = 0;
  /** The last one that a process had when it was looked at last. */
  #lastWatched = 0;

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

  /** The worker is lost, with cancelled Tasks that had begun or without: what it had not begun goes elsewhere. */
  returnAll(withCancelled: boolean): void {
    if (this.#sharesMemory) {
      this.#items.recall();
      return this.#return(this.#find());
    }
    this.#items.returnUnbegun();
    const runs = [...this.#running.values()];
    const isKnown = withCancelled || runs.some(({ hasBegun }) => hasBegun);
    const begun = new Set<Batch>();
    // It runs the Tasks of each batch in turn, and tells of each at once.
    this.#return(runs.filter((run) => {
      const isFirst = !begun.has(run.batch!);
      begun.add(run.batch!);
      return !isFirst || this.#isUnbegun(run, isKnown);
    }));
  }

  /** Whether a lost process had not begun with a Task whose turn it was; `isKnown` if it had with others. */
  #isUnbegun(run: PoolRun, isKnown: boolean): boolean {
    if (!run.isTold || run.hasBegun) return false;
    // It may be the import that has ended it.
    return this.#worker.has(run.task.code) ||
      isKnown && run.killedUnbegun++ < MOST_KILLED;
  }

  /** The worker was sent a chunk. */
  sent(chunk: number, count: number): void {
    if (!this.#sharesMemory) this.#chunks.add(chunk, count);
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
    if (batches === undefined) this.#lastRecalled = lastSent;
    this.#ask(
      [...this.#running.values()].filter((run) =>
        !this.#paused.has(run) && run.chunk === 0 && isOf(batches, run)
      ),
      [...this.#items].filter((run) => isOf(batches, run)),
    );
  }

  /** Asks a process to take up no more of these items, which become Tasks, nor of others, which would begin the sooner. */
  recallItems(run: ChunkRun): void {
    this.#ask([], [run, ...this.#items]);
  }

  /** Lets a Task wait again, unless the worker has begun it; whether it does. */
  takeBack(run: PoolRun): boolean {
    if (!this.#flags.takeBack(run.sent, Flag.RECALLED)) return false;
    this.#return([run]);
    return true;
  }

  /** Asks a process to give back what it would come to last. */
  recallLast(run: ChunkRun): void {
    this.#ask([], [run]);
  }

  /** Asks a process about the Tasks that have been there for a while and are only taken to have begun; whether there will be more to ask. */
  watch(): boolean {
    const before = this.#lastWatched;
    this.#lastWatched = this.#worker.lastSent;
    const tasks: number[] = [];
    let isWaiting = false;
    for (const run of this.#running.values()) {
      if (!run.isAssumed) continue;
      if (run.sent > before) isWaiting = true;
      else {
        run.isAssumed = false;
        tasks.push(run.sent);
      }
    }
    if (tasks.length > 0) this.#post({ type: "watch", tasks });
    return isWaiting;
  }

  /** Whether it is not known if a Task has begun, as it was an item: a process is asked for that now. */
  isUncertain({ chunk }: PoolRun): boolean {
    if (chunk === 0 || !this.#chunks.isOpen(chunk)) return false;
    this.#ask([], [{ sent: chunk }, ...this.#items]);
    return true;
  }

  #ask(
    runs: readonly PoolRun[],
    items: readonly Pick<ChunkRun, "sent">[],
  ): void {
    const tasks = runs.map(({ sent }) => sent);
    const chunks = this.#chunks.ask(items.map(({ sent }) => sent));
    if (tasks.length === 0 && chunks.length === 0) return;
    this.#post({ type: "recall", tasks, chunks });
  }

  /** A process has given back Tasks and items. */
  recalled({ tasks, chunks }: RecalledMessage): void {
    const runs: PoolRun[] = [];
    for (const task of tasks) {
      const run = this.#running.get(task);
      if (run === undefined) this.#worker.notBegun(task);
      else runs.push(run);
    }
    this.#return(runs);
    for (const { chunk, begun } of chunks) {
      this.#chunks.answered(chunk);
      this.#items.recalled(chunk, begun);
      for (let i = 1; i <= begun; i++) this.#worker.hasBegun(chunk + i);
      this.#returnItems(chunk, begun);
    }
  }

  /** A worker takes up no more items of a chunk, and has told of all that it had. */
  chunkEnded(chunk: number): void {
    this.#items.chunkEnded(chunk);
    this.#returnItems(chunk, 0);
    this.#chunks.delete(chunk);
  }

  /** Of those that were the items of a chunk, and are Tasks, a process has not begun with any after these. */
  #returnItems(chunk: number, begun: number): void {
    const count = this.#chunks.countOf(chunk);
    const runs: PoolRun[] = [];
    for (let task = chunk + begun + 1; task <= chunk + count; task++) {
      const run = this.#running.get(task);
      if (run !== undefined) runs.push(run);
      this.#worker.release(task);
      if (run === undefined) this.#worker.notBegun(task);
    }
    this.#return(runs);
  }

  /** Takes back what a worker whose memory is shared has not begun. */
  #find(batches?: ReadonlySet<Batch>): PoolRun[] {
    // What was moved to it is not here: that comes back from itself, or is lost.
    return [...this.#running.values()].filter((run) =>
      isOf(batches, run) && run.moved === undefined &&
      this.#flags.takeBack(run.sent, Flag.RECALLED)
    );
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
      run.neverBegan();
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
