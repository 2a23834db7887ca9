/**
 * A job, as users see it.
 *
 * @module
 */

import defer * as awaited from "./awaited_jobs.ts";
import { runningJob } from "./current.ts";
import { JobPendingError, JobTimeoutError, ResultLostError } from "./errors.ts";
import { explainState, type Explanation } from "./explain.ts";
import {
  type JobEvent,
  type JobState,
  type JobStatus,
  provideJobTeller,
  provideStateReader,
} from "./job_state.ts";
import { isIdleWorker, park } from "./role.ts";
import { errorOf } from "./outcome.ts";
import { cancel } from "./job_ends.ts";
import { runAgain } from "./lost_results.ts";
import { promote } from "./scheduler.ts";
import type { ConsoleLine, Timing } from "./task.ts";
import { turnIfDue } from "./turn.ts";
import { noteSeen } from "./unseen_failures.ts";
import { decodeValue } from "./value/decode.ts";
import { decodeSmall, SmallValue } from "./value/small.ts";
import { type WaitOptions, withinLimits } from "./wait_options.ts";

/** Nobody has asked for the result. */
const NOT_READ = Symbol("not read");

let resolveHeld: ((result: unknown) => void) | undefined;
let rejectHeld: ((error: unknown) => void) | undefined;

/** Holds what settles a Promise until its maker has taken it: that needs no closure for each. */
function hold(
  resolve: (result: unknown) => void,
  reject: (error: unknown) => void,
): void {
  resolveHeld = resolve;
  rejectHeld = reject;
}

/** How paths in errors begin. */
const RESULT = { root: "result" };

/** Makes the Job of a state; what `.run()` returns. */
export let makeJob: <T>(state: JobState) => Job<T>;

/**
 * One function with its arguments and the configuration in force at `.run()`,
 * on its way to a result. `await` it, or give it to another job as an argument.
 *
 * @typeParam T The type of the result.
 *
 * @example
 * ```ts
 * import * as hi from "@hither/hither";
 *
 * const add = hi.func("job_add", "1", (a: number, b: number) => a + b);
 * const three: hi.Job<number> = add.run(1, 2);
 * const ten = add.run(three, 7); // starts once `three` has its result
 * console.assert(await ten === 10);
 * console.assert(three.getResult() === 3);
 * ```
 */
export class Job<T> implements PromiseLike<T> {
  readonly #state: JobState;
  /** The result, once somebody has asked for it. */
  #result: T | typeof NOT_READ = NOT_READ;
  #promise: Promise<T> | undefined;
  // There may be a million jobs that are waited for: so these are no closures.
  #resolve: ((result: unknown) => void) | undefined;
  #reject: ((error: unknown) => void) | undefined;

