/**
 * One web worker of the pool.
 *
 * @module
 */

import { JobTimeoutError, WorkerLostError } from "../../errors.ts";
import type { CodeReference } from "../../task.ts";
import { encodeThrown } from "../../value/thrown.ts";
import { CANCELLED, type Ending, TIMED_OUT } from "../../worker/execute.ts";
import { permissionNeeded } from "../../worker/load.ts";
import {
  type DoneMessage,
  type FromWorker,
  PROTOCOL_VERSION,
  type RunMessage,
  type ToWorker,
  type WireCode,
} from "../../worker/protocol.ts";
import { fromWire, moveToWire, toWire } from "../../worker/wire.ts";
import { mayBeBusy } from "./exit_guard.ts";
import type { PoolRun } from "./pool_run.ts";
import { canUnref, setRef } from "./worker_ref.ts";

/** How long a worker may take to end a cancelled job, or to answer, in ms. */
const GRACE = 50;

/** How long the other jobs of a worker that does not answer may go on, in ms. */
const NEIGHBOUR_GRACE = 5_000;

/** How long an idle worker is kept where it would hold the program, in ms. */
const IDLE = 100;

const ENTRY = new URL("../../worker/web_worker.ts", import.meta.url);

/** What a worker tells its pool. */
export interface PoolWorkerOwner {
  /** A Task has left the worker, with its Outcome or because it was refused. */
  left(worker: PoolWorker, run: PoolRun, refused: boolean): void;
  /** Every cancelled job has ended: the worker can go on. */
  recovered(worker: PoolWorker): void;
  /** The worker takes no more Tasks. */
  retired(worker: PoolWorker): void;
  /** The worker is gone; it could not be stopped if the job that keeps it busy is given. */
  gone(worker: PoolWorker, busyWith?: PoolRun): void;
}

/** A web worker with the Tasks that it was given. */
export class PoolWorker {
  /** The modules that this worker cannot import any more. */
  readonly refuses = new Set<string>();
  readonly #owner: PoolWorkerOwner;
  readonly #worker: Worker;
  readonly #flags: Int32Array;
  readonly #freeFlags: number[];
  readonly #flagOf = new Map<number, number>();
  readonly #running = new Map<number, PoolRun>();
  /** Cancelled Tasks that have not ended. */
  readonly #stopping = new Map<number, PoolRun>();
  #answers = true;
  /** The failed Task of which something may still be running here. */
  #remains: PoolRun | undefined;
  #graceIsOver = false;
  #retired = false;
  #gone = false;
  #graceTimer: ReturnType<typeof setTimeout> | undefined;
  #idleTimer: ReturnType<typeof setTimeout> | undefined;

