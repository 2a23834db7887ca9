/**
 * What `hi.map` has outstanding: jobs, and items that travel in chunks and are none.
 *
 * @module
 */

import type { ChunkedItems, ItemListener } from "./chunked_items.ts";
import { runningJob } from "./current.ts";
import { itemsWayOf } from "./direct_handler.ts";
import type { ItemChunk } from "./item_chunk.ts";
import { Job } from "./job.ts";
import { type JobState, stateOf } from "./job_state.ts";
import type { MapOptions } from "./map.ts";
import type { ItemTaker } from "./map_source.ts";
import { noteSeen } from "./unseen_failures.ts";
import { decodeValue } from "./value/decode.ts";
import type { EncodedValue } from "./value/encoded.ts";
import { decodeSmall, SmallValue } from "./value/small.ts";

/** Jobs that take less than this are quick, in ms. */
const QUICK = 10;

/** What a hit counts for, in ms. */
const HIT = 1;

/** The least and the most that may be outstanding where nobody has said how much. */
const LEAST: number = 4 * navigator.hardwareConcurrency;
const MOST = 2_048;

/** An item that has finished. */
type Done<T> = Job<T> | EncodedValue | number;

/** What is outstanding or has a result that was not taken yet. */
export class MapJobs<T> implements ItemTaker, ItemListener {
  readonly #run: (item: unknown) => Job<T>;
  readonly #concurrency: number | undefined;
  readonly #chunk: number | undefined;
  /** In the order of the items. */
  readonly #all = new Set<Job<T> | ItemChunk>();
  /** The first of them, if somebody has looked. */
  #first: Job<T> | ItemChunk | undefined;
  /** Where the next finished items are, in the order in which they have finished; `undefined` where results keep the order of the items. */
  readonly #finished: (Job<T> | ItemChunk)[] | undefined;
  /** How many items were added and not taken. */
  #size = 0;
  #window: number = LEAST;
  /** How many may be outstanding now, and how few are left when more are taken in. */
  #most = 0;
  #few = 0;
  /** What takes items that need not be jobs: `null` if each has to be one, `undefined` as long as that is not known. */
  #items: ChunkedItems | null | undefined;
  #failed: { readonly error: unknown } | undefined;
  #stopped: { readonly reason: unknown } | undefined;
  #changed: PromiseWithResolvers<void> | undefined;
  /** Whether something has changed since somebody looked. */
  #isNews = false;

  /** Submits a job for an item with `run`. */
  constructor(
    run: (item: unknown) => Job<T>,
    { concurrency, chunk, ordered = true }: MapOptions,
  ) {
    this.#run = run;
    this.#concurrency = concurrency;
    this.#chunk = chunk;
    this.#finished = ordered ? undefined : [];
    this.#resize(LEAST);
  }

  get isOrdered(): boolean {
    return this.#finished === undefined;
  }

  /** Whether every item was taken. */
  get isEmpty(): boolean {
    return this.#size === 0;
  }

  /** Whether there are workers that do their work while results are taken. */
  get areAhead(): boolean {
    return this.#items !== undefined && this.#items !== null;
  }

