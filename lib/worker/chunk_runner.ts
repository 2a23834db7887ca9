/**
 * How a worker takes up the items of chunks.
 *
 * @module
 */

import { runAs } from "../current.ts";
import { smallResult, SmallValue } from "../value/small.ts";
import { damageBy } from "./builtins.ts";
import { beginItem, ChunkItem, type ItemHost, LightItem } from "./chunk.ts";
import { callFunction, decodeArguments } from "./execute.ts";
import { areIntact, isWayOfItemsIntact } from "./intact.ts";
import type { UserFunction } from "./load.ts";
import type { ChunkMessage, FromWorker, RunMessage } from "./protocol.ts";
import type { ResultWriter } from "./result_writer.ts";
import { fromWire } from "./wire.ts";
import type { WorkerRun } from "./worker_run.ts";

/** After how many items of a chunk all builtins are looked at: that takes as long as a short item. */
const MEND_EVERY = 8;

/** From when `performance.now()` counts; to ask for it takes as long as to run a short job. */
const TIME_ORIGIN = performance.timeOrigin;

/** The worker, as far as chunks need it. */
export interface ChunkHost extends ItemHost {
  /** Whether it takes up nothing more. */
  readonly retires: boolean;
  /** The function of a Task, where that can be said at once. */
  find(
    task: Pick<RunMessage, "code" | "name" | "version">,
  ): UserFunction | undefined;
  /** Calls the function of a Task that was taken up. */
  begun(message: RunMessage, together: boolean): WorkerRun;
  /** The Task with that number, while it is here. */
  runOf(task: number): WorkerRun | undefined;
  /** Sends a message. */
  send(message: FromWorker): void;
}

/** Runs chunks. */
export class ChunkRunner {
  readonly #host: ChunkHost;
  readonly #flags: Int32Array;
  readonly #results: ResultWriter;
  /** The chunks that are here, until their last item has left. */
  readonly #chunks = new Map<number, Promise<void>>();
  /** When the last item has ended, or something else: the next one begins with that. */
  #now = 0;

  /** Makes it for a worker. */
  constructor(host: ChunkHost, flags: Int32Array, results: ResultWriter) {
    this.#host = host;
    this.#flags = flags;
    this.#results = results;
  }

  /** Takes up a chunk, after the one whose turn comes before. */
  async take(message: ChunkMessage): Promise<void> {
    const { chunk, after } = message;
    const before = after === undefined ? undefined : this.#chunks.get(after);
    const running = this.#runAfter(before, message);
    this.#chunks.set(chunk, running);
    await running;
    this.#chunks.delete(chunk);
  }

  async #runAfter(
    before: Promise<void> | undefined,
    message: ChunkMessage,
  ): Promise<void> {
    if (before !== undefined) await before;
    await this.#run(message);
  }

  /** Takes up the items of a chunk, until its sender takes the rest back. */
  async #run(chunk: ChunkMessage): Promise<void> {
    const host = this.#host;
    const { flag, ends } = chunk;
    let fn = host.find(chunk);
    this.#now = performance.now();
    for (let i = 0; i < ends.length; i++) {
      if (host.retires || !beginItem(this.#flags, flag, i)) break;
      const item = new ChunkItem(chunk, i);
      const run = fn === undefined
        ? host.begun(item, true)
        : this.#call(item, fn, this.#now, i % MEND_EVERY === 0);
      if (run !== undefined && !run.hasLeft) {
        this.#results.tell();
        await run.leaving();
        fn = host.find(chunk);
        this.#now = performance.now();
      }
    }
    if (this.#results.writeDone(chunk.chunk)) return;
    host.send({ type: "chunkDone", chunk: chunk.chunk });
  }

  /** Calls a function for an item, at this time; gives its Task, if it has become one. */
  #call(
    message: ChunkItem,
    fn: UserFunction,
    start: number,
    looksAtAll: boolean,
  ): WorkerRun | undefined {
    const values = message.values ?? listOf(message);
    // It fails, as a job does.
    if (values === undefined) return this.#host.begun(message, true);
    const item = new LightItem(message, start, this.#host);
    let result: unknown;
    try {
      result = runAs(item, callFunction, fn, values);
    } catch (error) {
      const damage = damageBy(`${message.name} ${message.version}`);
      if (damage === undefined) item.invocation.threw(error);
      else item.invocation.fail(damage);
      return undefined;
    }
    this.#now = performance.now();
    const isIntact = looksAtAll ? areIntact() : isWayOfItemsIntact();
    if (isIntact && item.isPlain && this.#done(item, result)) {
      return undefined;
    }
    const damage = damageBy(`${message.name} ${message.version}`);
    if (damage === undefined) item.invocation.returned(result);
    else item.invocation.fail(damage);
    return this.#host.runOf(message.task);
  }

  /** Writes the result of an item into shared memory, if it is one of a few bytes; whether it did. */
  #done(item: LightItem, result: unknown): boolean {
    const text = smallResult(result);
    if (text === undefined) return false;
    const duration = this.#now - item.start;
    const { message: { task } } = item;
    const value = new SmallValue(text);
    const startedAt = Math.floor(TIME_ORIGIN + item.start);
    if (
      !this.#results.write(task, value, undefined, startedAt, duration, true)
    ) return false;
    item.hasEnded = true;
    return true;
  }
}

/** The arguments of an item; `undefined` if they cannot be decoded. */
function listOf({ list }: ChunkItem): unknown[] | undefined {
  try {
    return decodeArguments({ list: fromWire(list), upstream: NO_VALUES });
  } catch {
    return undefined;
  }
}

const NO_VALUES: readonly never[] = [];
