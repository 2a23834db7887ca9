/**
 * One function over many items, as many as there may ever be: items are taken in
 * as results are taken out.
 *
 * @module
 */

import { keepContext, runningJob } from "./current.ts";
import type { HitherFunction } from "./func.ts";
import { Job } from "./job.ts";
import { type JobState, stateOf } from "./job_state.ts";
import { isIdleWorker, park } from "./role.ts";
import { noteSeen } from "./unseen_failures.ts";
import type { Argument } from "./types.ts";

/**
 * How {@linkcode map} goes over its items.
 *
 * @example
 * ```ts
 * import * as hi from "@hither/hither";
 *
 * const half = hi.func("map_options_half", "1", (x: number) => x / 2);
 * const options: hi.MapOptions = { concurrency: 8, ordered: false };
 * let sum = 0;
 * for await (const result of hi.map(half, [1, 2, 3], options)) sum += result;
 * console.assert(sum === 3);
 * ```
 */
export interface MapOptions {
  /**
   * How many jobs may be outstanding at a time, those included whose results wait
   * for their turn. From the start it follows the jobs: 4 for each core, and up to
   * 1,024 while they are quick.
   */
  readonly concurrency?: number | undefined;
  /**
   * How many items are taken in one go. Handlers send quick jobs together that were
   * submitted together; each item is a job of its own all the same, with its own
   * key. From the start half of what may be outstanding.
   */
  readonly chunk?: number | undefined;
  /** Whether results come in the order of the items, as from the start, or as they are there. */
  readonly ordered?: boolean | undefined;
  /** Cancels what is outstanding and ends the iteration with its reason. */
  readonly signal?: AbortSignal | undefined;
}

/** Jobs that take less than this are quick, in ms. */
const QUICK = 10;

/** The least and the most that may be outstanding where nobody has said how much. */
const LEAST: number = 4 * navigator.hardwareConcurrency;
const MOST = 1_024;

/**
 * Runs a function on each item and yields the results. Items are taken from the
 * iterable, which may be endless and may be asynchronous, only as results are
 * taken: a slow consumer holds up the source, not the memory. The jobs have
 * the options in force where `map` is called.
 *
 * The first error ends the iteration; then, and when the loop is left, the jobs
 * that are outstanding are cancelled and the source is closed.
 *
 * @param fn The function; use `fn.with(...)` for options of its jobs.
 * @param items What to call it with: values, or Jobs of them.
 * @param options How many at a time, in what order, and a signal.
 * @returns The results, to iterate over once.
 * @throws {TypeError} if the items are not iterable, or an option is of the wrong type.
 * @throws {RangeError} if a number is not a whole one of 1 or more.
 *
 * @example
 * ```ts
 * import * as hi from "@hither/hither";
 *
 * const square = hi.func("map_square", "1", (x: number) => x * x);
 * function* naturals() {
 *   for (let n = 0;; n++) yield n;
 * }
 * for await (const result of hi.map(square, naturals(), { concurrency: 4 })) {
 *   if (result > 100) break; // ends the source as well
 * }
 * ```
 */
