/**
 * Runs jobs on web workers of this process, and on processes of their own.
 *
 * @module
 */

import { runOutside } from "../current.ts";
import { provideDirectWay, type Settled } from "../direct_handler.ts";
import type { JobHandler, Outcome, Task } from "../task.ts";
import { endingOf } from "../worker/execute.ts";
import { checkOptions, oneOf, wholeNumber } from "./options.ts";
import type { Pool, PoolOptions } from "./parallel/pool.ts";

/**
 * Options of {@linkcode ParallelJobHandler}.
 *
 * @example
 * ```ts
 * import * as hi from "@hither/hither";
 *
 * // For functions that wait for the network most of the time.
 * const options: hi.ParallelJobHandlerOptions = { numWorkers: 2, jobsPerWorker: 16 };
 * await using jobHandler = new hi.ParallelJobHandler(options);
 * ```
 */
export interface ParallelJobHandlerOptions {
  /**
   * How many workers run jobs at a time.
   *
   * @default {navigator.hardwareConcurrency}
   */
  numWorkers?: number;
  /**
   * How many jobs one worker runs at a time. More than one helps functions that
   * wait for something, such as the network; a job that computes holds up the
   * others of its worker.
   *
   * @default {1}
   */
  jobsPerWorker?: number;
  /**
   * Where a job runs. `"worker"`: in a web worker, a thread of this process, which starts
   * and answers fastest. `"process"`: in a process of its own, which can be stopped whatever the
   * job does, and whose end harms nobody else. `"auto"`: in a web worker, and in a
   * process if the job has a `timeout` or a `memory` limit, which only a process can keep.
   *
   * @default {"auto"}
   */
  isolation?: "auto" | "worker" | "process";
  /**
   * After how long a worker without a job is ended, in ms.
   *
   * @default {60_000}
   */
  idleTimeout?: number;
  /**
   * After how many jobs a worker is ended and another one takes its place: for functions, or
   * libraries, that leave something behind each time. (`maxtasksperchild` of Python's
   * `multiprocessing`.)
   *
   * @default {Infinity}
   */
  maxJobsPerWorker?: number;
  /**
   * A worker that has more bytes than this when it is without a job is ended, and another one takes
   * its place: for functions, or libraries, that keep more and more. In a process all of
   * its memory counts; in a web worker its objects and their binary data, without what WebAssembly
   * and native code have. It is no limit for a running job: that is `memory`.
   *
   * @default {Infinity}
   */
  maxMemoryPerWorker?: number;
}

/**
 * Runs jobs on all cores, each in a web worker of this process or in a process of
 * its own (`isolation`), which imports the module that defines the function.
 *
 * Workers start when jobs wait for them, and stay for the next jobs. A job that
 * fails in any way (it throws, exits, is cancelled, runs out of time) fails
 * alone, and its place is free at once. A process that is busy is killed. A web worker
 * that is busy cannot be stopped: if a cancelled job does not look at `hi.current().throwIfAborted()`, its worker is
 * given up, {@linkcode ParallelJobHandler.abandoned} counts it, and one warning
 * tells so.
 *
 * Disposing the handler fails jobs that wait or run with a `HandlerClosedError`
 * and ends the workers. A program that does not dispose it ends all the same
 * when no job is outstanding.
 *
 * @example
 * ```ts
 * import * as hi from "@hither/hither";
 *
 * await using jobHandler = new hi.ParallelJobHandler({ numWorkers: 2 });
 * console.assert(jobHandler.abandoned === 0);
 * ```
 */
export class ParallelJobHandler implements JobHandler {
  readonly #options: PoolOptions;
  #pool: Pool | undefined;
  #loading: Promise<Pool> | undefined;
  #closed = false;

  /**
   * Makes a handler; workers start with the first job.
   *
   * @param options How many workers, and how many jobs in each.
   * @throws {TypeError} if an option is not a number, or there is no such option.
   * @throws {RangeError} if an option is not a whole number of 1 or more.
   */
  constructor(options: ParallelJobHandlerOptions = {}) {
    checkOptions("ParallelJobHandler", options, [
      "numWorkers",
      "jobsPerWorker",
      "isolation",
      "idleTimeout",
      "maxJobsPerWorker",
      "maxMemoryPerWorker",
    ]);
    const {
      numWorkers = navigator.hardwareConcurrency,
      jobsPerWorker = 1,
      isolation = "auto",
      idleTimeout = 60_000,
      maxJobsPerWorker = Infinity,
      maxMemoryPerWorker = Infinity,
    } = options;
    this.#options = {
      numWorkers: wholeNumber("numWorkers", numWorkers),
      jobsPerWorker: wholeNumber("jobsPerWorker", jobsPerWorker),
      isolation: oneOf("isolation", isolation, ["auto", "worker", "process"]),
      idleTimeout: wholeNumber("idleTimeout", idleTimeout),
      maxJobsPerWorker: maxJobsPerWorker === Infinity
        ? Infinity
        : wholeNumber("maxJobsPerWorker", maxJobsPerWorker),
      maxMemoryPerWorker: maxMemoryPerWorker === Infinity
        ? Infinity
        : wholeNumber("maxMemoryPerWorker", maxMemoryPerWorker),
    };
    provideDirectWay(
      this,
      ParallelJobHandler.prototype.run,
      (task, settled) => this.#accept(task, settled),
      (...given) => this.#pool?.openItems(...given),
      (job) => this.#pool?.acceptJob(job) ?? false,
    );
  }

  /** How many workers could not be stopped, because their job was cancelled and went on computing. */
  get abandoned(): number {
    return this.#pool?.abandoned ?? 0;
  }

  /** Runs a Task on a worker when one is free. */
  run(task: Task): Promise<Outcome> {
    return new Promise((resolve) =>
      this.#accept(task, (_, outcome) => resolve(outcome))
    );
  }

  #accept(task: Task, settled: Settled): void {
    if (this.#pool !== undefined) return this.#pool.accept(task, settled);
    runOutside(() => this.#load()).then(
      (pool) => pool.accept(task, settled),
      async (error) => settled(task, await withoutPool(task, error)),
    );
  }

  /** Drops a Task that waits, or tells a running one to stop and frees its place. */
  cancel(task: Task, reason: unknown): void {
    if (this.#pool !== undefined) this.#pool.cancel(task, reason);
    else this.#loading?.then((pool) => pool.cancel(task, reason), () => {});
  }

  /** Fails what waits and what runs, and ends the workers. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    const pool = await this.#loading?.catch(() => undefined);
    await pool?.close();
  }

  #load(): Promise<Pool> {
    return this.#loading ??= loadPool().then(({ Pool }) => {
      const pool = new Pool(this.#options);
      if (this.#closed) pool.close();
      return this.#pool = pool;
    }).catch((error) => {
      // The next job tries again.
      this.#loading = undefined;
      throw error;
    });
  }
}

/**
 * The pool comes with the first job, as a program whose jobs all hit the cache never
 * needs it. Its name is in a variable: what a program may import by name, Deno reads
 * before the program starts, and there are some thirty modules. Like the module that a worker
 * begins with, without which there is no job, they are found when they are needed.
 */
function loadPool(): Promise<typeof import("./parallel/pool.ts")> {
  const url = new URL("./parallel/pool.ts", import.meta.url).href;
  return import(url);
}

/** How a job ends where the pool cannot be had: it may not be read, for instance. */
async function withoutPool(task: Task, error: unknown): Promise<Outcome> {
  const { startError } = await import("./parallel/start_error.ts");
  return { ...endingOf(startError(task, error), true), console: [] };
}
