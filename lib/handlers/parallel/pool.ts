/**
 * A pool of web workers: which Task runs where, and when.
 *
 * Invariants: at most `numWorkers` workers take Tasks (`#usable`), and at most
 * `numWorkers * jobsPerWorker` slots are taken. A slot runs one Task at a time. A worker with a cancelled
 * job is not usable until that job has ended, and does not count.
 *
 * @module
 */

import { errorText } from "../../error_text.ts";
import { HandlerClosedError, WorkerLostError } from "../../errors.ts";
import { interruptionReason } from "../../outstanding.ts";
import type { Outcome, Task } from "../../task.ts";
import { warn } from "../../warn.ts";
import { installConsole } from "../../worker/console.ts";
import { permissionNeeded } from "../../worker/load.ts";
import { Queue } from "../../queue.ts";
import { PoolRun } from "./pool_run.ts";
import {
  ENTRY,
  namesOf,
  PoolWorker,
  type PoolWorkerOwner,
} from "./pool_worker.ts";

/** How long Tasks that travel together may take together, in ms. */
const TIME_TOGETHER = 1;

/** Runs Tasks on web workers. */
export class Pool implements PoolWorkerOwner {
  readonly #numWorkers: number;
  readonly #jobsPerWorker: number;
  readonly #slots: number;
  readonly #waiting = new Queue<PoolRun>();
  readonly #runs = new Map<Task, PoolRun>();
  readonly #usable = new Set<PoolWorker>();
  readonly #workers = new Set<PoolWorker>();
  #slotsTaken = 0;
  #scheduled = false;
  #abandoned = 0;
  #closing: PromiseWithResolvers<void> | undefined;

  /** Makes a pool; workers start with the first Task. */
  constructor(numWorkers: number, jobsPerWorker: number) {
    this.#numWorkers = numWorkers;
    this.#jobsPerWorker = jobsPerWorker;
    this.#slots = numWorkers * jobsPerWorker;
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
      run.place = this.#waiting.push(run, task.priority);
      this.#schedule();
    });
  }

  /** Drops a Task that waits, or tells a running one to stop and frees its place. */
  cancel(task: Task, reason: unknown): void {
    const run = this.#runs.get(task);
    if (run === undefined) return;
    this.#runs.delete(task);
    this.#waiting.remove(run.place);
    run.worker?.stop(run, reason);
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

  settled(run: PoolRun): void {
    this.#runs.delete(run.task);
  }

  returned(run: PoolRun): void {
    run.place = this.#waiting.unshift(run, run.task.priority);
    this.#schedule();
  }

  freed(): void {
    this.#slotsTaken--;
    this.#schedule();
  }

  roomFreed(): void {
    this.#schedule();
  }

  suspended(worker: PoolWorker): void {
    this.#usable.delete(worker);
  }

  recovered(worker: PoolWorker): void {
    // Another may have taken its place meanwhile.
    const full = this.#usable.size >= this.#numWorkers;
    if (full || this.#closing !== undefined) return worker.retire();
    this.#usable.add(worker);
    this.#schedule();
  }

  retired(worker: PoolWorker): void {
    this.#usable.delete(worker);
  }

  gone(worker: PoolWorker, busyWith: readonly PoolRun[]): void {
    this.#usable.delete(worker);
    this.#workers.delete(worker);
    if (busyWith.length > 0) {
      const isFirst = this.#abandoned++ === 0;
      // Who ends the program does not ask for the worker.
      if (isFirst && interruptionReason() === undefined) {
        warnAbandoned(busyWith);
      }
    }
    if (this.#workers.size === 0) this.#closing?.resolve();
    this.#schedule();
  }

  // When the caller has done: then it is known how many Tasks wait, and what is
  // cancelled in one go is not started in between.
  #schedule(): void {
    if (this.#scheduled || this.#waiting.size === 0) return;
    if (this.#closing !== undefined) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      this.#fill();
    });
  }

  /** Gives Tasks to workers as long as there are both. */
  #fill(): void {
    while (this.#slotsTaken < this.#slots) {
      const run = this.#waiting.first;
      if (run === undefined) return;
      try {
        const worker = this.#workerFor(run);
        if (worker === undefined) return;
        if (worker.give(this.#takeTogether(run, worker))) this.#slotsTaken++;
      } catch (error) {
        this.#waiting.remove(run.place);
        this.#runs.delete(run.task);
        run.fail(error);
      }
    }
  }

  /**
   * Takes the first Task out of the queue, and those behind it that call the
   * same function, as long as that is known to be quick: sending a message costs
   * more than running it.
   */
  *#takeTogether(first: PoolRun, worker: PoolWorker): Generator<PoolRun> {
    const { code, timed } = first.task;
    const share = Math.ceil(this.#waiting.size / this.#slots);
    const most = Math.min(share, worker.room(code, TIME_TOGETHER));
    this.#waiting.remove(first.place);
    yield first;
    for (let taken = 1; taken < most && !timed; taken++) {
      const next = this.#waiting.first;
      if (next?.task.code !== code || next.task.timed) return;
      this.#waiting.remove(next.place);
      yield next;
    }
  }

  #workerFor(run: PoolRun): PoolWorker | undefined {
    let shared: PoolWorker | undefined;
    let useless: PoolWorker | undefined;
    for (const worker of this.#usable) {
      if (worker.cannotRun(run.task.code)) {
        if (worker.load === 0) useless = worker;
      } else if (worker.full) {
        continue;
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
      checkPermission();
      worker = new PoolWorker(this, this.#jobsPerWorker);
    } catch (error) {
      throw startError(task, error);
    }
    this.#workers.add(worker);
    this.#usable.add(worker);
    return worker;
  }
}

/**
 * Asks before a worker is started: Deno prints by itself what goes wrong in one.
 *
 * @throws {Deno.errors.NotCapable} if a worker could not read its own file.
 */
function checkPermission(): void {
  if (ENTRY.protocol !== "file:") return;
  const read = { name: "read", path: ENTRY } as const;
  if (Deno.permissions.querySync(read).state === "granted") return;
  if (Deno.permissions.requestSync(read).state === "granted") return;
  throw new Deno.errors.NotCapable(
    `Requires read access to ${ENTRY}, run again with the --allow-read flag`,
  );
}

function startError({ name, version }: Task, error: unknown): Error {
  const reason = errorText(error);
  const what = `Cannot start a worker for ${name} ${version}`;
  return permissionNeeded(what, reason, error) ??
    new WorkerLostError(`${what}: ${reason}`, { cause: error, suspects: 0 });
}

function closedError({ name, version }: Task): HandlerClosedError {
  return new HandlerClosedError(
    `Cannot run ${name} ${version} as its job handler was disposed: wait for the jobs (await hi.wait()) before the handler goes`,
  );
}

function warnAbandoned(busyWith: readonly PoolRun[]): void {
  const names = namesOf(busyWith);
  const who = busyWith.length === 1 ? names : `one of its jobs (${names})`;
  warn(
    `a worker was given up, since ${who} was to stop and went on computing: call hi.current().throwIfAborted() in its loops (more such workers are counted in the handler's "abandoned", without a word)`,
  );
}
