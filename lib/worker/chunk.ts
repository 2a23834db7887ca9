/**
 * Items of `hi.map` in a worker, many in one message.
 *
 * @module
 */

import type { JobContext, ProgramPort, RunningJob } from "../current.ts";
import { NoCurrentJobError } from "../errors.ts";
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
  readonly #isKnown: boolean;

  /** The item of that index, or one of which no more than its function is known. */
  constructor(chunk: ChunkMessage, index: number, isKnown = true) {
    this.#chunk = chunk;
    this.#index = index;
    this.#isKnown = isKnown;
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
    if (!this.#isKnown) {
      throw new NoCurrentJobError(
        `Cannot tell which job of ${this.name} ${this.version} this is as it has ended: ask before its function returns, or await what it starts`,
      );
    }
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
 * An item while its function is called, and then the next one: to make an async context
 * takes longer than to run a short function, so items share one as long as they want
 * nothing of what a job can have. The first wish makes a job like all others of the item
 * that has it; what comes after that one has another context.
 */
export class LightItem implements RunningJob {
  /** When its function was called, as `performance.now()` tells; of one that is not measured, a moment before that. */
  start = 0;
  /** Whether its function has returned, and its result is on its way. */
  hasEnded = false;
  readonly #chunk: ChunkMessage;
  readonly #host: ItemHost;
  readonly #wished: () => void;
  /** How many items there were before it in the same context. */
  #before = -1;
  #index: number;
  #invocation: Invocation | undefined;

  /** Begins before the item of that index; calls `wished` with the first wish. */
  constructor(
    chunk: ChunkMessage,
    index: number,
    host: ItemHost,
    wished: () => void,
  ) {
    this.#chunk = chunk;
    this.#index = index - 1;
    this.#host = host;
    this.#wished = wished;
  }

  /** Becomes the next item, whose function is called at that time. */
  next(start: number): void {
    this.#index++;
    this.#before++;
    this.start = start;
    this.hasEnded = false;
  }

  /** Its place in the chunk. */
  get index(): number {
    return this.#index;
  }

  /** Its number. */
  get task(): number {
    return this.#chunk.chunk + 1 + this.#index;
  }

  /**
   * The item as a Task. Who wishes for something when the items of a context have ended
   * may be any of them: so the arguments of none are told.
   */
  get message(): ChunkItem {
    const isKnown = !this.hasEnded || this.#before === 0;
    return new ChunkItem(this.#chunk, this.#index, isKnown);
  }

  /** The arguments, if they are as simple as they mostly are. */
  get values(): unknown[] | undefined {
    const { bytes, ends } = this.#chunk;
    return readSmallArguments(
      bytes,
      ends[this.#index - 1] ?? 0,
      ends[this.#index]!,
    );
  }

  /** Itself. */
  get job(): this {
    return this;
  }

  /** Whether it is asked how long it takes. */
  get isMeasured(): boolean {
    return this.#chunk.measured;
  }

  /** Whether it is no job. */
  get isPlain(): boolean {
    return this.#invocation === undefined;
  }

  /** Makes a job of it, if it is none. */
  spellOut(): Invocation {
    return this.#invocation ??= this.#host.spellOut(this);
  }

  /** The job that it is, made with the first wish. */
  get invocation(): Invocation {
    if (this.isPlain) this.#wished();
    return this.spellOut();
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
