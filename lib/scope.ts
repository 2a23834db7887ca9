/**
 * A scope: the options in force in it, and the count of the jobs submitted in
 * it, which is what `wait` waits for.
 *
 * @module
 */

import type { JobStatus } from "./job_state.ts";

/**
 * How many jobs of a scope there were, by what became of them.
 *
 * @example
 * ```ts
 * import * as hi from "@hither/hither";
 *
 * const f = hi.func("counts_f", "1", () => 1);
 * const counts = await hi.config({}, async () => {
 *   f.run();
 *   return await hi.wait();
 * });
 * console.assert(counts.finished === 1 && counts.error === 0);
 * ```
 */
export interface JobCounts {
  /** All jobs submitted so far. */
  readonly total: number;
  /** Those with a result. */
  readonly finished: number;
  /** Those among `finished` and `error` whose outcome was in the cache. */
  readonly cached: number;
  /** Those that failed. */
  readonly error: number;
  /** Those that were cancelled. */
  readonly cancelled: number;
}

/** Who waits for all jobs of a scope: what runs a job, or its way to the program. */
interface Waiter {
  readonly by: object;
}

/** One scope; `O` is what the options are. */
export class Scope<O> {
  options: O;
  /** What runs the job whose children these are, if it is the scope of a running job. */
  readonly owner: object | undefined;
  readonly #parent: Scope<O> | undefined;
  #outstanding = 0;
  readonly #counts = {
    total: 0,
    finished: 0,
    cached: 0,
    error: 0,
    cancelled: 0,
  };
  #idle: PromiseWithResolvers<void> | undefined;
  #waiters: Set<Waiter> | undefined;

  constructor(options: O, parent?: Scope<O>, owner?: object) {
    this.options = options;
    this.#parent = parent;
    this.owner = owner;
  }

  /** A scope inside of this one. */
  child(options: O, owner?: object): Scope<O> {
    return new Scope(options, this, owner);
  }

  /** What runs the job that a job submitted here is a child of. */
  get parentOwner(): object | undefined {
    return this.owner ?? this.#parent?.parentOwner;
  }

  /** A job was submitted here or inside. */
  enter(): void {
    this.#outstanding++;
    this.#counts.total++;
    this.#parent?.enter();
  }

  /** So many jobs that were submitted here or inside have settled. */
  leave(
    status: Exclude<JobStatus, "pending" | "queued" | "running">,
    cached: boolean,
    count = 1,
  ): void {
    this.#counts[status] += count;
    if (cached) this.#counts.cached += count;
    this.#outstanding -= count;
    if (this.#outstanding === 0) {
      this.#idle?.resolve();
      this.#idle = undefined;
    }
    this.#parent?.leave(status, cached, count);
  }

  /** A job that had settled runs again. */
  reenter(
    status: Exclude<JobStatus, "pending" | "queued" | "running">,
    cached: boolean,
  ): void {
    this.#outstanding++;
    this.#counts[status]--;
    if (cached) this.#counts.cached--;
    this.#parent?.reenter(status, cached);
  }

  /** Resolves once no job of this scope is outstanding. */
  idle(): Promise<void> {
    if (this.#outstanding === 0) return Promise.resolve();
    this.#idle ??= Promise.withResolvers<void>();
    return this.#idle.promise;
  }

  /** The running jobs that wait until no job of this scope is outstanding. */
  get waiters(): Set<Waiter> {
    return this.#waiters ??= new Set();
  }

  /** Whether a running job waits for the jobs of this scope or of one around it. */
  hasWaiters(): boolean {
    const own = this.#waiters !== undefined && this.#waiters.size > 0;
    return own || (this.#parent?.hasWaiters() ?? false);
  }

  /** Those that do. */
  allWaiters(): Waiter[] {
    return [...this.#waiters ?? [], ...this.#parent?.allWaiters() ?? []];
  }

  /** Whether it is this scope or one inside of it. */
  isInside(scope: object): boolean {
    return this === scope || (this.#parent?.isInside(scope) ?? false);
  }

  /** The counts so far. */
  counts(): JobCounts {
    return { ...this.#counts };
  }
}
