/**
 * One web worker of the pool.
 *
 * A Task comes with others in a batch, or is a batch of its own. A batch takes
 * one slot of the worker, which runs its Tasks one after the other. A Task that
 * the worker has not begun can be taken back at any moment, also from a busy
 * worker: both sides change its shared flag, and who comes first has it.
 *
 * @module
 */

import { JobTimeoutError, WorkerLostError } from "../../errors.ts";
import type { CodeReference } from "../../task.ts";
import { LEAF_BYTES } from "../../value/encoded.ts";
import { encodeThrown } from "../../value/thrown.ts";
import type { Ending } from "../../worker/execute.ts";
import { permissionNeeded } from "../../worker/load.ts";
import {
  type DoneMessage,
  Flag,
  type FromWorker,
  PROTOCOL_VERSION,
  type RunMessage,
  type ToWorker,
  type WireCode,
} from "../../worker/protocol.ts";
import { fromWire, moveToWire, toWire } from "../../worker/wire.ts";
import type { PoolRun } from "./pool_run.ts";
import { canUnref, setRef } from "./worker_ref.ts";

/** How many Tasks travel together at most. */
export const MOST_TOGETHER = 64;

/** How long a worker may take to end a cancelled job, or to answer, in ms. */
const GRACE = 50;

/** How long the other jobs of a worker that does not answer may go on, in ms. */
const NEIGHBOUR_GRACE = 5_000;

/** In how many steps such a time is counted: a program that was itself held up must not take that for silence. */
const STEPS = 5;

/** After how long without progress the rest of a batch is taken back, in ms. */
const PATIENCE = 5;

/** How long an idle worker is kept where it would hold the program, in ms. */
const IDLE = 100;

const ENTRY = new URL("../../worker/web_worker.ts", import.meta.url);

/** What a worker tells its pool. */
export interface PoolWorkerOwner {
  /** A Task has its Outcome. */
  settled(run: PoolRun): void;
  /** A Task was not begun here and has to go elsewhere. */
  returned(run: PoolRun): void;
  /** A slot is free again. */
  freed(): void;
  /** The worker takes no more Tasks until its cancelled jobs have ended. */
  suspended(worker: PoolWorker): void;
  /** Every cancelled job has ended: the worker can go on. */
  recovered(worker: PoolWorker): void;
  /** The worker takes no more Tasks. */
  retired(worker: PoolWorker): void;
  /** The worker is gone; it could not be stopped if the job that keeps it busy is given. */
  gone(worker: PoolWorker, busyWith?: PoolRun): void;
}

/** The Tasks of one message that are still in their worker. */
interface Batch {
  readonly runs: Set<PoolRun>;
}

/** A web worker with the Tasks that it was given. */
export class PoolWorker {
  readonly #owner: PoolWorkerOwner;
  readonly #worker: Worker;
  readonly #flags: Int32Array;
  readonly #freeFlags: number[];
  /** The flags in use, by Task; a Task that was taken back keeps its flag until the worker has skipped it. */
  readonly #flagOf = new Map<number, number>();
  readonly #running = new Map<number, PoolRun>();
  readonly #batchOf = new Map<PoolRun, Batch>();
  /** Cancelled Tasks that have begun and not ended. */
  readonly #stopping = new Map<number, PoolRun>();
  /** How long each function takes here, in ms. */
  readonly #durations = new WeakMap<CodeReference, number>();
  /** Modules that this worker cannot import, since a script is parked in it. */
  readonly #refused = new Set<string>();
  #load = 0;
  #ready = false;
  #answers = true;
  /** The failed Task of which something may still be running here. */
  #remains: PoolRun | undefined;
  #graceIsOver = false;
  #heldByOwner = false;
  #retired = false;
  #gone = false;
  #progress = 0;
  #graceTimer: ReturnType<typeof setTimeout> | undefined;
  #recallTimer: ReturnType<typeof setTimeout> | undefined;
  #idleTimer: ReturnType<typeof setTimeout> | undefined;

