/**
 * The workers of a pool: which one a Task gets, and when one is started.
 *
 * @module
 */

import { interruptionReason } from "../../outstanding.ts";
import { warn } from "../../warn.ts";
import type { WaitingTask } from "./chunk_run.ts";
import type { Isolation, Needs } from "./connection.ts";
import type { PoolOptions } from "./pool.ts";
import type { PoolRun, QueuedRun } from "./pool_run.ts";
import { namesOf, PoolWorker } from "./pool_worker.ts";
import type { PoolWorkerOwner } from "./pool_worker_owner.ts";
import { startError } from "./start_error.ts";
import type { TaskNeeds } from "./task_needs.ts";
import { WebConnection } from "./web_connection.ts";

/** The workers, and those among them that take Tasks. */
export class PoolWorkers {
  readonly #owner: PoolWorkerOwner;
  readonly #options: PoolOptions;
  readonly #needs: TaskNeeds;
  readonly #usable = new Set<PoolWorker>();
  readonly #all = new Set<PoolWorker>();
  #abandoned = 0;

  /** Makes it for a pool; there is no worker yet. */
  constructor(owner: PoolWorkerOwner, options: PoolOptions, needs: TaskNeeds) {
    this.#owner = owner;
    this.#options = options;
    this.#needs = needs;
  }

  /** How many could not be stopped. */
  get abandoned(): number {
    return this.#abandoned;
  }

  /** How many there are. */
  get size(): number {
    return this.#all.size;
  }

  /** All of them. */
  [Symbol.iterator](): Iterator<PoolWorker> {
    return this.#all.values();
  }

  /** Those that take Tasks. */
  get usable(): ReadonlySet<PoolWorker> {
    return this.#usable;
  }

  /** What one was given ahead, if another could do it that has nothing to do. */
  get shareable(): QueuedRun | undefined {
    for (const { ahead: { last } } of this.#usable) {
      if (last !== undefined && this.#hasIdleFor(last)) return last;
    }
    return undefined;
  }

  #hasIdleFor({ needs, task: { code } }: QueuedRun): boolean {
    for (const worker of this.#usable) {
      const isIdle = worker.load === 0 && !worker.full;
      if (isIdle && worker.suits(needs) && !worker.cannotRun(code)) return true;
    }
    return false;
  }

  /** Whether there is no place for one more of that kind that takes Tasks. */
  isFull(isolation: Isolation): boolean {
    return this.#count(isolation) >= this.#options.numWorkers;
  }

  /** A worker takes Tasks again. */
  resume(worker: PoolWorker): void {
    this.#usable.add(worker);
  }

  /** A worker takes no Tasks, for now or for ever. */
  suspend(worker: PoolWorker): void {
    this.#usable.delete(worker);
  }

  /** A worker is gone; it could not be stopped if Tasks are given, one of which keeps it busy. */
  delete(worker: PoolWorker, busyWith: readonly PoolRun[]): void {
    this.#usable.delete(worker);
    this.#all.delete(worker);
    if (busyWith.length === 0) return;
    const isFirst = this.#abandoned++ === 0;
    // Who ends the program does not ask for the worker.
    if (isFirst && interruptionReason() === undefined) warnAbandoned(busyWith);
  }

  /** The worker that a Task or items get, started if there can be one more; `undefined` if none has room. Throws if it cannot be started. */
  for({ task, needs }: QueuedRun): PoolWorker | undefined {
    let idle: PoolWorker | undefined;
    let shared: PoolWorker | undefined;
    let useless: PoolWorker | undefined;
    // A worker may have to be ended for such a Task: then nobody must be waiting in it.
    const isRisky = task.timed || needs.memory !== undefined;
    let spared = 0;
    for (const worker of this.#usable) {
      if (worker.isolation !== needs.isolation) {
        continue;
      } else if (isRisky && worker.paused > 0) {
        if (worker.load === 0) spared++;
      } else if (worker.cannotRun(task.code) || !worker.suits(needs)) {
        if (worker.load === 0) useless = worker;
      } else if (worker.full) {
        continue;
      } else if (worker.load === 0) {
        // Where few jobs wait, few are held up when they could go on.
        if (!(idle && idle.paused <= worker.paused)) idle = worker;
      } else if (
        // Who takes too much memory, of several jobs, nobody could say.
        worker.load < this.#options.jobsPerWorker &&
        needs.memory === undefined &&
        !(shared && shared.load <= worker.load)
      ) {
        shared = worker;
      }
    }
    if (idle !== undefined) return idle;
    if (this.#count(needs.isolation) - spared < this.#options.numWorkers) {
      return this.#start(task, needs);
    }
    if (shared === undefined && useless !== undefined) {
      useless.retire();
      return this.#start(task, needs);
    }
    return shared;
  }

  /** How many workers of that kind take Tasks. */
  #count(isolation: Isolation): number {
    let count = 0;
    for (const worker of this.#usable) {
      if (worker.isolation === isolation) count++;
    }
    return count;
  }

  #start(task: WaitingTask, needs: Needs): PoolWorker {
    let worker: PoolWorker;
    try {
      worker = new PoolWorker(
        this.#owner,
        (owner) =>
          needs.isolation === "worker"
            ? new WebConnection(owner, needs)
            : new this.#needs.processes!.ProcessConnection(owner, needs),
        this.#options.jobsPerWorker,
        this.#options.idleTimeout,
        this.#options.maxJobsPerWorker,
        this.#options.maxMemoryPerWorker,
      );
    } catch (error) {
      throw startError(task, error);
    }
    this.#all.add(worker);
    this.#usable.add(worker);
    return worker;
  }
}

function warnAbandoned(busyWith: readonly PoolRun[]): void {
  const names = namesOf(busyWith);
  const who = busyWith.length === 1 ? names : `one of its jobs (${names})`;
  warn(
    `a worker was given up, since ${who} was to stop and went on computing: call hi.current().throwIfAborted() in its loops (more such workers are counted in the handler's "abandoned", without a word)`,
  );
}
