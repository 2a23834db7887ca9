/**
 * Items of `hi.map` in a worker, many in one message.
 *
 * @module
 */

import type { JobContext, ProgramPort, RunningJob } from "../current.ts";
import type { Invocation } from "./execute.ts";
import { readSmallArguments } from "../value/small.ts";
import {
  type ChunkMessage,
  Flag,
  type RunMessage,
  type WireCode,
  type WireValue,
} from "./protocol.ts";

/** An item of a chunk as a Task. */
export class ChunkItem implements RunMessage {
  readonly type = "run";
  readonly #chunk: ChunkMessage;
  readonly #index: number;

  /** The item of that index. */
  constructor(chunk: ChunkMessage, index: number) {
    this.#chunk = chunk;
    this.#index = index;
  }

  get task(): number {
    return this.#chunk.chunk + 1 + this.#index;
  }

  get key(): undefined {
    return undefined;
  }

  get name(): string {
    return this.#chunk.name;
  }

  get version(): string {
    return this.#chunk.version;
  }

  get code(): WireCode {
    return this.#chunk.code;
  }

  get list(): WireValue {
    const bytes = this.#chunk.bytes.subarray(this.#start, this.#end);
    return { bytes, leaves: NO_VALUES };
  }

  /** The arguments, if they are as simple as they mostly are. */
  get values(): unknown[] | undefined {
    return readSmallArguments(this.#chunk.bytes, this.#start, this.#end);
  }

  get upstream(): readonly WireValue[] {
    return NO_VALUES;
  }

  get digest(): boolean {
    return false;
  }

  get timed(): boolean {
    return false;
  }

  /** The code is here already. */
  get importTimeout(): undefined {
    return undefined;
  }

  get flag(): number {
    return this.#chunk.flag;
  }

  get #start(): number {
    return this.#chunk.ends[this.#index - 1] ?? 0;
  }

  get #end(): number {
    return this.#chunk.ends[this.#index]!;
  }
}

/** Where items are called. */
export interface ItemHost {
  /** Makes of an item a job like all others, whose function was called. */
  spellOut(item: LightItem): Invocation;
}

/**
 * An item while its function is called. Most want nothing of what a job can have; the
 * first wish makes a job of it like all others.
 */
export class LightItem implements RunningJob {
  readonly message: ChunkItem;
  /** When its function was called, as `performance.now()` tells. */
  readonly start: number;
  /** Whether its function has returned, and its result is on its way. */
  hasEnded = false;
  readonly #host: ItemHost;
  #invocation: Invocation | undefined;

  constructor(message: ChunkItem, start: number, host: ItemHost) {
    this.message = message;
    this.start = start;
    this.#host = host;
  }

  /** Itself. */
  get job(): this {
    return this;
  }

  /** Whether it has wished for nothing. */
  get isPlain(): boolean {
    return this.#invocation === undefined;
  }

  /** The job that it is, made with the first wish. */
  get invocation(): Invocation {
    return this.#invocation ??= this.#host.spellOut(this);
  }

  get context(): JobContext {
    return this.invocation.context;
  }

  get console(): Console {
    return this.invocation.console;
  }

  get port(): ProgramPort | undefined {
    return this.invocation.port;
  }

  get scope(): unknown {
    return this.#invocation?.scope;
  }

  set scope(scope: unknown) {
    this.invocation.scope = scope;
  }
}

/** Takes up the item of that index, unless the sender of its chunk has taken it back. */
export function beginItem(
  flags: Int32Array,
  flag: number,
  index: number,
): boolean {
  const before = Flag.ITEMS + index;
  return Atomics.compareExchange(flags, flag, before, before + 1) === before;
}

const NO_VALUES: readonly never[] = [];