  /**
   * Starts a worker with a number of slots.
   *
   * @throws if Deno cannot start one.
   */
  constructor(owner: PoolWorkerOwner, slots: number) {
    this.#owner = owner;
    this.#worker = new Worker(ENTRY, { type: "module", name: "hither" });
    const length = slots * MOST_TOGETHER;
    const flags = new SharedArrayBuffer(length * Int32Array.BYTES_PER_ELEMENT);
    this.#flags = new Int32Array(flags);
    this.#freeFlags = Array.from({ length }, (_, index) => index);
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

  /** How many slots are taken. */
  get load(): number {
    return this.#load;
  }

  /** Whether the worker cannot run that code. */
  cannotRun(code: CodeReference): boolean {
    return this.#refused.size > 0 && code.kind === "module" &&
      this.#refused.has(code.url);
  }

  /** How many Tasks with that code may come in one batch, if all of it is to take `time` ms at most. */
  room(code: CodeReference, time: number): number {
    const duration = this.#durations.get(code) ?? Infinity;
    const many = Math.floor(time / Math.max(duration, Number.EPSILON));
    return Math.max(
      1,
      Math.min(many, MOST_TOGETHER, this.#freeFlags.length),
    );
  }

  /**
   * Gives the worker Tasks, which take one slot: as many of them as are small
   * enough to travel together. A Task whose arguments cannot be sent fails;
   * returns whether there was another.
   */
  give(runs: Iterable<PoolRun>): boolean {
    const transfer: ArrayBuffer[] = [];
    const messages: RunMessage[] = [];
    const batch: Batch = { runs: new Set() };
    let bytes = 0;
    for (const run of runs) {
      try {
        const message = this.#message(run, transfer);
        messages.push(message);
        batch.runs.add(run);
        bytes += message.list.bytes.byteLength;
        if (bytes >= LEAF_BYTES || transfer.length > 0) break;
      } catch (error) {
        run.fail(error);
        this.#owner.settled(run);
      }
    }
    const [first] = messages;
    if (first === undefined) return false;
    for (const run of batch.runs) {
      run.worker = this;
      this.#running.set(run.task.id, run);
      this.#batchOf.set(run, batch);
    }
    if (this.#load++ === 0) this.#hold(true);
    if (messages.length === 1) this.#post(first, transfer);
    else {
      this.#post({ type: "batch", runs: messages }, transfer);
      this.#watchBatches();
    }
    for (const { task } of batch.runs) if (!task.timed) task.started();
    return true;
  }

  /** Tells a Task to stop; whatever it does, it is not waited for. */
  stop(run: PoolRun, reason: unknown): void {
    const { id } = run.task;
    const flag = this.#flagOf.get(id)!;
    if (!this.#takeBack(flag, Flag.CANCELLED)) {
      this.#stopping.set(id, run);
      Atomics.store(
        this.#flags,
        flag,
        reason instanceof JobTimeoutError ? Flag.TIMED_OUT : Flag.CANCELLED,
      );
      this.#tellToStop(run, reason);
      this.#owner.suspended(this);
      this.#recall();
    }
    this.#leave(run);
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
    this.#heldByOwner = true;
    if (this.#graceTimer !== undefined) Deno.refTimer(this.#graceTimer);
  }

  /**
   * The message that gives the worker a Task.
   *
   * @throws {ArgumentChangedError} and others, if the arguments cannot be sent.
   */
  #message({ task }: PoolRun, transfer: ArrayBuffer[]): RunMessage {
    const { list, upstream } = task.arguments();
    const message: RunMessage = {
      type: "run",
      task: task.id,
      key: task.key,
      name: task.name,
      version: task.version,
      code: wireCode(task.code, transfer),
      list: toWire(list, transfer),
      upstream: upstream.map((value) => toWire(value, transfer)),
      digest: task.digest,
      timed: task.timed,
      flag: this.#freeFlags.at(-1)!,
    };
    this.#freeFlags.pop();
    this.#flagOf.set(task.id, message.flag);
    Atomics.store(this.#flags, message.flag, Flag.SENT);
    return message;
  }

  #receive(message: FromWorker): void {
    switch (message.type) {
      case "hello":
        this.#ready = true;
        return;
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
      case "skipped":
        return this.#notRun(message.task, message.type === "refused");
    }
  }

  #done(message: DoneMessage): void {
    this.#progress++;
    const run = this.#running.get(message.task);
    if (run === undefined) return this.#stopped(message);
    run.settle(endingFrom(message));
    this.#learn(run.task.code, message);
    if (message.retire) {
      this.#remains = run;
      this.#tellToStop(run, new WorkerLostError("The worker is retired"));
      this.retire();
      this.#recall();
    }
    this.#freeFlag(message.task);
    this.#owner.settled(run);
    this.#leave(run);
  }

  /** A cancelled Task has ended. */
  #stopped({ task, retire }: DoneMessage): void {
    this.#freeFlag(task);
    if (!this.#stopping.delete(task)) return;
    this.#answers = true;
    if (retire) this.retire();
    if (this.#stopping.size === 0 && !this.#retired) this.#recover();
    this.#endIfDone();
  }

  #notRun(id: number, refused: boolean): void {
    this.#freeFlag(id);
    this.#stopping.delete(id);
    const run = this.#running.get(id);
    if (run === undefined) return this.#endIfDone();
    const { code } = run.task;
    if (refused && code.kind === "module") this.#refused.add(code.url);
    this.#owner.returned(run);
    this.#leave(run);
  }

  /** Ends the stay of a Task; with the last one of a batch a slot is free. */
  #leave(run: PoolRun): void {
    const batch = this.#batchOf.get(run);
    if (batch === undefined) return;
    this.#batchOf.delete(run);
    this.#running.delete(run.task.id);
    run.worker = undefined;
    batch.runs.delete(run);
    if (batch.runs.size > 0) return;
    if (--this.#load === 0) this.#hold(false);
    this.#endIfDone();
    this.#owner.freed();
  }

  #freeFlag(id: number): void {
    const flag = this.#flagOf.get(id);
    if (flag === undefined) return;
    this.#flagOf.delete(id);
    this.#freeFlags.push(flag);
  }

  /** Takes back what the worker has not begun. */
  #recall(): void {
    const runs = [...this.#running.values()].filter(({ task }) =>
      this.#takeBack(this.#flagOf.get(task.id)!, Flag.RECALLED)
    );
    // Each goes to the front of the queue: the last one first.
    for (const run of runs.reverse()) {
      this.#owner.returned(run);
      this.#leave(run);
    }
  }