  /**
   * Starts a worker.
   *
   * @throws if Deno cannot start one.
   */
  constructor(owner: PoolWorkerOwner, jobs: number) {
    this.#owner = owner;
    this.#worker = new Worker(ENTRY, { type: "module", name: "hither" });
    const flags = new SharedArrayBuffer(jobs * Int32Array.BYTES_PER_ELEMENT);
    this.#flags = new Int32Array(flags);
    this.#freeFlags = Array.from({ length: jobs }, (_, index) => index);
    this.#worker.onmessage = (event) => this.#receive(event.data);
    this.#worker.onerror = (event) => {
      // Otherwise the program would end.
      event.preventDefault();
      this.#lost(event.message);
    };
    this.#worker.onmessageerror = () =>
      this.#lost("a message could not be read");
    this.#post({ type: "begin", protocol: PROTOCOL_VERSION, flags });
    this.#hold(false);
  }

  /** How many Tasks run here, not counting those that were cancelled. */
  get load(): number {
    return this.#running.size;
  }

  /** Whether the worker cannot run that code, since a script is parked in it. */
  cannotRun(code: CodeReference): boolean {
    return this.refuses.size > 0 && code.kind === "module" &&
      this.refuses.has(code.url);
  }

  /**
   * Gives the worker a Task.
   *
   * @throws {ArgumentChangedError} and others, if the arguments cannot be sent.
   */
  give(run: PoolRun): void {
    const { task } = run;
    const flag = this.#freeFlags.at(-1)!;
    const transfer: ArrayBuffer[] = [];
    const { list, upstream } = task.arguments();
    const message: RunMessage = {
      type: "run",
      task: task.id,
      key: task.key,
      name: task.name,
      version: task.version,
      code: wireCode(task.code, transfer),
      list: toWire(list, transfer),
      upstream: upstream.length === 0
        ? []
        : upstream.map((value) => toWire(value, transfer)),
      digest: task.digest,
      timed: task.timed,
      flag,
    };
    Atomics.store(this.#flags, flag, 0);
    this.#post(message, transfer);
    this.#freeFlags.pop();
    this.#flagOf.set(task.id, flag);
    this.#running.set(task.id, run);
    run.worker = this;
    if (this.#running.size === 1) this.#hold(true);
    if (!task.timed) task.started();
  }

  /** Tells a running Task to stop; whatever it does, it is not waited for. */
  stop(run: PoolRun, reason: unknown): void {
    const { id } = run.task;
    if (!this.#running.delete(id)) return;
    this.#stopping.set(id, run);
    Atomics.store(
      this.#flags,
      this.#flagOf.get(id)!,
      reason instanceof JobTimeoutError ? TIMED_OUT : CANCELLED,
    );
    this.#tellToStop(run, reason);
    if (this.#running.size === 0) this.#hold(false);
  }

  /** Takes no more Tasks, and ends when it has none left. */
  retire(): void {
    if (this.#gone) return;
    if (!this.#retired) {
      this.#retired = true;
      this.#owner.retired(this);
    }
    this.#endIfDone();
  }

  /** Makes the program wait until a cancelled job has had its grace. */
  holdGrace(): void {
    if (this.#graceTimer !== undefined) Deno.refTimer(this.#graceTimer);
  }

  #receive(message: FromWorker): void {
    switch (message.type) {
      case "started":
        return this.#running.get(message.task)?.task.started();
      case "event":
        return this.#running.get(message.task)?.report(message.event);
      case "acknowledged":
        this.#answers = true;
        return this.#endIfDone();
      case "done":
        return this.#done(message);
      case "refused":
        return this.#leave(message.task, true);
    }
  }

  #done(message: DoneMessage): void {
    const run = this.#running.get(message.task);
    run?.settle(endingFrom(message));
    if (message.retire && run !== undefined) {
      this.#remains = run;
      this.#tellToStop(run, new WorkerLostError("The worker is retired"));
      this.retire();
    }
    this.#leave(message.task, false);
  }

  /** Ends the stay of a Task. */
  #leave(id: number, refused: boolean): void {
    const flag = this.#flagOf.get(id);
    if (flag === undefined) return;
    this.#flagOf.delete(id);
    this.#freeFlags.push(flag);
    const run = this.#running.get(id);
    if (run !== undefined) {
      this.#running.delete(id);
      run.worker = undefined;
      if (this.#running.size === 0) this.#hold(false);
    } else if (this.#stopping.delete(id)) {
      this.#answers = true;
      if (this.#stopping.size === 0 && !this.#retired) this.#recover();
    }
    this.#endIfDone();
    if (run !== undefined) this.#owner.left(this, run, refused);
  }

  #recover(): void {
    clearTimeout(this.#graceTimer);
    this.#graceTimer = undefined;
    mayBeBusy.delete(this);
    this.#owner.recovered(this);
  }

  /** Asks for a sign of life; without one the worker is busy. */
  #tellToStop({ task }: PoolRun, reason: unknown): void {
    this.#answers = false;
    const transfer: ArrayBuffer[] = [];
    const wire = moveToWire(encodeThrown(reason), transfer);
    this.#post({ type: "cancel", task: task.id, reason: wire }, transfer);
    mayBeBusy.add(this);
    this.#startTimer(GRACE);
  }

  #graceOver(): void {
    this.#graceIsOver = true;
    if (this.#running.size === 0) return this.#endBusyOrNot();
    this.retire();
    if (!this.#answers) this.#startTimer(NEIGHBOUR_GRACE);
  }

  #neighboursGraceOver(): void {
    const { name, version } = this.#culprit().task;
    const runs = [...this.#running.values()];
    this.#running.clear();
    this.#endBusyOrNot();
    for (const run of runs) {
      run.worker = undefined;
      run.fail(
        new WorkerLostError(
          `${run.task.name} ${run.task.version} shared its worker with ${name} ${version}, which does not stop: use jobsPerWorker only for functions that wait, or call hi.current().throwIfAborted() in loops`,
        ),
      );
      this.#owner.left(this, run, false);
    }
  }

  #endIfDone(): void {
    if (!this.#retired || this.#running.size > 0) return;
    const stopped = this.#stopping.size === 0 && this.#answers;
    if (stopped || this.#graceIsOver) this.#endBusyOrNot();
  }

  #endBusyOrNot(): void {
    if (this.#answers) {
      mayBeBusy.delete(this);
      this.#end();
    } else {
      this.#end(this.#culprit());
    }
  }

  /** The Task that may keep the worker busy. */
  #culprit(): PoolRun {
    const [stopping] = this.#stopping.values();
    return (stopping ?? this.#remains)!;
  }

  /** The worker has ended by itself, or never began. */
  #lost(reason: string): void {
    if (this.#gone) return;
    const runs = [...this.#running.values()];
    this.#running.clear();
    mayBeBusy.delete(this);
    this.#end();
    for (const run of runs) {
      run.worker = undefined;
      run.fail(lostError(`${run.task.name} ${run.task.version}`, reason));
      this.#owner.left(this, run, false);
    }
  }

  #end(busyWith?: PoolRun): void {
    if (this.#gone) return;
    this.#gone = true;
    clearTimeout(this.#graceTimer);
    clearTimeout(this.#idleTimer);
    this.#worker.onmessage = null;
    if (canUnref) setRef(this.#worker, false);
    this.#worker.terminate();
    this.#owner.gone(this, busyWith);
  }

  /** Whether the program must wait for this worker. */
  #hold(busy: boolean): void {
    if (this.#gone) return;
    if (canUnref) return setRef(this.#worker, busy);
    clearTimeout(this.#idleTimer);
    if (!busy) this.#idleTimer = setTimeout(() => this.retire(), IDLE);
  }

  #startTimer(delay: number): void {
    clearTimeout(this.#graceTimer);
    const timer = setTimeout(() => {
      this.#graceTimer = undefined;
      if (delay === GRACE) this.#graceOver();
      else this.#neighboursGraceOver();
    }, delay);
    Deno.unrefTimer(timer);
    this.#graceTimer = timer;
  }

  #post(message: ToWorker, transfer: ArrayBuffer[] = []): void {
    this.#worker.postMessage(message, transfer);
  }
}

function endingFrom(message: DoneMessage): Ending {
  const { status, timing, contribution, lost } = message;
  const value = fromWire(message.value);
  if (status === "error") {
    return lost ? { status, value, timing, lost } : { status, value, timing };
  }
  return contribution === undefined
    ? { status, value, timing }
    : { status, value, timing, contribution };
}

function wireCode(code: CodeReference, transfer: ArrayBuffer[]): WireCode {
  return code.kind === "module"
    ? code
    : { ...code, values: toWire(code.values, transfer) };
}

function lostError(what: string, reason: string): Error {
  return permissionNeeded(
    `Cannot run ${what} in a worker`,
    reason,
    undefined,
  ) ??
    new WorkerLostError(`The worker that ran ${what} has ended: ${reason}`);
}