export function map<A extends readonly unknown[], R>(
  fn: HitherFunction<A, R>,
  items: Iterable<Argument<A[0]>> | AsyncIterable<Argument<A[0]>>,
  options: MapOptions = {},
): AsyncGenerator<Awaited<R>, void, void> {
  check(fn, items, options);
  // A generator's body runs in the context of whoever asks for the next result.
  const here = keepContext();
  const run = fn.run as unknown as (item: unknown) => Job<Awaited<R>>;
  const jobs = new Jobs(run, options);
  return results(jobs, options.signal);

  async function* results(
    jobs: Jobs<Awaited<R>>,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Awaited<R>, void, void> {
    if (isIdleWorker()) await park();
    const source = new Source(items, (item) => jobs.add(item), jobs.wake, here);
    const abort = () => jobs.stop(signal!.reason);
    signal?.addEventListener("abort", abort, { once: true });
    if (signal?.aborted) abort();
    try {
      while (true) {
        const done = jobs.takeDone();
        if (done !== undefined) {
          yield resultOf(done);
          continue;
        }
        jobs.throwIfFailed();
        source.take(jobs.room);
        if (jobs.isEmpty && source.isDone) return;
        await jobs.changed();
      }
    } finally {
      signal?.removeEventListener("abort", abort);
      jobs.cancel();
      await source.close();
    }
  }
}

/** The items: at most one is asked for at a time. */
class Source {
  isDone = false;
  readonly #iterator: Iterator<unknown> | AsyncIterator<unknown>;
  readonly #isAsync: boolean;
  readonly #add: (item: unknown) => void;
  readonly #wake: () => void;
  readonly #here: <R>(body: () => R) => R;
  #isWaiting = false;
  #left = 0;
  #failure: { readonly error: unknown } | undefined;

  constructor(
    items: Iterable<unknown> | AsyncIterable<unknown>,
    add: (item: unknown) => void,
    wake: () => void,
    here: <R>(body: () => R) => R,
  ) {
    this.#here = here;
    this.#isAsync = Symbol.asyncIterator in items;
    this.#iterator = Symbol.asyncIterator in items
      ? items[Symbol.asyncIterator]()
      : items[Symbol.iterator]();
    this.#add = add;
    this.#wake = wake;
  }

  /**
   * Takes up to `count` items; those of an asynchronous source come later.
   *
   * @throws what the source has thrown.
   */
  take(count: number): void {
    if (this.#failure !== undefined) throw this.#failure.error;
    this.#left = Math.max(this.#left, count);
    if (this.#isAsync) return this.#ask();
    if (this.#left === 0 || this.isDone) return;
    // Once for all of them, as it takes longer than all the rest.
    this.#here(() => {
      while (this.#left > 0 && !this.isDone) this.#took(this.#nextNow());
    });
  }

  /** Tells the source that nobody wants more of it. */
  async close(): Promise<void> {
    if (this.isDone) return;
    this.isDone = true;
    const closing = this.#iterator.return?.();
    if (!this.#isWaiting) await closing;
    // It has been asked for an item that may never come.
    else Promise.resolve(closing).catch(() => {});
  }

  #nextNow(): IteratorResult<unknown> {
    try {
      return (this.#iterator as Iterator<unknown>).next();
    } catch (error) {
      this.isDone = true;
      throw error;
    }
  }

  #ask(): void {
    if (this.#isWaiting || this.isDone || this.#left === 0) return;
    this.#isWaiting = true;
    (this.#iterator as AsyncIterator<unknown>).next().then(
      (next) => {
        this.#isWaiting = false;
        if (this.isDone) return;
        this.#here(() => this.#took(next));
        this.#ask();
      },
      (error) => this.#fail(error),
    ).catch((error) => this.#fail(error)).finally(this.#wake);
  }

  #fail(error: unknown): void {
    this.#isWaiting = false;
    this.isDone = true;
    this.#failure = { error };
  }

  #took({ done, value }: IteratorResult<unknown>): void {
    if (done) this.isDone = true;
    else {
      this.#left--;
      this.#add(value);
    }
  }
}

/** The jobs that are outstanding or have a result that was not taken yet. */
class Jobs<T> {
  readonly #run: (item: unknown) => Job<T>;
  readonly #concurrency: number | undefined;
  readonly #chunk: number | undefined;
  /** In the order of the items. */
  readonly #all = new Set<Job<T>>();
  /** Those that have finished, in that order; `undefined` where results keep the order of the items. */
  readonly #finished: Job<T>[] | undefined;
  #window: number = LEAST;
  #failed: Job<T> | undefined;
  #stopped: { readonly reason: unknown } | undefined;
  #changed: PromiseWithResolvers<void> | undefined;
  /** Whether something has changed since somebody looked. */
  #isNews = false;

  constructor(
    run: (item: unknown) => Job<T>,
    { concurrency, chunk, ordered = true }: MapOptions,
  ) {
    this.#run = run;
    this.#concurrency = concurrency;
    this.#chunk = chunk;
    this.#finished = ordered ? undefined : [];
  }

  get isEmpty(): boolean {
    return this.#all.size === 0;
  }

  /** How many items to take in now: none as long as it is less than a chunk. */
  get room(): number {
    const most = this.#concurrency ?? Math.max(this.#window, this.#chunk ?? 1);
    const room = most - this.#all.size;
    const chunk = Math.min(most, this.#chunk ?? Math.ceil(most / 2));
    return room < chunk ? 0 : room;
  }

  add(item: unknown): void {
    const job = this.#run(item);
    this.#all.add(job);
    const state = stateOf(job)!;
    noteSeen(state);
    if (state.isSettled) this.#settled(job, state);
    else state.onSettled(() => this.#settled(job, state));
  }

  /** A job whose turn it is and that has finished, if there is one. */
  takeDone(): Job<T> | undefined {
    this.#isNews = false;
    if (this.#stopped !== undefined) return undefined;
    const job = this.#finished === undefined
      ? this.#all.values().next().value
      : this.#finished.shift();
    if (job?.status !== "finished") return undefined;
    this.#all.delete(job);
    return job;
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
    this.#changed = Promise.withResolvers();
    // A running job that waits for its jobs is known to wait by this.
    if (runningJob() !== undefined) {
      const [oldest] = this.#all;
      oldest?.then(this.wake, this.wake);
    }
    return this.#changed.promise;
  }

  readonly wake = (): void => {
    this.#isNews = true;
    this.#changed?.resolve();
  };

  cancel(): void {
    const reason = this.#stopped?.reason ??
      "The iteration over hi.map has ended";
    for (const job of this.#all) job.cancel(reason);
  }

  #settled(job: Job<T>, { status, hit, outcome }: JobState): void {
    if (status !== "finished") this.#failed ??= job;
    else {
      this.#finished?.push(job);
      const isQuick = hit || outcome!.timing.duration < QUICK;
      this.#window = isQuick
        ? Math.min(MOST, this.#window + 1)
        : Math.max(LEAST, this.#window >> 1);
    }
    this.wake();
  }
}

/** The result of a job that has finished; computed again if it was in the cache and is lost. */
function resultOf<T>(job: Job<T>): T | Promise<T> {
  try {
    return job.getResult();
  } catch {
    return job.then();
  }
}

function check(fn: unknown, items: unknown, options: MapOptions): void {
  const cannot = (what: string, value: unknown): string =>
    `Cannot call map as ${what}: current value is ${Deno.inspect(value)}`;
  const { name, run } = Object(fn) as { name?: unknown; run?: unknown };
  if (typeof fn !== "function" || typeof run !== "function") {
    throw new TypeError(
      cannot("its first argument must be what hi.func has returned", fn),
    );
  }
  const iterable = Object(items) as object;
  if (
    items instanceof Job ||
    !(Symbol.iterator in iterable || Symbol.asyncIterator in iterable)
  ) {
    throw new TypeError(
      `${
        cannot(`the items for ${name} must be iterable`, items)
      }. Await a Promise or a Job of an array first`,
    );
  }
  if (typeof options !== "object" || options === null) {
    throw new TypeError(cannot("the options must be an object", options));
  }
  const { concurrency, chunk, ordered, signal, ...others } = options;
  for (const other in others) {
    throw new TypeError(
      `Cannot call map with the option ${other} as there is none of that name: the options are concurrency, chunk, ordered, signal`,
    );
  }
  for (const [what, value] of Object.entries({ concurrency, chunk })) {
    if (value === undefined) continue;
    if (typeof value !== "number") {
      throw new TypeError(cannot(`${what} must be a number`, value));
    }
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new RangeError(
        cannot(`${what} must be a whole number of 1 or more`, value),
      );
    }
  }
  if (ordered !== undefined && typeof ordered !== "boolean") {
    throw new TypeError(cannot("ordered must be true or false", ordered));
  }
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new TypeError(cannot("signal must be an AbortSignal", signal));
  }
}
