/**
 * One worker of the pool, of either kind.
 *
 * A Task comes with others in a batch, or is a batch of its own. A batch takes
 * one slot of the worker, which runs its Tasks one after the other. A Task that
 * the worker has not begun can be taken back at any moment, also from a busy
 * worker: both sides change its shared flag, and who comes first has it. A
 * process shares no flags: it is asked, and its first thread changes the flag.
 *
 * @module
 */

import { errorText } from "../../error_text.ts";
import { noteLoaded } from "../../function_info.ts";
import { JobTimeoutError, WorkerLostError } from "../../errors.ts";
import type { CodeReference } from "../../task.ts";
import { smallValueOf } from "../../value/small.ts";
import { warnOnce } from "../../warn.ts";
import { showLive } from "../../worker/console.ts";
import { importTimeoutError } from "../../worker/load.ts";
import {
  type DoneMessage,
  Flag,
  type FromWorker,
  PROTOCOL_VERSION,
  type RefusedMessage,
  type SkippedMessage,
  type ToWorker,
} from "../../worker/protocol.ts";
import type { QuickResult } from "../../worker/results.ts";
import { putBack } from "../../worker/wire.ts";
import { Ahead } from "./ahead.ts";
import type {
  Connection,
  ConnectionOwner,
  Isolation,
  Needs,
  WorkerEnd,
} from "./connection.ts";
import { busyWorkerError, endingFrom, lostWorkerError } from "./endings.ts";
import { Durations } from "./durations.ts";
import { BEGINNING, ImportWatch } from "./import_watch.ts";
import { Idle } from "./idle.ts";
import type { ChunkRun } from "./chunk_run.ts";
import { Pausing } from "./pausing.ts";
import { Batch, type PoolRun, type QueuedRun } from "./pool_run.ts";
import type { PoolWorkerOwner } from "./pool_worker_owner.ts";
import { QuickWay } from "./quick_way.ts";
import { Sending } from "./sending.ts";
import { Stopping, type StoppingOwner } from "./stopping.ts";
import { TaskFlags } from "./task_flags.ts";
import { Unbegun } from "./unbegun.ts";
import { Watching } from "./watching.ts";
import { WorkerItems } from "./worker_items.ts";

/** How many Tasks travel together at most. */
const MOST_TOGETHER = 1_024;

/** After how many Tasks a worker is replaced in any case: their numbers have 31 bits in shared memory. */
const MOST_NUMBERS = 2 ** 30;

/** How long an idle worker is kept where it would hold the program, in ms. */
const IDLE = 100;

