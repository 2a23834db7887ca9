/**
 * Items of `hi.map` and jobs on their way through the pool, many at a time.
 *
 * @module
 */

import type { ItemChunk } from "../../item_chunk.ts";
import type { JobChunk } from "../../job_chunk.ts";
import type { QueuePlace } from "../../queue.ts";
import type { Task } from "../../task.ts";
import type { Needs } from "./connection.ts";
import type { Batch, QueuedRun } from "./pool_run.ts";
import type { PoolWorker } from "./pool_worker.ts";

/** What the pool wants to know of items that wait. */
export type WaitingTask = Pick<
  Task,
  "name" | "version" | "code" | "timed" | "depth" | "priority"
>;

/** What goes to workers many at a time; each of them is called an item here. */
export type Chunk = ItemChunk | JobChunk;

/** Some items of a chunk, one after the other, where they are. */
export class ChunkRun {
  readonly chunk: Chunk;
  /** What they have in common. */
  readonly task: WaitingTask;
  /** What they need of their worker. */
  readonly needs: Needs;
  /** Their place in the queue, while they wait. */
  place: QueuePlace<QueuedRun> | undefined;
  /** Their worker, while it has them. */
  worker: PoolWorker | undefined;
  /** With what they came to their worker, and what of them has become Tasks. */
  batch: Batch | undefined;
  /** Their number among all that their worker was sent; more than 0 if they were in a worker before. */
  sent = 0;
  /** How deep they stand: no job has submitted them. */
  readonly slotDepth = 0;
  /** Whether others were taken back that came with them. */
  isShortened = false;
  /** Whether they went to their worker in a message, and not through shared memory. */
  isPosted = false;
  /** Whether a process has said that it takes up the first of them. */
  hasBegun = false;
  /** How many processes were lost that had them and had not begun. */
  lostUnbegun = 0;
  #begin: number;
  #end: number;
  /** How many have neither a result nor a Task of their own. */
  #left: number;

  /** The items of a chunk from `begin` to before `end`. */
  constructor(chunk: Chunk, begin: number, end: number, needs: Needs) {
    this.chunk = chunk;
    this.needs = needs;
    this.#begin = begin;
    this.#end = end;
    this.#left = end - begin;
    const { definition: { name, version, code }, options: { priority } } =
      chunk;
    this.task = { name, version, code, priority, depth: 0, timed: false };
  }

  /** The first of them. */
  get begin(): number {
    return this.#begin;
  }

  /** Before which item they end. */
  get end(): number {
    return this.#end;
  }

  /** Whether each of them has a result or is a Task of its own. */
  get isDone(): boolean {
    return this.#left === 0;
  }

  /** How many of them have neither. */
  get left(): number {
    return this.#left;
  }

  /** The first that is still open, of items that have ended one after the other. */
  get next(): number {
    return this.#end - this.#left;
  }

  /** The items that are still open. */
  *open(): Generator<number> {
    for (let i = this.#begin; i < this.#end; i++) {
      if (this.chunk.isOpen(i)) yield i;
    }
  }

  /** The item with that number among all that its worker was sent; `undefined` if it is none of these. */
  indexOf(task: number): number | undefined {
    const index = this.#begin + task - this.sent - 1;
    return this.has(index) ? index : undefined;
  }

  /** So many of them have a result, or are Tasks of their own. */
  leave(count: number): void {
    this.#left -= count;
  }

  /** Whether an item is one of them. */
  has(index: number): boolean {
    return index >= this.#begin && index < this.#end;
  }

  /** An item was added at the end of the chunk, and of these. */
  grow(): void {
    this.#end++;
    this.#left++;
  }

  /** Parts with the next ones, `most` at most, while they wait; `undefined` if no item is left. */
  takeFirst(most: number): ChunkRun | undefined {
    const { chunk } = this;
    let begin = this.#begin;
    while (begin < this.#end && !chunk.isOpen(begin)) begin++;
    let end = begin;
    const last = Math.min(this.#end, begin + most);
    while (end < last && chunk.isOpen(end)) end++;
    this.#left -= end - this.#begin;
    this.#begin = end;
    if (end === begin) return undefined;
    return this.#part(begin, end);
  }

  /** Parts with those from `index` on; `undefined` if there are none. */
  splitAt(index: number): ChunkRun | undefined {
    if (index >= this.#end) return undefined;
    const rest = this.#part(index, this.#end);
    this.#left -= this.#end - index;
    this.#end = index;
    this.isShortened = true;
    return rest;
  }

  #part(begin: number, end: number): ChunkRun {
    const part = new ChunkRun(this.chunk, begin, end, this.needs);
    part.sent = this.sent;
    part.lostUnbegun = this.lostUnbegun;
    return part;
  }
}
