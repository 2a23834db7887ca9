/**
 * A Task of a batch that has come through shared memory.
 *
 * @module
 */

import { readSmallArguments } from "../value/small.ts";
import type {
  FunctionMessage,
  RunMessage,
  WireCode,
  WireValue,
} from "./protocol.ts";
import type { RequestBatch } from "./requests.ts";

/** A Task as it came with others through shared memory. */
export class RequestedRun implements RunMessage {
  readonly type = "run";
  readonly task: number;
  readonly #batch: RequestBatch;
  readonly #index: number;
  readonly #fn: FunctionMessage;

  constructor(batch: RequestBatch, index: number, fn: FunctionMessage) {
    this.task = batch.task(index);
    this.#batch = batch;
    this.#index = index;
    this.#fn = fn;
  }

  get key(): undefined {
    return undefined;
  }

  get name(): string {
    return this.#fn.name;
  }

  get version(): string {
    return this.#fn.version;
  }

  get code(): WireCode {
    return this.#fn.code;
  }

  get list(): WireValue {
    const { bytes } = this.#batch;
    const start = this.#batch.start(this.#index);
    const end = this.#batch.end(this.#index);
    return { bytes: bytes.subarray(start, end), leaves: NO_VALUES };
  }

  /** The arguments, if they are as simple as they mostly are. */
  get values(): unknown[] | undefined {
    const { bytes } = this.#batch;
    const start = this.#batch.start(this.#index);
    return readSmallArguments(bytes, start, this.#batch.end(this.#index));
  }

  get upstream(): readonly WireValue[] {
    return NO_VALUES;
  }

  get digest(): boolean {
    return this.#batch.digest(this.#index);
  }

  get timed(): boolean {
    return false;
  }

  /** The code is here already. */
  get importTimeout(): undefined {
    return undefined;
  }

  get flag(): number {
    return this.#batch.flag(this.#index);
  }
}

const NO_VALUES: readonly never[] = [];
