/**
 * One function over many items, as many as there may ever be: items are taken in
 * as results are taken out.
 *
 * @module
 */

import { keepContext } from "./current.ts";
import type { HitherFunction } from "./func.ts";
import { checkMap } from "./map_check.ts";
import { MapJobs } from "./map_jobs.ts";
import {
  type Before,
  MapResults,
  type ResultGenerator,
} from "./map_results.ts";
import { MapSource } from "./map_source.ts";
import { isIdleWorker, park } from "./role.ts";
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
   * 2,048 while they are quick.
   */
  readonly concurrency?: number | undefined;
  /**
   * How many items are taken in one go. Handlers send quick jobs together that were
   * submitted together; each item has a key of its own all the same. From the start,
   * and at most, half of what may be outstanding.
   */
  readonly chunk?: number | undefined;
  /** Whether results come in the order of the items, as from the start, or as they are there. */
  readonly ordered?: boolean | undefined;
  /** Cancels what is outstanding and ends the iteration with its reason. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Runs a function on each item and yields the results. Items are taken from the
 * iterable, which may be endless and may be asynchronous, only as results are
 * taken: a slow consumer holds up the source, not the memory. The jobs have
 * the options in force where `map` is called.
 *
 * Each item is a job. On workers quick ones that no cache is asked for, and of
 * which no option wants more than their results, travel in chunks, and become jobs
 * only where one is needed: equal ones among them are each run, while equal jobs that
 * are outstanding share one run.
 *
 * The error that is there first ends the iteration; then, and when the loop is left, the jobs
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
  checkMap(fn, items, options);
  const { signal } = options;
  // A generator's body runs in the context of whoever asks for the next result.
  const here = keepContext();
  const jobs = new MapJobs<Awaited<R>>(fn.run as never, options);
  let source: MapSource;
  return new MapResults(results(), {
    take,
    resultOf: (done) => jobs.resultOf(done),
  });

  /** Takes what has finished, if its turn has come. */
  function take() {
    // Before that: the workers go on meanwhile.
    if (jobs.areAhead) source.take(jobs.room);
    return jobs.take();
  }

  async function* results(): ResultGenerator<Awaited<R>> {
    if (isIdleWorker()) await park();
    source = new MapSource(items, jobs, here);
    const abort = () => jobs.stop(signal!.reason);
    signal?.addEventListener("abort", abort, { once: true });
    if (signal?.aborted) abort();
    try {
      while (true) {
        const done = take();
        if (done !== undefined) {
          let before: Before<Awaited<R>> | void = yield jobs.resultOf(done);
          while (before && "again" in before) before = yield before.again;
          if (before) await before.turn;
          continue;
        }
        jobs.throwIfFailed();
        source.take(jobs.room);
        source.throwIfFailed();
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
