/**
 * How a worker takes up the items of chunks.
 *
 * @module
 */

import { runAs } from "../current.ts";
import { smallResult, SmallValue } from "../value/small.ts";
import { damageBy } from "./builtins.ts";
import { beginItem, ChunkItem, type ItemHost, LightItem } from "./chunk.ts";
import { callFunction, decodeArguments, isPromise } from "./execute.ts";
import { enteredContexts } from "./entered_contexts.ts";
import { areIntact, isWayOfItemsIntact } from "./intact.ts";
import type { UserFunction } from "./load.ts";
import type { ChunkMessage, FromWorker, RunMessage } from "./protocol.ts";
import type { ResultWay } from "./result_writer.ts";
import { fromWire } from "./wire.ts";
import type { WorkerRun } from "./worker_run.ts";

/** After how many items of a chunk all builtins are looked at: that takes as long as a short item. */
const MEND_EVERY = 8;

/** Items that take no longer than this, in ms, are measured so many together: the clock takes as long as a short one. */
const SHORT = 0.005;
const MEASURED_TOGETHER = 8;

/** No more items of a chunk are taken up. */
const END = Symbol("end");

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
  readonly #results: ResultWay;
  /** The chunks that are here, until their last item has left. */
  readonly #chunks = new Map<number, Promise<void>>();
  /**
   * The functions of which an item has wished for something, or has gone on after it had returned:
   * each of theirs has a context of its own, so that nothing is taken for another's.
   */
  readonly #wishing = new WeakSet<UserFunction>();
  /** When the last item that was measured has ended, or something else: the next one begins with that. */
  #now = 0;
  /** How many items are called without a look at the clock, and how many there were. */
  #unmeasured = 0;
  #passed = 0;

  /** Makes it for a worker. */
  constructor(host: ChunkHost, flags: Int32Array, results: ResultWay) {
    this.#host = host;
    this.#flags = flags;
    this.#results = results;
  }

  /** A function goes on after it has returned. */
  goesOn(fn: UserFunction): void {
    this.#wishing.add(fn);
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
    const count = chunk.ends.length;
    for (let i = 0; i < count; i++) {
      const fn = host.find(chunk);
      this.#now = performance.now();
      this.#unmeasured = this.#passed = 0;
      let run: WorkerRun | undefined | typeof END;
      if (fn === undefined) run = this.#begin(chunk, i);
      else {
        const wished = () => this.#wishing.add(fn);
        const item = new LightItem(chunk, i, host, wished);
        run = runAs(item, this.#call, fn, { chunk, item });
        i = item.index;
      }
      if (run === END) break;
      if (run === undefined || run.hasLeft) continue;
      this.#results.tell();
      await run.leaving();
    }
    if (this.#results.writeDone(chunk.chunk)) return;
    host.send({ type: "chunkDone", chunk: chunk.chunk });
  }

  /** Whether no chunk is here. */
  get isIdle(): boolean {
    return this.#chunks.size === 0;
  }

  /** Takes up an item, unless its sender has taken it back. */
  #takes({ chunk, flag }: ChunkMessage, index: number): boolean {
    if (this.#host.retires || !beginItem(this.#flags, flag, index)) {
      return false;
    }
    if (index === 0) this.#results.writeBegun(chunk);
    return true;
  }

  /** Takes up an item whose function is not known. */
  #begin(chunk: ChunkMessage, index: number): WorkerRun | typeof END {
    return this.#takes(chunk, index)
      ? this.#host.begun(new ChunkItem(chunk, index), true)
      : END;
  }

  /**
   * Calls a function for one item after the other, as long as they can share a context;
   * gives what the last of them has become if that is a Task, and {@linkcode END} if no more are taken up.
   */
  readonly #call = (
    fn: UserFunction,
    { chunk, item }: { chunk: ChunkMessage; item: LightItem },
  ): WorkerRun | undefined | typeof END => {
    const count = chunk.ends.length;
    const isAlone = this.#wishing.has(fn);
    enteredContexts.reset();
    do {
      if (!this.#takes(chunk, item.index + 1)) return END;
      item.next(this.#now);
      const run = this.#callOnce(fn, item);
      if (run !== undefined || !item.isPlain) return run;
    } while (!isAlone && item.index + 1 < count && !enteredContexts.any);
    return undefined;
  };

  /** Calls a function for an item; gives its Task, if it has become one. */
  #callOnce(fn: UserFunction, item: LightItem): WorkerRun | undefined {
    const values = item.values ?? listOf(item.message);
    // It fails, as a job does.
    if (values === undefined) return this.#host.begun(item.message, true);
    let result: unknown;
    try {
      result = callFunction(fn, values);
    } catch (error) {
      const damage = this.#damageOf(item);
      if (damage === undefined) item.spellOut().threw(error);
      else item.spellOut().fail(damage);
      return undefined;
    }
    const duration = this.#measure(item);
    const isIntact = item.index % MEND_EVERY === 0
      ? areIntact()
      : isWayOfItemsIntact();
    if (isIntact && item.isPlain && this.#done(item, result, duration)) {
      return undefined;
    }
    if (isPromise(result)) this.goesOn(fn);
    const damage = this.#damageOf(item);
    if (damage === undefined) item.spellOut().returned(result);
    else item.spellOut().fail(damage);
    return this.#host.runOf(item.task);
  }

  #damageOf({ message: { name, version } }: LightItem): Error | undefined {
    return damageBy(`${name} ${version}`);
  }

  /** How long an item has taken, in ms, with those before it that were not measured; 0 if it is none that is measured. */
  #measure({ isMeasured }: LightItem): number {
    if (this.#passed < this.#unmeasured) {
      this.#passed++;
      return 0;
    }
    const now = performance.now();
    const duration = now - this.#now;
    const isShort = duration <= SHORT * (1 + this.#passed);
    this.#unmeasured = isShort && !isMeasured ? MEASURED_TOGETHER - 1 : 0;
    this.#passed = 0;
    this.#now = now;
    return duration;
  }

  /** Writes the result of an item into shared memory, if it is one of a few bytes; whether it did. */
  #done(item: LightItem, result: unknown, duration: number): boolean {
    const value = typeof result === "number" ? result : smallOf(result);
    if (value === undefined) return false;
    const startedAt = Math.floor(TIME_ORIGIN + item.start);
    const { task } = item;
    if (
      !this.#results.write(task, value, undefined, startedAt, duration, true)
    ) return false;
    item.hasEnded = true;
    return true;
  }
}

/** A result that is one of a few bytes. */
function smallOf(result: unknown): SmallValue | undefined {
  const text = smallResult(result);
  return text === undefined ? undefined : new SmallValue(text);
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
