/**
 * The job that is running in this async context, as its own code sees it.
 *
 * @module
 */

import defer * as hooks from "node:async_hooks";
import { NoCurrentJobError } from "./errors.ts";
import type { JobState } from "./job_state.ts";

/**
 * What a running job can ask and tell; see {@linkcode current}.
 *
 * @example
 * ```ts
 * import * as hi from "@hither/hither";
 *
 * const name = hi.func("job_context_name", "1", () => hi.current().name);
 * console.assert(await name.run() === "job_context_name");
 * ```
 */
export interface JobContext {
  /**
   * The job's key, 64 hexadecimal digits. Without a cache and with arrays of 8 MiB and more among the arguments
   * it is computed when it is asked for.
   *
   * @throws {ArgumentChangedError} if one of those was written to before that.
   */
  readonly key: string;
  /** The function's name. */
  readonly name: string;
  /** The function's version. */
  readonly version: string;
  /** Aborted when the job is cancelled or has run out of time. */
  readonly signal: AbortSignal;
  /**
   * Throws the reason if the job was cancelled or has run out of time. Also
   * synchronous code sees it, on every handler that can tell a busy worker: it
   * costs some nanoseconds, so call it in a loop.
   */
  throwIfAborted(): void;
  /**
   * Tells how far the job is.
   *
   * @param fraction From 0 to 1.
   * @param message What is going on.
   * @throws {RangeError} if `fraction` is not from 0 to 1.
   * @throws {TypeError} if `fraction` is not a number, or `message` not a string.
   */
  progress(fraction: number, message?: string): void;
}

/** The way of a job in a worker to the program that submitted it. */
export interface ProgramPort {
  /**
   * Submits a job to the program.
   *
   * @param options What was set for it inside of the running job.
   * @throws {UnsupportedValueError} if the arguments hold something that is not data.
   */
  submit(
    state: JobState,
    args: readonly unknown[],
    options: Readonly<Record<string, unknown>>,
  ): void;
  /** The jobs that the running job has submitted and that have not settled. */
  readonly jobs: Iterable<JobState>;
  /** Says that the running job awaits another one. */
  awaitJob(state: JobState): void;
  /** Says that the running job waits until `settled` has, so that others can have its place. */
  waitFor<T>(settled: Promise<T>): Promise<T>;
}

/** What an async context knows: the running job, and the innermost scope of configuration inside of it. */
interface AsyncContext {
  readonly job: RunningJob | undefined;
  readonly scope: unknown;
}

/** What the runtime keeps of a running job besides what the job itself may see. It is the async context of its own call. */
export interface RunningJob extends AsyncContext {
  /** Itself. */
  readonly job: RunningJob;
  readonly context: JobContext;
  /** The job's own console, made when it first prints. */
  readonly console: Console;
  /** What the scheduler hangs on the running job: the scope of its children. */
  scope: unknown;
  /** The buffers that are lent to the job: it cannot give them away. */
  readonly lent?: ReadonlySet<ArrayBuffer> | undefined;
  /** In a worker, where its own jobs go. */
  readonly port?: ProgramPort | undefined;
}

type Storage = hooks.AsyncLocalStorage<AsyncContext | undefined>;

// Made with the first context: the module takes milliseconds to load.
let storage: Storage | undefined;

/** Calls `body` with two arguments as the given job: lists of arguments would take longer than a short job. */
export function runAs<R, A, B>(
  job: RunningJob,
  body: (a: A, b: B) => R,
  a: A,
  b: B,
): R {
  storage ??= new hooks.AsyncLocalStorage();
  return storage.run(job, body, a, b);
}

/** Calls `body` inside the given scope of configuration. */
export function runInScope<R>(scope: unknown, body: () => R): R {
  storage ??= new hooks.AsyncLocalStorage();
  return storage.run({ job: runningJob(), scope }, body);
}

/** Calls `body` outside of every job and scope, so that what it starts does not belong to the caller. */
export function runOutside<R>(body: () => R): R {
  return storage === undefined ? body() : storage.run(undefined, body);
}

/** How to call something later in the async context of now. */
export function keepContext(): <R>(body: () => R) => R {
  const context = storage?.getStore();
  return (body) => storage === undefined ? body() : storage.run(context, body);
}

/** The job that is running in this async context, or `undefined`. */
export function runningJob(): RunningJob | undefined {
  return storage?.getStore()?.job;
}

/** The innermost scope of configuration in this async context, or `undefined`. */
export function innermostScope(): unknown {
  const context = storage?.getStore();
  return context?.scope ?? context?.job?.scope;
}

/**
 * The job that is running in this async context: to watch its `signal`, to leave
 * a loop with `throwIfAborted()`, to report `progress()`.
 *
 * @returns The context of the running job.
 * @throws {NoCurrentJobError} outside of a job; in a plain call of the function too.
 *
 * @example
 * ```ts
 * import * as hi from "@hither/hither";
 *
 * const sum = hi.func("current_sum", "1", (n: number) => {
 *   let total = 0;
 *   for (let i = 0; i < n; i++) {
 *     if (i % 100 === 0) hi.current().progress(i / n);
 *     hi.current().throwIfAborted();
 *     total += i;
 *   }
 *   return total;
 * });
 * console.assert(await sum.run(1_000) === 499_500);
 * ```
 */
export function current(): JobContext {
  const job = runningJob();
  if (job === undefined) {
    throw new NoCurrentJobError(
      "Cannot find the current job as no job is running here: call the function with .run()",
    );
  }
  return job.context;
}
