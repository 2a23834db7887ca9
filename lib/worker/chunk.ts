/**
 * Items of `hi.map` in a worker, many in one message.
 *
 * @module
 */

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