  /** How many items to take in now: none as long as it is less than a chunk, or once the end has come. */
  get room(): number {
    if (this.#size > this.#few) return 0;
    if (this.#failed !== undefined || this.#stopped !== undefined) return 0;
    return this.#most - this.#size;
  }

  add(item: unknown): void {
    if (this.#items?.add(item)) {
      this.#size++;
      return;
    }
    // Those before it come before it.
    this.#items?.send();
    const job = this.#run(item);
    this.#size++;
    this.#all.add(job);
    const state = stateOf(job)!;
    noteSeen(state);
    if (state.isSettled) this.#settled(job, state);
    else state.onSettled(() => this.#settled(job, state));
  }

  added(more: boolean): void {
    if (more) this.#items?.sendSome();
    else this.#items?.send();
  }

  /** The item whose turn it is, if it has finished. */
  take(): Done<T> | undefined {
    this.#isNews = false;
    if (this.#stopped !== undefined) return undefined;
    const next = this.#finished === undefined
      ? this.#first ??= this.#all.values().next().value
      : this.#finished.shift();
    if (next === undefined) return undefined;
    if (next instanceof Job) {
      if (next.status !== "finished") return undefined;
      this.#size--;
      this.#delete(next);
      return next;
    }
    const done = next.take() as Done<T> | undefined;
    if (done === undefined) return undefined;
    this.#size--;
    if (next.isTaken) this.#delete(next);
    return done;
  }

  #delete(some: Job<T> | ItemChunk): void {
    this.#all.delete(some);
    this.#first = undefined;
  }

  /** The result of an item that has finished; computed again if it was in the cache and is lost. */
  resultOf(done: Done<T>): T | Promise<T> {
    if (typeof done === "number" || done instanceof SmallValue) {
      return decodeSmall(done, "result") as T;
    }
    if (!(done instanceof Job)) {
      return decodeValue(done, { root: "result" }) as T;
    }
    try {
      return done.getResult();
    } catch {
      return done.then();
    }
  }

  /** Throws what ends the iteration, if something does. */
  throwIfFailed(): void {
    if (this.#stopped !== undefined) throw this.#stopped.reason;
    if (this.#failed !== undefined) throw this.#failed.error;
  }

  /** Ends the iteration. */
  stop(reason: unknown): void {
    this.#stopped ??= { reason };
    this.wake();
  }

  /** Resolves when there is something to look at. */
  changed(): Promise<void> {
    if (this.#isNews) return Promise.resolve();
    const { promise } = this.#changed = Promise.withResolvers();
    // A running job that waits for its jobs is known to wait by this.
    if (runningJob() !== undefined) {
      const [oldest] = this.#all;
      if (oldest instanceof Job) oldest.then(this.wake, this.wake);
    }
    return promise;
  }

  readonly wake = (): void => {
    this.#isNews = true;
    this.#changed?.resolve();
    this.#changed = undefined;
  };

  /** Cancels what is outstanding. */
  cancel(): void {
    const reason = this.#stopped?.reason ??
      "The iteration over hi.map has ended";
    this.#items?.drop();
    for (const some of this.#all) some.cancel(reason);
  }

  sent(chunk: ItemChunk): void {
    this.#all.add(chunk);
  }

  settled(chunk: ItemChunk, count: number, duration: number): void {
    if (this.#finished !== undefined) {
      for (let i = 0; i < count; i++) this.#finished.push(chunk);
    }
    this.#adapt(duration, count);
    this.wake();
  }

  jobSettled(chunk: ItemChunk, job: Job<unknown>): void {
    const { status, timing } = job;
    if (status !== "finished") {
      this.#failed ??= job;
      this.wake();
    } else this.settled(chunk, 1, timing?.duration ?? 0);
  }

  cancelled(error: Error): void {
    this.#failed ??= { error };
    this.wake();
  }

  #settled(job: Job<T>, state: JobState): void {
    const { status, hit, outcome } = state;
    if (status !== "finished") this.#failed ??= job;
    else {
      this.#finished?.push(job);
      // Of a hit the time would have to be looked up, and says nothing of now.
      const duration = hit ? HIT : outcome!.timing.duration;
      this.#adapt(duration);
      if (!hit) this.#learn(state, duration);
    }
    this.wake();
  }

  /** More may be outstanding while jobs are quick, and all the sooner the quicker they are. */
  #adapt(duration: number, count = 1): void {
    if (duration >= QUICK) this.#resize(Math.max(LEAST, this.#window >> 1));
    else if (this.#window < MOST) {
      const more = count * Math.ceil(1 / Math.max(duration, 0.01));
      this.#resize(Math.min(MOST, this.#window + more));
    }
  }

  #resize(window: number): void {
    this.#window = window;
    const most = this.#concurrency ?? Math.max(window, this.#chunk ?? 1);
    this.#most = most;
    // Some that take long must not hold up the others.
    this.#few = most - Math.min(Math.ceil(most / 2), this.#chunk ?? Infinity);
  }

  /** With the first job it becomes known whether each item has to be one. */
  #learn(state: JobState, duration: number): void {
    if (this.#items === undefined) {
      const accept = itemsWayOf(state.options.jobHandler);
      this.#items = accept?.(state, duration, this) ?? null;
    } else this.#items?.learn(duration);
  }
}
