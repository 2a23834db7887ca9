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

import { errorText } from "../../error_text.ts";
import { JobTimeoutError, WorkerLostError } from "../../errors.ts";
import type { CodeReference } from "../../task.ts";
import { LEAF_BYTES } from "../../value/encoded.ts";
import { encodeThrown } from "../../value/thrown.ts";
import { isPlain, packBatch } from "../../worker/batch.ts";
import { showLive } from "../../worker/console.ts";
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
import { Durations } from "./durations.ts";
import { Patience } from "./patience.ts";
import type { PoolRun } from "./pool_run.ts";
import { TaskFlags } from "./task_flags.ts";
import { canUnref, setRef } from "../../worker_ref.ts";

/** How many Tasks travel together at most. */
const MOST_TOGETHER = 64;

/** How long a worker may take to end a cancelled job, or to answer, in ms. */
const GRACE = 50;

/** How long the other jobs of a worker that does not answer may go on, in ms. */
const NEIGHBOUR_GRACE = 5_000;

/** After how long without progress the rest of a batch is taken back, in ms. */
const BATCH_PATIENCE = 5;

/** How long an idle worker is kept where it would hold the program, in ms. */
const IDLE = 100;

/** The module with which a worker begins. */
export const ENTRY: URL = new URL(
  "../../worker/web_worker.ts",
  import.meta.url,
);

/** What a worker tells its pool. */
export interface PoolWorkerOwner {
  /** A Task has its Outcome. */
  settled(run: PoolRun): void;
  /** A Task was not begun here and has to go elsewhere. */
  returned(run: PoolRun): void;
  /** A slot is free again. */
  freed(): void;
  /** A worker that was full can take Tasks again. */
  roomFreed(): void;
  /** The worker takes no more Tasks until its cancelled jobs have ended. */
  suspended(worker: PoolWorker): void;
  /** Every cancelled job has ended: the worker can go on. */
  recovered(worker: PoolWorker): void;
  /** The worker takes no more Tasks. */
  retired(worker: PoolWorker): void;
  /** The worker is gone; it could not be stopped if Tasks are given, one of which keeps it busy. */
  gone(worker: PoolWorker, busyWith: readonly PoolRun[]): void;
}

/** The Tasks of one message that are still in their worker. */
type Batch = Set<PoolRun>;