  static {
    provideStateReader((node) => #state in node ? node.#state : undefined);
    makeJob = (state) => new Job(state);
    provideJobTeller((job) => (job as Job<unknown>).#settled());
  }

  private constructor(state: JobState) {
    this.#state = state;
  }

  /** The function's name. */
  get name(): string {
    return this.#state.definition.name;
  }

  /** The function's version. */
  get version(): string {
    return this.#state.definition.version;
  }

  /** Where the job is. */
  get status(): JobStatus {
    this.#state.look();
    return this.#state.status;
  }

  /**
   * The key, 64 hexadecimal digits: SHA-256 of name, version and arguments; `undefined` until its arguments are
   * there. Without a cache nobody computes it before you ask, if one of them is an array of 8 MiB or
   * more: it stays `undefined` if that was written to or moved (`hi.transfer`) before.
   */
  get key(): string | undefined {
    return this.#state.key;
  }

  /** Whether the outcome was in the cache. */
  get cached(): boolean {
    return this.#state.hit;
  }

  /** Why there is no result; `undefined` unless the status is `error` or `cancelled`. */
  get error(): unknown {
    noteSeen(this.#state);
    return errorOf(this.#state);
  }

  /**
   * How often the function was called for this job: 0 before the first call and for
   * a hit, more than 1 if it was tried again (`retry`, `crashRetries`).
   */
  get attempts(): number {
    this.#state.look();
    return this.#state.attempts;
  }

  /** What the job has printed, so far or in the run that the cache remembers. */
  get console(): readonly ConsoleLine[] {
    if (!this.#state.isSettled) this.#state.remote?.watch();
    return this.#state.outcome?.console ?? this.#state.lines ?? [];
  }

  /** When the function was called and how long it took; `undefined` until it has returned. */
  get timing(): Timing | undefined {
    return this.#state.outcome?.timing;
  }

  /**
   * Waits for the result; what `await` calls. A result that was in the cache and
   * turns out to be damaged is computed again.
   *
   * @param onResult Called with the result.
   * @param onError Called with the error of a job that failed or was cancelled.
   */
  then<R = T, E = never>(
    onResult?: ((result: T) => R | PromiseLike<R>) | null,
    onError?: ((error: unknown) => E | PromiseLike<E>) | null,
  ): Promise<R | E> {
    this.#promise ??= isIdleWorker() ? park() : this.#load();
    // Each running job that waits gives up its place, also if it is not the first.
    const running = this.#state.isSettled ? undefined : runningJob();
    if (running !== undefined) awaited.awaitHere(this.#state);
    const result = running?.port?.waitFor(this.#promise) ?? this.#promise;
    return result.then(onResult, onError);
  }

  /**
   * Waits for the result, but not for ever.
   *
   * @param options `timeout` in ms, and an AbortSignal. They end the waiting, not the job.
   * @returns The result.
   * @throws {JobTimeoutError} if the time is over first.
   * @throws the signal's reason if it is aborted first, or the job's error.
   *
   * @example
   * ```ts
   * import * as hi from "@hither/hither";
   *
   * const add = hi.func("job_wait_add", "1", (a: number, b: number) => a + b);
   * console.assert(await add.run(1, 2).wait({ timeout: 10_000 }) === 3);
   * ```
   */
  wait(options: WaitOptions = {}): Promise<T> {
    return withinLimits(
      this.then(),
      options,
      () =>
        new JobTimeoutError(
          `Waiting for ${this.name} ${this.version} took longer than ${options.timeout} ms: the job goes on`,
        ),
    );
  }

  /**
   * The result of a job that is finished.
   *
   * @throws {JobPendingError} if it has not settled.
   * @throws {ResultLostError} if the result was in the cache and is damaged or gone; `await` the job instead.
   * @throws {PermissionNeededError} if a file of the result is missing and Deno may not write it.
   * @throws the job's error if it failed or was cancelled.
   */
  getResult(): T {
    if (this.#result !== NOT_READ) return this.#result;
    const { outcome, isSettled } = this.#state;
    if (!isSettled) {
      throw new JobPendingError(
        `Cannot get the result of ${this.name} ${this.version} as it is ${this.status}: await the job or hi.wait() first`,
      );
    }
    noteSeen(this.#state);
    if (outcome?.status !== "finished") throw errorOf(this.#state);
    outcome.value.restoreFiles?.();
    const { value } = outcome;
    const result = value instanceof SmallValue
      ? decodeSmall(value, RESULT.root)
      : decodeValue(value, RESULT);
    return this.#result = result as T;
  }

  /**
   * Cancels the job: it settles at once as `cancelled`. Work that other jobs
   * still wait for goes on. Changes nothing once the job has settled.
   *
   * @param reason Becomes the `cause` of the JobCancelledError.
   *
   * @example
   * ```ts
   * import * as hi from "@hither/hither";
   *
   * const forever = hi.func("job_cancel_forever", "1", () => new Promise<void>(() => {}));
   * const job = forever.run();
   * job.cancel("changed my mind");
   * console.assert(job.status === "cancelled");
   * ```
   */
  cancel(reason?: unknown): void {
    cancel(this.#state, reason);
  }

  /**
   * Why the job was a hit or a miss; on a miss, what differs from the nearest
   * record of the same function in the cache.
   *
   * @example
   * ```ts
   * import * as hi from "@hither/hither";
   *
   * const scale = hi.func("job_explain_scale", "1", (x: number, by: number) => x * by);
   * await hi.config({ jobCache: new hi.JobCache({ path: await Deno.makeTempDir() }) }, async () => {
   *   await scale.run(2, 3);
   *   const job = scale.run(2, 4);
   *   await job;
   *   console.assert(job.explain().differences[0]?.path === "args[1]");
   * });
   * ```
   */
  explain(): Explanation {
    return explainState(this.#state);
  }

  /**
   * The job's events from now on: status, console lines, progress. Ends when the
   * job settles.
   *
   * @example
   * ```ts
   * import * as hi from "@hither/hither";
   *
   * const half = hi.func("job_events_half", "1", () => hi.current().progress(0.5));
   * for await (const event of half.run()) {
   *   if (event.type === "progress") console.assert(event.fraction === 0.5);
   * }
   * ```
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<JobEvent, void, void> {
    if (isIdleWorker()) await park();
    const events: JobEvent[] = [{ type: "status", status: this.status }];
    let wake = () => {};
    const stop = this.#state.listen((event) => {
      events.push(event);
      wake();
    });
    try {
      while (true) {
        for (const event of events.splice(0)) yield event;
        if (events.length > 0) continue;
        if (this.#state.isSettled) return;
        if (runningJob() !== undefined) awaited.awaitHere(this.#state);
        // Where that closes a circle, it has failed.
        if (events.length > 0) continue;
        await new Promise<void>((resolve) => wake = resolve);
      }
    } finally {
      stop();
    }
  }

  /** Name, version and status: a job in a text or in JSON is no result. */
  toString(): string {
    return `Job ${this.name} ${this.version} (${this.status})`;
  }

  /** The same as `toString`. */
  toJSON(): string {
    return this.toString();
  }

  /** How `console.log` shows the job. */
  [Symbol.for("Deno.customInspect")](): string {
    return this.toString();
  }

  /** The result, once it is there. */
  #load(): Promise<T> {
    noteSeen(this.#state);
    const turn = turnIfDue();
    return turn === undefined
      ? this.#loadNow()
      : turn.then(() => this.#loadNow());
  }

  #loadNow(): Promise<T> {
    // Thousands that are submitted at once may be done before somebody waits for them.
    if (this.#state.outcome?.value instanceof SmallValue) {
      try {
        return Promise.resolve(this.getResult());
      } catch {
        // As with any other one that cannot be had.
      }
    }
    const promise = new Promise<unknown>(hold) as Promise<T>;
    this.#resolve = resolveHeld;
    this.#reject = rejectHeld;
    this.#wait();
    return promise;
  }

  #wait(): void {
    if (this.#state.isSettled) return this.#settled();
    if (runningJob() !== undefined) promote(this.#state);
    this.#state.onSettled(this);
  }

  #settled(): void {
    const loading = this.#state.outcome?.value.load?.(
      new AbortController().signal,
    );
    if (loading === undefined) this.#take();
    else loading.then(() => this.#take(), this.#reject);
  }

  #take(): void {
    try {
      const result = this.getResult();
      this.#resolve!(result);
      this.#resolve = undefined;
      this.#reject = undefined;
    } catch (error) {
      // Arguments are kept where something of the outcome is in a blob.
      const isLost = error instanceof ResultLostError &&
        this.#state.mayRunAgain;
      if (!isLost || !this.#state.mayLoseAgain()) return this.#reject!(error);
      runAgain(this.#state, error);
      this.#wait();
    }
  }
}
