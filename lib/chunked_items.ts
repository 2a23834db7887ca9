/**
 * The items of one `hi.map` over a quick function, as long as nobody asks for more
 * than their results: they go to the workers in chunks, and are no jobs of their own.
 *
 * @module
 */

import { isDryRun } from "./cache/job_cache.ts";
import { noteSurvival } from "./crashes.ts";
import { explainHook } from "./explain_hook.ts";
import { functionInfoOf } from "./function_info.ts";
import { inFlight } from "./in_flight.ts";
import { ItemChunk } from "./item_chunk.ts";
import type { Job } from "./job.ts";
import {
  asksMore,
  type JobOptions,
  type JobState,
  stateOf,
} from "./job_state.ts";
import type { ResolvedOptions } from "./config.ts";
import { JobCancelledError } from "./errors.ts";
import {
  interruptionReason,
  noteElsewhere,
  outstandingItems,
} from "./outstanding.ts";
import type { FunctionDefinition } from "./registry.ts";
import { isWorker } from "./role.ts";
import type { Scope } from "./scope.ts";
import { storeOf } from "./store_of.ts";
import { encodeValue } from "./value/encode.ts";
import { Output } from "./value/output.ts";
import { smallArguments, writeSmallArguments } from "./value/small.ts";
import { newTransfers } from "./value/transfer.ts";

/** How long the items of a chunk are to take together, in ms. */
const TIME_TOGETHER = 4;

/** How many items travel together at most. */
const MOST_TOGETHER = 512;

/** How many bytes the arguments of one item may have, and what waits to be sent about. */
const MOST_BYTES = 8_192;
const MOST_BYTES_WAITING = 65_536;

/** How much the last item counts for how long one takes. */
const WEIGHT = 1 / 16;

/** How many times longer than others an item may be thought to take, and the least that one does, in ms. */
const LONGEST = 4;
const LEAST = 0.001;

/** Runs chunks: a pool of workers. */
export interface ChunkRunner {
  /** How many jobs it runs at a time. */
  readonly slots: number;
  /** Runs a chunk when a worker is free. */
  accept(chunk: ItemChunk): void;
  /** Takes out what has not begun of a chunk; what runs of it becomes a job. */
  withdraw(chunk: ItemChunk): void;
}

/** Is told of the items of one `hi.map`. */
export interface ItemListener {
  /** Whether results are taken in the order of the items. */
  readonly isOrdered: boolean;
  /** Items that were taken in are on their way. */
  sent(chunk: ItemChunk): void;
  /** So many items have their results, each after `duration` ms. */
  settled(chunk: ItemChunk, count: number, duration: number): void;
  /** An item that is a job has settled. */
  jobSettled(chunk: ItemChunk, job: Job<unknown>): void;
  /** All items that have not finished are cancelled. */
  cancelled(error: JobCancelledError): void;
}

/** The items of one `hi.map` that are no jobs. */
export class ChunkedItems {
  readonly definition: FunctionDefinition;
  readonly options: JobOptions;
  readonly scope: Scope<ResolvedOptions>;
  readonly runner: ChunkRunner;
  readonly #listener: ItemListener;
  /** The argument lists of the items that wait to be sent, and where each ends. */
  readonly #waiting = new Output();
  #ends: number[] = [];
  /** Those with items that have neither a result nor a job. */
  readonly #open = new Set<ItemChunk>();
  /** How long an item takes, in ms. */
  #duration: number;
  /** How many items may travel together. */
  #most: number;
  /** The last chunk of which an item was seen to leave its worker alive. */
  #survivor: ItemChunk | undefined;

  /** Items like that of the job `first`, which took `duration` ms. */
  constructor(
    first: JobState,
    duration: number,
    runner: ChunkRunner,
    listener: ItemListener,
  ) {
    this.definition = first.definition;
    this.options = first.options;
    this.scope = first.scope;
    this.runner = runner;
    this.#duration = duration;
    this.#most = mostTogether(duration);
    this.#listener = listener;
  }

  /** Whether results are taken in the order of the items. */
  get isOrdered(): boolean {
    return this.#listener.isOrdered;
  }

