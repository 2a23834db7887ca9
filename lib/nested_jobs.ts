/**
 * Jobs that a job elsewhere submits: the side of the program, where they are
 * jobs like all others.
 *
 * @module
 */

import { JobCache, type JobCacheOptions } from "./cache/job_cache.ts";
import { awaitJob } from "./awaited_jobs.ts";
import { resolve, type ResolvedOptions } from "./config.ts";
import { runOutside } from "./current.ts";
import { FunctionNotFoundError, ResultLostError } from "./errors.ts";
import { Execution } from "./execution.ts";
import { JobState } from "./job_state.ts";
import {
  borrowedFunction,
  findFunction,
  type FunctionDefinition,
} from "./registry.ts";
import { errorOf } from "./outcome.ts";
import { cancel } from "./job_ends.ts";
import { runAgain } from "./lost_results.ts";
import { submitEncoded } from "./scheduler.ts";
import type { Scope } from "./scope.ts";
import type {
  CodeReference,
  NestedJob,
  NestedListener,
  NestedRequest,
  NestedResult,
  Task,
} from "./task.ts";
import { encodeThrown } from "./value/thrown.ts";

/** Submits a job in the scope of the one that runs. */
export function submitNested(
  scope: Scope<ResolvedOptions>,
  request: NestedRequest,
  listener: NestedListener,
): NestedJob {
  const { cache = true, jobCache, ...options } = request.options;
  const given = jobCache === undefined
    ? options
    : { ...options, jobCache: jobCache && cacheWith(jobCache) };
  const state = new JobState(
    definitionOf(request),
    { ...resolve(scope.options, given, "run"), cache: cache === true },
    scope,
    true,
  );
  return new ProgramJob(state, request, listener);
}

class ProgramJob implements NestedJob {
  readonly #state: JobState;
  readonly #listener: NestedListener;
  #watched = false;

  constructor(
    state: JobState,
    { list, upstream }: NestedRequest,
    listener: NestedListener,
  ) {
    this.#state = state;
    this.#listener = listener;
    // The job that submitted it looks at its error.
    state.isSeen = true;
    state.listen((event) => {
      if (event.type !== "status") {
        if (this.#watched) listener.reported(event, false);
      } else if (event.status === "queued" || event.status === "running") {
        listener.moved(event.status, state.key!);
      }
    });
    const states = upstream.map((job) => (job as ProgramJob).#state);
    submitEncoded(state, { list, upstream: states });
    if (state.isSettled) queueMicrotask(() => this.#deliver());
    else state.onSettled(() => this.#deliver());
  }

  cancel(reason: unknown): void {
    cancel(this.#state, reason);
  }

  watch(): void {
    this.#watched = true;
    for (const line of this.#state.lines ?? []) {
      this.#listener.reported({ type: "console", line }, true);
    }
  }

  awaited(by: Task): void {
    const parent = this.#state.scope.parentOwner;
    // A handler of somebody's may have passed on a copy of the Task.
    const execution = by instanceof Execution
      ? by
      : parent instanceof Execution && parent.id === by.id
      ? parent
      : undefined;
    if (execution !== undefined) awaitJob(execution, this.#state);
  }

  orphan(): void {
    if (!this.#state.isSettled) this.#state.isSeen = false;
  }

  #deliver(): void {
    const state = this.#state;
    const { outcome, key, hit: cached, attempts } = state;
    if (outcome === undefined) {
      const value = encodeThrown(errorOf(state));
      const status = state.status as "error" | "cancelled";
      return this.#settle({
        status,
        value,
        console: [],
        key,
        cached,
        attempts,
      });
    }
    // A stored outcome reads its parts as they are asked for.
    const { status, console, timing } = outcome;
    try {
      const { value } = outcome;
      value.restoreFiles?.();
      for (const leaf of value.leaves) leaf.peek();
      this.#settle({ status, value, console, timing, key, cached, attempts });
    } catch (error) {
      const isLost = error instanceof ResultLostError &&
        state.mayRunAgain;
      if (!isLost || !state.mayLoseAgain()) {
        const value = encodeThrown(error);
        return this.#settle({
          status: "error",
          value,
          console,
          timing,
          key,
          cached,
          attempts,
        });
      }
      runAgain(state, error);
      if (state.isSettled) this.#deliver();
      else state.onSettled(() => this.#deliver());
    }
  }

  #settle(result: NestedResult): void {
    this.#listener.settled(result);
  }
}

/** The function, as this program has defined it, or as a worker has that imported more. */
function definitionOf(request: NestedRequest): FunctionDefinition {
  const { name, version, code, source, definedAt, label } = request;
  const own = findFunction(name, version);
  if (own !== undefined && identity(own.code) === identity(code)) return own;
  return borrowedFunction(
    JSON.stringify([name, version, source, identity(code)]),
    () => ({
      name,
      version,
      fn: (...args: unknown[]) => callBorrowed(request, args),
      code,
      place: code.kind === "module" ? code.url : "a worker",
      replaceable: true,
      definedAt,
      label,
      source,
    }),
  );
}

function identity(code: CodeReference): string {
  if (code.kind === "module") return code.url;
  const { bytes, leaves } = code.values;
  const values = [bytes, ...leaves.map((leaf) => leaf.peek())];
  return JSON.stringify([
    code.source,
    code.imports,
    values.map((part) => part.toBase64()),
  ]);
}

/** A handler that runs jobs in this process calls a function that only workers have imported so far. */
async function callBorrowed(
  { name, version, code }: NestedRequest,
  args: unknown[],
): Promise<unknown> {
  const what = `Cannot run ${name} ${version} in the program itself as`;
  if (code.kind !== "module") {
    throw new FunctionNotFoundError(
      `${what} only a worker has defined it, from text: define it in a module, or run it on a handler with workers`,
    );
  }
  await runOutside(() => import(code.url));
  const own = findFunction(name, version);
  if (own === undefined) {
    throw new FunctionNotFoundError(
      `${what} ${code.url} does not define it when it is imported: define the function at the top level of the module, with the same name and version each time`,
    );
  }
  return await own.fn(...args as never[]);
}

const caches = new Map<string, JobCache>();

/** The cache with these options, which a worker has made: one for all that are alike. */
function cacheWith(options: JobCacheOptions): JobCache {
  const id = JSON.stringify(options);
  let cache = caches.get(id);
  if (cache === undefined) caches.set(id, cache = new JobCache(options));
  return cache;
}
