/**
 * Items of `hi.map` that travel together. As long as nothing is the matter with an
 * item it is no job: its arguments are some bytes among others, and its result is all
 * that comes back. It becomes a job, in the place where it runs, as soon as more is to
 * be known of it: it prints, reports, submits jobs, fails, or is to stop.
 *
 * @module
 */

import type { ChunkedItems } from "./chunked_items.ts";
import type { Settled } from "./direct_handler.ts";
import { type Job, makeJob } from "./job.ts";
import { type JobOptions, JobState } from "./job_state.ts";
import type { FunctionDefinition } from "./registry.ts";
import { takeOver } from "./handed_jobs.ts";
import type { Task } from "./task.ts";
import type { EncodedValue } from "./value/encoded.ts";

/** Some items of one `hi.map`, in their order. */
export class ItemChunk {
  /** All items to which these belong. */
  readonly items: ChunkedItems;
  /** How many there are. */
  readonly count: number;
  /** Nobody asks how long one of them has taken. */
  readonly isMeasured = false;
  /** The argument lists of these and of others, one after the other. */
  readonly #bytes: Uint8Array<ArrayBuffer>;
  /** Where each of them ends. */
  readonly #ends: readonly number[];
  /** The number of the first of these among those. */
  readonly #first: number;
  /** `null` in place of one that was taken. */
  readonly #results: (EncodedValue | number | null | undefined)[];
  #jobs: Map<number, Job<unknown>> | undefined;
  /** How many have neither a result nor a job. */
  #open: number;
  /** How many were taken. */
  #taken = 0;
  /** Those that have finished, in that order, where they are taken in it. */
  readonly #finished: number[] | undefined;

  /** The items from `first` to before `end` of those whose arguments are in `bytes`. */
  constructor(
    items: ChunkedItems,
    bytes: Uint8Array<ArrayBuffer>,
    ends: readonly number[],
    first: number,
    end: number,
  ) {
    this.items = items;
    this.#bytes = bytes;
    this.#ends = ends;
    this.#first = first;
    this.count = end - first;
    this.#open = this.count;
    this.#results = new Array(this.count);
    this.#finished = items.isOrdered ? undefined : [];
  }

  get definition(): FunctionDefinition {
    return this.items.definition;
  }

  get options(): JobOptions {
    return this.items.options;
  }

  /** How many items have neither a result nor a job. */
  get open(): number {
    return this.#open;
  }

  /** Whether no item is left to be taken. */
  get isTaken(): boolean {
    return this.#taken === this.count;
  }

  /** The argument lists from item `begin` to before item `end`, and where each ends. */
  argumentsOf(
    begin: number,
    end: number,
  ): { bytes: Uint8Array<ArrayBuffer>; ends: Uint32Array<ArrayBuffer> } {
    const start = this.#startOf(begin);
    const ends = new Uint32Array(end - begin);
    for (let i = 0; i < ends.length; i++) {
      ends[i] = this.#startOf(begin + i + 1) - start;
    }
    return { bytes: this.#bytes.slice(start, this.#startOf(end)), ends };
  }

  /** Whether an item has neither a result nor a job. */
  isOpen(index: number): boolean {
    return this.#open > 0 && this.#results[index] === undefined &&
      this.#jobs?.has(index) !== true;
  }

  /** A worker is given items; nobody asks. */
  give(): void {}

  /** A worker has begun with an item; nobody asks. */
  begin(): void {}

  /** An item has its result; whether it was open. */
  settle(index: number, value: EncodedValue | number): boolean {
    if (!this.isOpen(index)) return false;
    this.#results[index] = value;
    this.#finished?.push(index);
    return true;
  }

  /** So many items have their results, each after `duration` ms. */
  settledTogether(count: number, duration: number): void {
    this.items.settled(this, count, duration);
    this.#close(count);
  }

  /** An item becomes a job: its Task, and whom to tell what becomes of it. */
  becomeTask(index: number): [Task, Settled] {
    const { definition, options, scope } = this.items;
    const state = new JobState(definition, options, scope, false);
    const job = makeJob<unknown>(state);
    (this.#jobs ??= new Map()).set(index, job);
    const { bytes } = this.argumentsOf(index, index + 1);
    const taken = takeOver(state, { bytes, leaves: NO_LEAVES });
    state.onSettled(() => {
      if (state.status === "finished") this.#finished?.push(index);
      this.items.jobSettled(this, job);
    });
    this.#close();
    return taken;
  }

  /** The item whose turn it is, if it has finished: its result, or its job. */
  take(): EncodedValue | number | Job<unknown> | undefined {
    const index = this.#finished === undefined
      ? this.#taken
      : this.#finished[this.#taken];
    if (index === undefined) return undefined;
    const value = this.#results[index];
    if (value !== undefined && value !== null) {
      this.#taken++;
      // A number holds nothing.
      if (typeof value !== "number") this.#results[index] = null;
      return value;
    }
    const job = this.#jobs?.get(index);
    if (job?.status !== "finished") return undefined;
    this.#taken++;
    return job;
  }

  /** Cancels what has not finished. */
  cancel(reason: unknown): void {
    // What runs becomes a job by this.
    this.items.runner.withdraw(this);
    for (const job of this.#jobs?.values() ?? []) job.cancel(reason);
    while (this.#open > 0) {
      this.items.scope.leave("cancelled", false);
      this.#close();
    }
  }

  /** Where the argument list of an item begins. */
  #startOf(index: number): number {
    return this.#ends[this.#first + index - 1] ?? 0;
  }

  /** So many items less have neither a result nor a job. */
  #close(count = 1): void {
    this.#open -= count;
    if (this.#open === 0) this.items.closed(this);
  }
}

const NO_LEAVES: readonly never[] = [];