  /** How many have neither a result nor a job. */
  get size(): number {
    let size = this.#ends.length;
    for (const chunk of this.#open) size += chunk.open;
    return size;
  }

  /** Takes in an item; `false` if it has to be a job. */
  add(item: unknown): boolean {
    // A slow one would hold up those that travel with it.
    if (this.#most < 2 || interruptionReason() !== undefined) return false;
    if (typeof item === "object" && newTransfers() !== undefined) return false;
    const args = item === undefined ? [] : [item];
    if (this.options.cache && !inFlight.isEmpty && isInFlight(this, args)) {
      return false;
    }
    if (!writeSmallArguments(this.#waiting, args)) {
      const bytes = plainArguments(args);
      if (bytes === undefined) return false;
      this.#waiting.raw(bytes);
    }
    this.#ends.push(this.#waiting.length);
    this.scope.enter();
    if (this.#waiting.length >= MOST_BYTES_WAITING) this.send();
    return true;
  }

  /** Sends what was taken in, unless all workers have something and more may come to travel with it. */
  sendSome(): void {
    if (this.#open.size < this.runner.slots) this.send();
  }

  /** Sends what was taken in. */
  send(): void {
    const ends = this.#ends;
    const count = ends.length;
    if (count === 0) return;
    const bytes = this.#waiting.copy();
    this.#waiting.clear();
    this.#ends = [];
    if (this.#open.size === 0) {
      outstandingItems.add(this);
      noteElsewhere(1);
    }
    const size = Math.min(
      Math.ceil(count / this.runner.slots),
      Math.max(1, this.#most),
    );
    const chunks: ItemChunk[] = [];
    for (let at = 0; at < count; at += size) {
      const end = Math.min(count, at + size);
      const chunk = new ItemChunk(this, bytes, ends, at, end);
      this.#open.add(chunk);
      chunks.push(chunk);
    }
    for (const chunk of chunks) {
      this.#listener.sent(chunk);
      this.runner.accept(chunk);
    }
  }

  /** Takes note of how long so many items took, each of them, in ms. */
  learn(duration: number, count = 1): void {
    // It may be that the thread was held up.
    const longest = Math.min(
      duration,
      LONGEST * Math.max(this.#duration, LEAST),
    );
    const weight = Math.min(1, WEIGHT * count);
    this.#duration += (longest - this.#duration) * weight;
    this.#most = mostTogether(this.#duration);
  }

  /** So many items have their results, each after `duration` ms. */
  settled(chunk: ItemChunk, count: number, duration: number): void {
    this.learn(duration, count);
    if (chunk !== this.#survivor) {
      this.#survivor = chunk;
      noteSurvival(this.definition);
    }
    this.scope.leave("finished", false, count);
    this.#listener.settled(chunk, count, duration);
  }

  /** An item that is a job has settled. */
  jobSettled(chunk: ItemChunk, job: Job<unknown>): void {
    this.#listener.jobSettled(chunk, job);
  }

  /** Every item of a chunk has a result or is a job. */
  closed(chunk: ItemChunk): void {
    this.#open.delete(chunk);
    if (this.#open.size < this.runner.slots) this.send();
    if (this.#open.size > 0) return;
    outstandingItems.delete(this);
    noteElsewhere(-1);
  }

  /** Cancels what has not finished, and says so. */
  cancel(reason: unknown): void {
    const { name, version } = this.definition;
    this.drop();
    for (const chunk of [...this.#open]) chunk.cancel(reason);
    this.#listener.cancelled(
      new JobCancelledError(`The job ${name} ${version} was cancelled`, {
        cause: reason,
      }),
    );
  }

  /** Cancels what was not sent. */
  drop(): void {
    for (const _ of this.#ends) this.scope.leave("cancelled", false);
    this.#ends = [];
    this.#waiting.clear();
  }
}

/** How many items may travel together that take so many ms each. */
function mostTogether(duration: number): number {
  return Math.min(MOST_TOGETHER, Math.floor(TIME_TOGETHER / duration));
}

/**
 * Items like that of the job `first`, which took `duration` ms; `undefined` if each of
 * them has to be a job.
 */
export function chunkedItems(
  first: JobState,
  duration: number,
  runner: ChunkRunner,
  listener: ItemListener,
): ChunkedItems | undefined {
  const { definition, options } = first;
  if (first.nested || isWorker() || isDryRun || explainHook !== undefined) {
    return undefined;
  }
  if (storeOf(first) !== undefined) return undefined;
  if (asksMore(options)) return undefined;
  if (functionInfoOf(first).keyVersion !== definition.version) return undefined;
  return new ChunkedItems(first, duration, runner, listener);
}

/** Whether such a job is under way, so that another one can share its run. */
function isInFlight(
  { definition }: ChunkedItems,
  args: readonly unknown[],
): boolean {
  const text = smallArguments(args);
  return text !== undefined && inFlight.find(definition, text) !== undefined;
}

/** An argument list as bytes, if it is data of no great size, without jobs and files. */
function plainArguments(
  args: readonly unknown[],
): Uint8Array<ArrayBuffer> | undefined {
  let hasJob = false;
  const job = (node: object): number | undefined => {
    if (stateOf(node) === undefined) return undefined;
    hasJob = true;
    return 0;
  };
  try {
    const { bytes, leaves, files } = encodeValue(args, {
      root: "args",
      job,
      inPlace: true,
    });
    const isPlain = !hasJob && leaves.length === 0 && files === undefined &&
      bytes.length <= MOST_BYTES;
    return isPlain ? bytes : undefined;
  } catch {
    // As a job it is refused, with the reason.
    return undefined;
  }
}