/** A web worker with the Tasks that it was given. */
export class PoolWorker {
  readonly #owner: PoolWorkerOwner;
  readonly #grace = new Patience();
  readonly #worker: Worker;
  readonly #flags: TaskFlags;
  readonly #running = new Map<number, PoolRun>();
  readonly #batchOf = new Map<PoolRun, Batch>();
  /** Cancelled Tasks that have begun and not ended. */
  readonly #stopping = new Map<number, PoolRun>();
  readonly #durations = new Durations();
  /** Modules that this worker cannot import, since a script is parked in it. */
  readonly #refused = new Set<string>();
  #lastSent = 0;
  #load = 0;
  #ready = false;
  #answers = true;
  /** The failed Task of which something may still be running here. */
  #remains: PoolRun | undefined;
  #graceIsOver = false;
  #retired = false;
  #gone = false;
  #progress = 0;
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
    this.#flags = new TaskFlags(slots * MOST_TOGETHER);
    this.#worker.onmessage = (event) => this.#receive(event.data);
    this.#worker.onerror = (event) => {
      // Otherwise the program would end.
      event.preventDefault();
      this.#lost(event.message);
    };
    this.#worker.onmessageerror = () =>
      this.#lost("a message could not be read");
    this.#post({
      type: "begin",
      protocol: PROTOCOL_VERSION,
      flags: this.#flags.buffer,
    });
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

  /** Whether it takes nothing until it has answered: it was sent much that was taken back, and has not come to it. */
  get full(): boolean {
    return this.#flags.room === 0;
  }

  /** How many Tasks with that code may come in one batch, if all of it is to take `time` ms at most. */
  room(code: CodeReference, time: number): number {
    const many = Math.max(1, this.#durations.callsIn(time, code));
    return Math.min(many, MOST_TOGETHER, this.#flags.room);
  }

  /**
   * Gives the worker Tasks, which take one slot: as many of them as are small
   * enough to travel together. A Task whose arguments cannot be sent fails;
   * returns whether there was another.
   */
  give(runs: Iterable<PoolRun>): boolean {
    const transfer: ArrayBuffer[] = [];
    const messages: RunMessage[] = [];
    const batch: Batch = new Set();
    let bytes = 0;
    for (const run of runs) {
      try {
        const message = this.#message(run, transfer);
        run.sent = message.task;
        messages.push(message);
        batch.add(run);
        bytes += message.list.bytes.byteLength;
        if (bytes >= LEAF_BYTES || !isPlain(message)) break;
      } catch (error) {
        run.fail(error);
        this.#owner.settled(run);
      }
    }
    const [first] = messages;
    if (first === undefined) return false;
    for (const run of batch) {
      run.worker = this;
      this.#running.set(run.sent, run);
      this.#batchOf.set(run, batch);
    }
    if (this.#load++ === 0) this.#hold(true);
    if (messages.length === 1) this.#post(first, transfer);
    else {
      this.#post(packBatch(messages), transfer);
      this.#watchBatches();
    }
    for (const { task } of batch) if (!task.timed) task.started();
    return true;
  }

  /** Tells a Task to stop; whatever it does, it is not waited for. */
  stop(run: PoolRun, reason: unknown): void {
    if (!this.#flags.takeBack(run.sent, Flag.CANCELLED)) {
      this.#stopping.set(run.sent, run);
      const timedOut = reason instanceof JobTimeoutError;
      this.#flags.tell(run.sent, timedOut ? Flag.TIMED_OUT : Flag.CANCELLED);
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
    this.#grace.hold();
  }

  /**
   * The message that gives the worker a Task.
   *
   * @throws {ArgumentChangedError} and others, if the arguments cannot be sent.
   */
  #message({ task }: PoolRun, transfer: ArrayBuffer[]): RunMessage {
    const { list, upstream } = task.arguments();
    // Not the Task's own id: it may come to this worker twice, if it was taken back.
    const sent = ++this.#lastSent;
    return {
      type: "run",
      task: sent,
      key: task.key,
      name: task.name,
      version: task.version,
      code: wireCode(task.code, transfer),
      list: toWire(list, transfer),
      upstream: upstream.map((value) => toWire(value, transfer)),
      digest: task.digest,
      timed: task.timed,
      // Last: what is above may throw.
      flag: this.#flags.send(sent),
    };
  }

  /** Takes whatever came: it must not end the program, and a worker runs the code of others. */
  #receive(message: unknown): void {
    if (typeof message !== "object" || message === null) return;
    try {
      this.#take(message as FromWorker);
    } catch (error) {
      this.#lost(`a message of it makes no sense: ${errorText(error)}`);
    }
  }

  #take(message: FromWorker): void {
    switch (message.type) {
      case "hello":
        this.#ready = true;
        return;
      case "started":
        return this.#running.get(message.task)?.task.started();
      case "event":
        return this.#run(message.task)?.report(message.event);
      case "acknowledged":
        this.#answers = true;
        return this.#endIfDone();
      case "done":
        return this.#done(message);
      case "warning":
        return showLive(message.line, message.name && `[${message.name}] `);
      case "refused":
      case "skipped":
        return this.#notRun(message.task, message.type === "refused");
    }
  }

  /** A Task that has not ended, also one that was cancelled. */
  #run(id: number): PoolRun | undefined {
    return this.#running.get(id) ?? this.#stopping.get(id);
  }

  #done(message: DoneMessage): void {
    this.#progress++;
    const run = this.#running.get(message.task);
    if (run === undefined) return this.#stopped(message);
    run.settle(endingFrom(message));
    this.#durations.learn(run.task.code, message.timing.duration);
    if (message.retire) {
      // Those that end after the first have only shared its worker.
      this.#remains ??= run;
      this.#tellToStop(run, new WorkerLostError("The worker is retired"));
      this.retire();
      this.#recall();
    }
    this.#release(message.task);
    this.#owner.settled(run);
    this.#leave(run);
  }

  /** A cancelled Task has ended. */
  #stopped({ task, retire }: DoneMessage): void {
    this.#release(task);
    if (!this.#stopping.delete(task)) return;
    this.#answers = true;
    if (retire) this.retire();
    if (this.#stopping.size === 0 && !this.#retired) this.#recover();
    this.#endIfDone();
  }

  #notRun(id: number, refused: boolean): void {
    this.#release(id);
    this.#stopping.delete(id);
    const run = this.#running.get(id);
    if (run === undefined) return this.#endIfDone();
    const { code } = run.task;
    if (refused && code.kind === "module") this.#refused.add(code.url);
    this.#owner.returned(run);
    this.#leave(run);
  }

  /** The worker is done with a Task. */
  #release(id: number): void {
    const { full } = this;
    this.#flags.release(id);
    if (!full || this.full) return;
    if (this.#load === 0) this.#hold(false);
    this.#owner.roomFreed();
  }

  /** Ends the stay of a Task; with the last one of a batch a slot is free. */
  #leave(run: PoolRun): void {
    const batch = this.#batchOf.get(run);
    if (batch === undefined) return;
    this.#batchOf.delete(run);
    this.#running.delete(run.sent);
    run.worker = undefined;
    batch.delete(run);
    if (batch.size > 0) return;
    // For one that is full others may wait.
    if (--this.#load === 0 && !this.full) this.#hold(false);
    this.#endIfDone();
    this.#owner.freed();
  }

  /** Takes back what the worker has not begun. */
  #recall(): void {
    const runs = [...this.#running.values()].filter(({ sent }) =>
      this.#flags.takeBack(sent, Flag.RECALLED)
    );
    // Each goes to the front of the queue: the last one first.
    for (const run of runs.reverse()) {
      this.#owner.returned(run);
      this.#leave(run);
    }
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
    }, BATCH_PATIENCE);
  }

  #recover(): void {
    this.#grace.end();
    this.#owner.recovered(this);
  }

  /** Asks for a sign of life; without one the worker is busy. */
  #tellToStop({ sent }: PoolRun, reason: unknown): void {
    this.#answers = false;
    this.#graceIsOver = false;
    const transfer: ArrayBuffer[] = [];
    const wire = moveToWire(encodeThrown(reason), transfer);
    this.#post({ type: "cancel", task: sent, reason: wire }, transfer);
    this.#grace.begin(GRACE, () => this.#graceOver());
  }

  #graceOver(): void {
    this.#graceIsOver = true;
    if (this.#load === 0) return this.#endBusyOrNot();
    this.retire();
    if (this.#answers) return;
    this.#grace.begin(NEIGHBOUR_GRACE, () => this.#neighboursGraceOver());
  }

  #neighboursGraceOver(): void {
    const suspected = this.#suspects();
    const names = namesOf(suspected);
    this.#endBusyOrNot();
    this.#failAll((who) =>
      new WorkerLostError(
        `${who} is lost with its worker, which is kept busy (it ran ${names}): use jobsPerWorker only for functions that wait, or call hi.current().throwIfAborted() in loops`,
        { suspects: suspected.length },
      )
    );
  }

  #endIfDone(): void {
    if (!this.#retired || this.#load > 0) return;
    const stopped = this.#stopping.size === 0 && this.#answers;
    if (stopped || this.#graceIsOver) this.#endBusyOrNot();
  }

  #endBusyOrNot(): void {
    this.#end(this.#answers ? [] : this.#suspects());
  }

  /** The Tasks that may keep the worker busy: from outside it cannot be seen which one it is. */
  #suspects(): PoolRun[] {
    const remains = this.#remains === undefined ? [] : [this.#remains];
    return [...this.#stopping.values(), ...remains, ...this.#running.values()];
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
    const suspects = this.#ready ? this.#running.size : 0;
    this.#failAll((who) =>
      permissionNeeded(`Cannot run ${who} in a worker`, reason, undefined) ??
        new WorkerLostError(
          `The worker that ran ${who} has ended: ${reason}`,
          { suspects },
        )
    );
  }

  #failAll(errorFor: (who: string) => Error): void {
    for (const run of [...this.#running.values()]) {
      run.fail(errorFor(`${run.task.name} ${run.task.version}`));
      this.#owner.settled(run);
      this.#leave(run);
    }
  }

  #end(busyWith: readonly PoolRun[] = []): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#grace.end();
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

  #post(message: ToWorker, transfer: ArrayBuffer[] = []): void {
    this.#worker.postMessage(message, transfer);
  }
}

/** The functions of Tasks, each once, for messages. */
export function namesOf(runs: readonly PoolRun[]): string {
  const names = runs.map(({ task }) => `${task.name} ${task.version}`);
  return [...new Set(names)].join(", ");
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