  #takeBack(flag: number, because: number): boolean {
    return Atomics.compareExchange(this.#flags, flag, Flag.SENT, because) ===
      Flag.SENT;
  }

  /** Takes the rest of a batch back if it does not get on. */
  #watchBatches(): void {
    if (this.#recallTimer !== undefined) return;
    const before = this.#progress;
    this.#recallTimer = setTimeout(() => {
      this.#recallTimer = undefined;
      if (this.#running.size <= this.#load) return;
      if (this.#progress === before) this.#recall();
      else this.#watchBatches();
    }, PATIENCE);
  }

  /** Remembers how long a function takes: a longer time at once, a shorter one by and by. */
  #learn(code: CodeReference, { timing }: DoneMessage): void {
    const before = this.#durations.get(code) ?? 0;
    const now = timing.duration;
    this.#durations.set(code, now > before ? now : (3 * before + now) / 4);
  }

  #recover(): void {
    clearTimeout(this.#graceTimer);
    this.#graceTimer = undefined;
    this.#owner.recovered(this);
  }

  /** Asks for a sign of life; without one the worker is busy. */
  #tellToStop({ task }: PoolRun, reason: unknown): void {
    this.#answers = false;
    const transfer: ArrayBuffer[] = [];
    const wire = moveToWire(encodeThrown(reason), transfer);
    this.#post({ type: "cancel", task: task.id, reason: wire }, transfer);
    this.#startTimer(GRACE);
  }

  #graceOver(): void {
    this.#graceIsOver = true;
    if (this.#load === 0) return this.#endBusyOrNot();
    this.retire();
    if (!this.#answers) this.#startTimer(NEIGHBOUR_GRACE);
  }

  #neighboursGraceOver(): void {
    const { name, version } = this.#culprit().task;
    this.#endBusyOrNot();
    this.#failAll((who) =>
      new WorkerLostError(
        `${who} shared its worker with ${name} ${version}, which does not stop: use jobsPerWorker only for functions that wait, or call hi.current().throwIfAborted() in loops`,
      )
    );
  }

  #endIfDone(): void {
    if (!this.#retired || this.#load > 0) return;
    const stopped = this.#stopping.size === 0 && this.#answers;
    if (stopped || this.#graceIsOver) this.#endBusyOrNot();
  }

  #endBusyOrNot(): void {
    this.#end(this.#answers ? undefined : this.#culprit());
  }

  /** The Task that may keep the worker busy. */
  #culprit(): PoolRun {
    const [stopping] = this.#stopping.values();
    return (stopping ?? this.#remains)!;
  }

  /** The worker has ended by itself, or never began. */
  #lost(reason: string): void {
    if (this.#gone) return;
    this.#answers = true;
    this.#stopping.clear();
    this.retire();
    // A worker that never was ready would not be so the next time either.
    if (this.#ready) this.#recall();
    this.#end();
    this.#failAll((who) =>
      permissionNeeded(`Cannot run ${who} in a worker`, reason, undefined) ??
        new WorkerLostError(`The worker that ran ${who} has ended: ${reason}`)
    );
  }

  #failAll(errorFor: (who: string) => Error): void {
    for (const run of [...this.#running.values()]) {
      run.fail(errorFor(`${run.task.name} ${run.task.version}`));
      this.#owner.settled(run);
      this.#leave(run);
    }
  }

  #end(busyWith?: PoolRun): void {
    if (this.#gone) return;
    this.#gone = true;
    clearTimeout(this.#graceTimer);
    clearTimeout(this.#recallTimer);
    clearTimeout(this.#idleTimer);
    this.#worker.onmessage = null;
    // A busy worker goes on computing, but nobody waits for it.
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

  #startTimer(delay: number, steps = STEPS): void {
    clearTimeout(this.#graceTimer);
    const timer = setTimeout(() => {
      this.#graceTimer = undefined;
      if (steps > 1) this.#startTimer(delay, steps - 1);
      else if (delay === GRACE) this.#graceOver();
      else this.#neighboursGraceOver();
    }, delay / STEPS);
    this.#graceTimer = timer;
    if (!this.#heldByOwner) Deno.unrefTimer(timer);
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
