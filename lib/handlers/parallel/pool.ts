/**
 * A pool of web workers: which Task runs where, and when.
 *
 * Invariants: at most `numWorkers` workers take Tasks (`#usable`), and at most
 * `numWorkers * jobsPerWorker` Tasks run (`#running`). A worker with a cancelled
 * job is not usable until that job has ended, and does not count.
 *
 * @module
 */

import { HandlerClosedError, WorkerLostError } from "../../errors.ts";
import type { Outcome, Task } from "../../task.ts";
import { warn } from "../../warn.ts";
import { installConsole } from "../../worker/console.ts";
import { permissionNeeded } from "../../worker/load.ts";
import { Queue } from "../queue.ts";
import { PoolRun } from "./pool_run.ts";
import { PoolWorker, type PoolWorkerOwner } from "./pool_worker.ts";

/** Runs Tasks on web workers. */
export class Pool implements PoolWorkerOwner {
  readonly #numWorkers: number;
  readonly #jobsPerWorker: number;
  readonly #waiting = new Queue<PoolRun>();
  readonly #runs = new Map<Task, PoolRun>();
  readonly #usable = new Set<PoolWorker>();
  readonly #workers = new Set<PoolWorker>();
  #running = 0;
  #scheduled = false;
  #abandoned = 0;
  #closing: PromiseWithResolvers<void> | undefined;

  /** Makes a pool; workers start with the first Task. */
  constructor(numWorkers: number, jobsPerWorker: number) {
    this.#numWorkers = numWorkers;
    this.#jobsPerWorker = jobsPerWorker;
    installConsole();
  }

  /** How many workers could not be stopped. */
  get abandoned(): number {
    return this.#abandoned;
  }

  /** Runs a Task when a worker is free. */
  run(task: Task): Promise<Outcome> {
    return new Promise((resolve) => {
      const run = new PoolRun(task, resolve);
      if (this.#closing !== undefined) return run.fail(closedError(task));
      this.#runs.set(task, run);
      run.place = this.#waiting.push(run);
      this.#schedule();
    });
  }

  /** Drops a Task that waits, or tells a running one to stop and frees its place. */
  cancel(task: Task, reason: unknown): void {
    const run = this.#runs.get(task);
    if (run === undefined) return;
    this.#runs.delete(task);
    this.#waiting.remove(run.place);
    if (run.worker !== undefined) {
      this.#running--;
      this.#usable.delete(run.worker);
      run.worker.stop(run, reason);
      this.#schedule();
    }
    run.fail(reason);
  }

  /** Fails what waits and what runs; resolves when every worker is gone. */
  close(): Promise<void> {
    if (this.#closing !== undefined) return this.#closing.promise;
    this.#closing = Promise.withResolvers();
    for (const task of [...this.#runs.keys()]) {
      this.cancel(task, closedError(task));
    }
    for (const worker of [...this.#workers]) {
      worker.retire();
      worker.holdGrace();
    }
    if (this.#workers.size === 0) this.#closing.resolve();
    return this.#closing.promise;
  }

  left(worker: PoolWorker, run: PoolRun, refused: boolean): void {
    this.#running--;
    if (refused) {
      if (run.task.code.kind === "module") {
        worker.refuses.add(run.task.code.url);
      }
      run.place = this.#waiting.unshift(run);
    } else {
      this.#runs.delete(run.task);
    }
    this.#fill();
  }

  recovered(worker: PoolWorker): void {
    // Another may have taken its place meanwhile.
    if (this.#usable.size >= this.#numWorkers) return worker.retire();
    this.#usable.add(worker);
    this.#fill();
  }

  retired(worker: PoolWorker): void {
    this.#usable.delete(worker);
  }

  gone(worker: PoolWorker, busyWith?: PoolRun): void {
    this.#usable.delete(worker);
    this.#workers.delete(worker);
    if (busyWith !== undefined) {
      if (this.#abandoned++ === 0) warnAbandoned(busyWith.task);
    }
    if (this.#workers.size === 0) this.#closing?.resolve();
    this.#schedule();
  }

  // In a turn of its own: then it is known how many Tasks wait, and `cancel`
  // comes before the start of a worker.
  #schedule(): void {
    if (this.#scheduled || this.#waiting.size === 0) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      this.#fill();
    });
  }

  /** Gives Tasks to workers as long as there are both. */
  #fill(): void {
    while (this.#running < this.#numWorkers * this.#jobsPerWorker) {
      const run = this.#waiting.first;
      if (run === undefined) return;
      try {
        const worker = this.#workerFor(run);
        if (worker === undefined) return;
        this.#waiting.remove(run.place);
        worker.give(run);
        this.#running++;
      } catch (error) {
        this.#waiting.remove(run.place);
        this.#runs.delete(run.task);
        run.fail(error);
      }
    }
  }

  #workerFor(run: PoolRun): PoolWorker | undefined {
    let shared: PoolWorker | undefined;
    let useless: PoolWorker | undefined;
    for (const worker of this.#usable) {
      if (worker.cannotRun(run.task.code)) {
        if (worker.load === 0) useless = worker;
      } else if (worker.load === 0) {
        return worker;
      } else if (
        worker.load < this.#jobsPerWorker &&
        !(shared && shared.load <= worker.load)
      ) {
        shared = worker;
      }
    }
    if (this.#usable.size < this.#numWorkers) return this.#start(run.task);
    if (shared === undefined && useless !== undefined) {
      useless.retire();
      return this.#start(run.task);
    }
    return shared;
  }

  #start(task: Task): PoolWorker {
    let worker: PoolWorker;
    try {
      worker = new PoolWorker(this, this.#jobsPerWorker);
    } catch (error) {
      throw startError(task, error);
    }
    this.#workers.add(worker);
    this.#usable.add(worker);
    return worker;
  }
}

function startError({ name, version }: Task, error: unknown): Error {
  const reason = error instanceof Error ? error.message : String(error);
  const what = `Cannot start a worker for ${name} ${version}`;
  return permissionNeeded(what, reason, error) ??
    new WorkerLostError(`${what}: ${reason}`, { cause: error });
}

function closedError({ name, version }: Task): HandlerClosedError {
  return new HandlerClosedError(
    `Cannot run ${name} ${version} as its job handler was disposed: wait for the jobs (await hi.wait()) before the handler goes`,
  );
}

function warnAbandoned({ name, version }: Task): void {
  warn(
    `a worker was given up, since ${name} ${version} was to stop and went on computing: call hi.current().throwIfAborted() in its loops (more such workers are counted in the handler's "abandoned", without a word)`,
  );
}