/** A worker with the Tasks that it was given. */
export class PoolWorker implements ConnectionOwner, StoppingOwner {
  readonly #owner: PoolWorkerOwner;
  readonly #connection: Connection;
  readonly #flags: TaskFlags;
  /** The way of what is a few bytes long, where memory is shared. */
  readonly #quick: QuickWay | undefined;
  readonly #running = new Map<number, PoolRun>();
  /** Items that travel together, as long as they are no Tasks of their own. */
  readonly #items: WorkerItems;
  readonly #unbegun: Unbegun;
  readonly #stopping = new Stopping(
    this,
    (message, transfer) => this.#post(message, transfer),
  );
  /** Tasks that wait for jobs which they have submitted, and have given up their slots. */
  readonly #paused = new Set<PoolRun>();
  readonly #pausing: Pausing;
  readonly #durations = new Durations();
  /** Modules that this worker cannot import, since a script is parked in it. */
  readonly #refused = new Set<string>();
  readonly #mostTasks: number;
  readonly #mostMemory: number;
  readonly #sending: Sending;
  #load = 0;
  #ready = false;
  #retired = false;
  /** Whether it takes nothing until its cancelled Tasks have ended. */
  #isSuspended = false;
  #gone = false;
  readonly #watching: Watching;
  readonly #ahead: Ahead;
  readonly #idle: Idle;
  readonly #imports: ImportWatch = new ImportWatch((runs) =>
    this.#importTooLong(runs)
  );

  /**
   * Starts a worker with a number of slots, which is ended after `idleTimeout` ms
   * without a Task, takes no more than `mostTasks` of them, and is replaced if it
   * has more than `mostMemory` bytes when it has none.
   *
   * @throws if it cannot be started.
   */
  constructor(
    owner: PoolWorkerOwner,
    connect: (owner: ConnectionOwner) => Connection,
    slots: number,
    idleTimeout: number,
    mostTasks: number,
    mostMemory: number,
  ) {
    this.#owner = owner;
    this.#mostTasks = Math.min(mostTasks, MOST_NUMBERS);
    this.#mostMemory = mostMemory;
    this.#connection = connect(this);
    const { sharesMemory, holdsProgram } = this.#connection;
    this.#idle = new Idle(
      holdsProgram ? Math.min(IDLE, idleTimeout) : idleTimeout,
      holdsProgram,
      () => this.retire(),
    );
    this.#flags = new TaskFlags(slots * MOST_TOGETHER, sharesMemory);
    this.#items = new WorkerItems(
      this,
      owner,
      this.#flags,
      this.#durations,
      this.#running,
      sharesMemory,
    );
    const contents = {
      running: this.#running,
      paused: this.#paused,
      items: this.#items,
      flags: this.#flags,
    };
    this.#unbegun = new Unbegun(
      this,
      owner,
      sharesMemory,
      contents,
      (message) => this.#post(message),
    );
    this.#watching = new Watching(this, sharesMemory, contents, {
      imports: this.#imports,
      stopping: this.#stopping,
      unbegun: this.#unbegun,
    });
    this.#pausing = new Pausing(
      {
        owner,
        running: this.#running,
        paused: this.#paused,
        flags: this.#flags,
        unbegun: this.#unbegun,
      },
      (slots) => this.#load += slots,
      (message, transfer) => this.#post(message, transfer),
    );
    if (sharesMemory) this.#quick = new QuickWay((fn) => this.#post(fn));
    this.#sending = new Sending(
      this.#connection,
      { owner, flags: this.#flags, imports: this.#imports, quick: this.#quick },
      (message, transfer) => this.#post(message, transfer),
    );
    this.#ahead = new Ahead(this, sharesMemory, contents, {
      running: this.#running,
      durations: this.#durations,
      sending: this.#sending,
      unbegun: this.#unbegun,
      watching: this.#watching,
      mostTasks: this.#mostTasks,
    });
    this.#post({
      type: "begin",
      protocol: PROTOCOL_VERSION,
      flags: this.#flags.buffer,
      quick: this.#quick?.memory,
      memory: mostMemory === Infinity
        ? undefined
        : { limit: mostMemory, ofProcess: !sharesMemory },
    });
    this.#quick?.listen(() => {
      this.#owner.heard();
      this.takeResults();
    });
    this.#hold(false);
  }

  /** The Tasks that it was given and that have not ended. */
  get runs(): PoolRun[] {
    return [...this.#running.values()];
  }

  /** How many slots are taken. */
  get load(): number {
    return this.#load;
  }

  /** How many of its Tasks wait for jobs that they have submitted. */
  get paused(): number {
    return this.#paused.size;
  }

  /** The number of the last Task, or chunk with its items, that it was given. */
  get lastSent(): number {
    return this.#sending.lastSent;
  }

  /** Whether no Task is in it. */
  get isEmpty(): boolean {
    return this.#load === 0 && this.#paused.size === 0;
  }

  /** Whether it has begun. */
  get isReady(): boolean {
    return this.#ready;
  }

  /** Whether it takes no more Tasks. */
  get isRetired(): boolean {
    return this.#retired;
  }

  /** What it is given behind something that it has. */
  get ahead(): Ahead {
    return this.#ahead;
  }

  /** How far it is with what it was given. */
  get watching(): Watching {
    return this.#watching;
  }

  /** Whether it is of the kind that a Task needs. */
  suits(needs: Needs): boolean {
    return this.#connection.suits(needs);
  }

  /** What kind of worker it is. */
  get isolation(): Isolation {
    return this.#connection.isolation;
  }

  /** Whether the worker cannot run that code. */
  cannotRun(code: CodeReference): boolean {
    return this.#refused.size > 0 && code.kind === "module" &&
      this.#refused.has(code.url);
  }

  /** Whether it has that code. */
  has(code: CodeReference): boolean {
    return this.#imports.has(code);
  }

  /** Whether it takes nothing until it has answered: it was sent much that was taken back, and has not come to it. */
  get full(): boolean {
    return this.#flags.room === 0;
  }

  /** How many Tasks with that code may come in one batch, if all of it is to take `time` ms at most. */
  room(code: CodeReference, time: number): number {
    // What is taken back was counted: then a worker would end too soon.
    if (this.#mostTasks < MOST_NUMBERS) return 1;
    const many = Math.max(1, this.#durations.callsIn(time, code));
    return Math.min(
      many,
      MOST_TOGETHER,
      this.#flags.room,
      this.#mostTasks - this.#sending.lastSent,
    );
  }

  /**
   * Gives the worker Tasks, which take one slot: as many of them as are small
   * enough to travel together. A Task whose arguments cannot be sent fails;
   * returns whether there was another.
   */
  give(runs: Iterable<PoolRun>): boolean {
    const parcel = this.#sending.pack(runs);
    const { given } = parcel;
    const [first] = given;
    if (first === undefined) return false;
    const batch = new Batch(given);
    this.#ahead.comesAfter(batch);
    for (const run of given) {
      run.given();
      run.worker = this;
      run.comesOnPause = false;
      this.#running.set(run.sent, run);
      run.batch = batch;
      run.cameWith = batch;
    }
    if (this.isEmpty) this.#hold(true);
    const isAlone = this.#load++ === 0;
    this.#imports.begin(first);
    this.#sending.send(parcel, isAlone);
    this.#watching.tasksGiven(given, isAlone);
    if (this.#sending.lastSent >= this.#mostTasks) this.retire();
    return true;
  }

  /** Whether it has begun with an item, as far as that can be known. */
  hasBegunItem(run: ChunkRun, index: number): boolean {
    return this.#items.hasBegun(run, index);
  }

  /** Whether a job of that function has waited for jobs of its own here. */
  hasWaited(code: CodeReference): boolean {
    return this.#pausing.hasWaited(code);
  }

  /** Whether a function is known to take no more than `time` ms. */
  isQuick(code: CodeReference, time: number): boolean {
    return this.#durations.callsIn(time, code) > 0;
  }

  /** Gives the worker items of a function whose code it has; together they take one slot, or that of those `after` which they come. */
  giveItems(run: ChunkRun, after?: ChunkRun): void {
    if (this.isEmpty) this.#hold(true);
    run.worker = this;
    if (after === undefined) {
      this.#load++;
      run.batch = new Batch(undefined, 1);
    } else {
      run.batch = after.batch!;
      run.batch.left++;
    }
    this.#sending.sendItems(run, after);
    this.#items.add(run);
    this.#unbegun.sent(run.sent, run.end - run.begin);
    this.#watching.given(run.task, this.#durations.of(run.task.code));
    if (this.#sending.lastSent >= this.#mostTasks) this.retire();
  }

  /** Takes items out: of those that have begun each becomes a Task, and the others are returned. */
  withdrawItems(run: ChunkRun): ChunkRun | undefined {
    if (!this.#connection.sharesMemory) {
      this.takeResults();
      // Which of them have begun is known with the answer.
      this.#unbegun.recallItems(run);
      this.#items.makeTasks(run);
      return undefined;
    }
    const rest = this.#items.takeBack(run);
    this.takeResults();
    this.#items.makeTasks(run);
    return rest;
  }

  /** Tells a Task to stop; whatever it does, it is not waited for. */
  stop(run: PoolRun, reason: unknown): void {
    this.#items.recall();
    if (this.#flags.takeBack(run.sent, Flag.CANCELLED)) run.neverBegan();
    else {
      // Most of those that a busy program cancels have ended meanwhile.
      this.takeResults();
      if (run.worker !== this) return;
      if (this.#unbegun.isUncertain(run)) {
        this.#stopping.addUncertain(run, reason);
      } else {
        this.#stopping.add(run);
        this.#tellToStop(run, reason);
      }
    }
    this.leave(run);
  }

  #tellToStop(run: PoolRun, reason: unknown): void {
    const timedOut = reason instanceof JobTimeoutError;
    this.#flags.tell(run.sent, timedOut ? Flag.TIMED_OUT : Flag.CANCELLED);
    this.#stopping.tell(run, reason);
    this.#isSuspended = true;
    this.#owner.suspended(this);
    this.#unbegun.recall();
  }

  /** A Task of which that was not known has begun. */
  hasBegun(task: number): void {
    this.#running.get(task)?.begun();
    const cancelled = this.#stopping.takeUncertain(task);
    if (cancelled === undefined) return;
    cancelled.run.begun();
    this.#tellToStop(cancelled.run, cancelled.reason);
  }

  /** A Task has not begun and never will; nobody wants it any more. */
  notBegun(task: number): void {
    this.#stopping.get(task)?.neverBegan();
    this.stopped(task);
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
    this.#stopping.holdGrace();
  }

  /** Takes whatever came: it must not end the program, and a worker runs the code of others. */
  received(message: unknown): void {
    if (this.#gone || typeof message !== "object" || message === null) return;
    try {
      this.#take(message as FromWorker);
    } catch (error) {
      this.#lostBy(error);
    }
  }

  #lostBy(error: unknown): void {
    this.lost({
      reason: `a message of it makes no sense: ${errorText(error)}`,
    });
  }

  #take(message: FromWorker): void {
    // Those come from the first thread of a process, where no job runs.
    if (message.type !== "recalled" && message.type !== "arrived") {
      this.#watching.heard();
    }
    if (
      this.#items.size > 0 && "task" in message && this.#items.says(message)
    ) {
      return;
    }
    switch (message.type) {
      case "hello":
        this.#ready = true;
        if (message.tooMuch) warnTooLittle(this.#mostMemory, message.tooMuch);
        return this.#imports.ready();
      case "imported": {
        this.#noteImported(message.task);
        const run = this.#run(message.task);
        // Who waits for the very moment is told of it.
        return run === undefined || run.task.timed ? undefined : run.begun();
      }
      case "started":
        return this.#run(message.task)?.begun();
      case "begun":
        return this.#hadBegun(message.task);
      case "unbegun":
        return this.#running.get(message.task)?.waits();
      case "event":
        return this.#run(message.task)?.report(message.event);
      case "acknowledged":
        this.#stopping.answered();
        return this.#endIfDone();
      case "done":
        return this.#done(message);
      case "chunkDone":
        this.takeResults();
        return this.#unbegun.chunkEnded(message.chunk);
      case "warning":
        return showLive(message.line, message.name && `[${message.name}] `);
      case "arrived":
        return this.#watching.arrived(message.task);
      case "withdrawn":
        return this.notBegun(message.task);
      case "recalled":
        this.takeResults();
        this.#unbegun.recalled(message);
        if (message.tasks.length + message.chunks.length > 0) {
          this.#watching.endIfDeaf();
        }
        return;
      case "refused":
      case "skipped":
        return this.#notRun(message);
      case "outgrown":
        return this.retire();
      case "waiting":
      case "nested":
      case "nestedCancel":
      case "nestedWatch":
      case "nestedRelease":
        return this.#pausing.take(message);
    }
  }

  /** A process had begun with a Task when it heard that it is cancelled. */
  #hadBegun(task: number): void {
    const run = this.#stopping.get(task);
    if (run !== undefined && this.#imports.has(run.task.code)) run.begun();
  }

  /** A Task that has not ended, also one that was cancelled. */
  #run(id: number): PoolRun | undefined {
    return this.#running.get(id) ?? this.#stopping.get(id);
  }

  #done(message: DoneMessage): void {
    const { task, retire } = message;
    const run = this.#ended(task, retire);
    if (run === undefined) return;
    const ending = endingFrom(message, run);
    if (retire) {
      this.#stopping.leaves(run);
      this.#stopping.tell(run, new WorkerLostError("The worker is retired"));
      this.retire();
      this.#unbegun.recall();
    }
    this.#settled(run, message.timing.duration);
    run.settle(ending);
  }

  /** Takes the results out of the shared memory; also when the worker has not told of them yet. */
  takeResults(): void {
    const quick = this.#quick;
    if (this.#gone) return;
    if (quick !== undefined) {
      if (quick.hasResults) this.#watching.heard();
      for (let it = quick.read(); it !== undefined; it = quick.read()) {
        this.#takeResult(it);
      }
    }
    this.#items.allDone();
  }

  /** Takes a result that has come through a pipe. */
  result(result: QuickResult): void {
    if (this.#gone) return;
    this.#watching.heard();
    try {
      this.#takeResult(result);
    } catch (error) {
      this.#lostBy(error);
    }
  }

  resultsRead(): void {
    if (!this.#gone) this.#items.allDone();
  }

  #takeResult(
    { task, value, begins, contribution, startedAt, duration }: QuickResult,
  ): void {
    if (value === undefined) {
      this.#items.allDone();
      if (begins) this.#items.chunkBegun(task);
      else this.#unbegun.chunkEnded(task);
      return;
    }
    const items = this.#items.runOf(task);
    if (
      items !== undefined &&
      this.#items.done(items, task, value, duration, startedAt)
    ) return;
    const run = this.#ended(task);
    if (run === undefined) return;
    this.#settled(run, duration);
    run.settleQuickly(
      smallValueOf(value),
      contribution,
      startedAt,
      duration,
    );
  }

  /** A Task has ended in the worker; `undefined` if nobody waits for it. */
  #ended(task: number, retire = false): PoolRun | undefined {
    this.#noteImported(task);
    const run = this.#running.get(task);
    if (run?.batch !== undefined) run.batch.steps++;
    if (run !== undefined) return run;
    this.release(task);
    const cancelled = this.#stopping.get(task);
    cancelled?.begun();
    this.#next(cancelled?.cameWith);
    this.stopped(task, retire);
    return undefined;
  }

  /** A Task that has ended has its Outcome. */
  #settled(run: PoolRun, duration: number): void {
    this.#durations.learn(run.task.code, duration);
    this.release(run.sent);
    run.begun();
    this.#owner.settled(run);
    const { batch } = run;
    this.leave(run);
    this.#next(batch);
  }

  /** A Task of a batch has ended in the worker, which goes on with the next one. */
  #next(batch: Batch | undefined): void {
    // Where memory is shared it can be seen.
    if (!this.#connection.sharesMemory) batch?.first?.begun();
  }

  /** A cancelled Task has ended, or never began. */
  stopped(task: number, retire = false): void {
    if (!this.#stopping.delete(task)) return this.#endIfDone();
    if (retire) this.retire();
    if (this.#stopping.size === 0 && !this.#retired) this.#recover();
    this.#endIfDone();
  }

  #notRun(message: RefusedMessage | SkippedMessage): void {
    const { task, type, moved } = message;
    this.release(task);
    // Otherwise it would be given the same again and again.
    if (type === "skipped" && message.retire) this.retire();
    const run = this.#running.get(task);
    if (run === undefined) return this.notBegun(task);
    if (run.moved !== undefined) putBack(run.moved, moved ?? []);
    run.moved = undefined;
    const { code } = run.task;
    if (type === "refused" && code.kind === "module") {
      this.#refused.add(code.url);
    }
    run.neverBegan();
    this.#owner.returned(run);
    this.leave(run);
  }

  /** The worker is done with a Task. */
  release(id: number): void {
    const { full } = this;
    this.#flags.release(id);
    if (!full || this.full) return;
    if (this.isEmpty) this.#hold(false);
    this.#owner.roomFreed();
  }

  /** Ends the stay of a Task; with the last one of a batch a slot is free. */
  leave(run: PoolRun): void {
    const { batch } = run;
    if (batch === undefined || run.worker !== this) return;
    this.#pausing.leave(run);
    run.batch = undefined;
    this.#running.delete(run.sent);
    this.#imports.leave(run);
    run.worker = undefined;
    this.leaveBatch(run, batch);
  }

  /** A Task, or items, of a batch have left; with the last of them a slot is free. */
  leaveBatch(run: QueuedRun, batch: Batch): void {
    // Others may be given to it ahead.
    if (--batch.left === 1) this.#owner.roomFreed();
    if (batch.left > 0) return;
    this.#load--;
    // For one that is full others may wait.
    if (this.isEmpty && !this.full) this.#hold(false);
    this.#endIfDone();
    this.#owner.freed(run);
  }

  /** The code of a Task has been imported, or could not be. */
  #noteImported(id: number): void {
    if (!this.#imports.isBusy) return;
    // What comes through shared memory may be here before the greeting.
    this.#ready = true;
    const run = this.#run(id);
    if (run === undefined) return;
    if (!this.#imports.has(run.task.code)) noteLoaded(run.task.code);
    this.#imports.note(run);
  }

  #importTooLong(runs: readonly PoolRun[]): void {
    if (!this.#ready) {
      return this.lost({
        reason: `it has not begun within ${BEGINNING} ms`,
      });
    }
    for (const run of runs) {
      const { name, version, code, importTimeout } = run.task;
      const url = code.kind === "module" ? code.url : "what its text names";
      const error = importTimeoutError(url, name, version, importTimeout!);
      run.begun();
      this.stop(run, error);
      this.#owner.settled(run);
      run.fail(error);
    }
    this.retire();
  }

  #recover(): void {
    this.#stopping.end();
    if (!this.#isSuspended) return;
    this.#isSuspended = false;
    this.#owner.recovered(this);
  }

  neighboursGraceOver(): void {
    this.takeResults();
    this.#items.makeAllTasks();
    const suspected = this.#suspects();
    const names = namesOf(suspected);
    this.graceOver();
    this.#failAll((who) => busyWorkerError(who, names, suspected.length));
  }

  #endIfDone(): void {
    if (!this.#retired || !this.isEmpty) return;
    if (this.#stopping.isOver) this.graceOver();
  }

  graceOver(): void {
    this.#end(this.#stopping.answers ? [] : this.#suspects());
  }

  /** The Tasks that may keep the worker busy. */
  #suspects(): PoolRun[] {
    return [...this.#stopping.suspects(), ...this.#running.values()];
  }

  /** The worker has ended by itself, or never began. */
  lost(end: WorkerEnd): void {
    if (this.#gone) return;
    this.takeResults();
    const stopping = this.#stopping.lost();
    this.retire();
    // A worker that never was ready would not be so the next time either.
    if (this.#ready) this.#unbegun.returnAll(stopping > 0);
    else if (end.killed) this.#unbegun.returnKilled();
    this.#items.makeAllTasks();
    this.#end();
    // One that was told to stop may have been the cause as well.
    const suspects = this.#ready ? this.#running.size + stopping : 0;
    this.#failAll((who, needs) => lostWorkerError(who, needs, end, suspects));
  }

  #failAll(errorFor: (who: string, needs: Needs) => Error): void {
    for (const run of [...this.#running.values()]) {
      const { task: { name, version }, needs } = run;
      run.begun();
      this.#owner.settled(run);
      this.leave(run);
      run.fail(errorFor(`${name} ${version}`, needs));
    }
  }

  #end(busyWith: readonly PoolRun[] = []): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#pausing.end();
    this.#quick?.close();
    this.#stopping.end();
    this.#idle.stop();
    this.#imports.end();
    this.#watching.end();
    const gone = this.#connection.end();
    // Only a thread goes on when it is ended.
    if (gone === undefined) this.#owner.gone(this, busyWith);
    else gone.then(() => this.#owner.gone(this, []));
  }

  /** Whether the program must wait for this worker. */
  #hold(busy: boolean): void {
    if (this.#gone) return;
    this.#connection.hold(busy);
    if (busy) this.#idle.end();
    else this.#idle.begin();
  }

  #post(message: ToWorker, transfer: ArrayBuffer[] = []): void {
    if (this.#gone) return;
    this.#connection.post(message, transfer);
  }
}

function warnTooLittle(mostMemory: number, taken: number): void {
  warnOnce(
    "maxMemoryPerWorker",
    `a worker is replaced after every job, as maxMemoryPerWorker is ${mostMemory} bytes and a worker that has done nothing yet takes ${taken}: set it well above that, or leave it out`,
  );
}

/** The functions of Tasks, each once, for messages. */
export function namesOf(runs: readonly PoolRun[]): string {
  const names = runs.map(({ task }) => `${task.name} ${task.version}`);
  return [...new Set(names)].join(", ");
}
