/**
 * One worker of the pool, of either kind.
 *
 * A Task comes with others in a batch, or is a batch of its own. A batch takes
 * one slot of the worker, which runs its Tasks one after the other. A Task that
 * the worker has not begun can be taken back at any moment, also from a busy
 * worker: both sides change its shared flag, and who comes first has it. A
 * process shares no flags: what it was sent counts as begun, so it gets one Task
 * at a time for each slot.
 *
 * @module
 */

import { errorText } from "../../error_text.ts";
import {
  JobTimeoutError,
  MemoryLimitError,
  WorkerLostError,
} from "../../errors.ts";
import type { CodeReference, TaskArguments } from "../../task.ts";
import { type EncodedValue, LEAF_BYTES } from "../../value/encoded.ts";
import { repeatedLeaves } from "../../value/repeated_leaves.ts";
import { SmallValue } from "../../value/small.ts";
import { decodeThrown, encodeThrown } from "../../value/thrown.ts";
import {
  isPlain,
  packBatch,
  packOne,
  sizeOf,
  type UnpackedRun,
} from "../../worker/batch.ts";
import { showLive } from "../../worker/console.ts";
import { type Ending, endingOf } from "../../worker/execute.ts";
import { importTimeoutError, permissionNeeded } from "../../worker/load.ts";
import {
  type DoneMessage,
  Flag,
  type FromWorker,
  PROTOCOL_VERSION,
  type ToWorker,
} from "../../worker/protocol.ts";
import {
  codeToWire,
  fromWire,
  functionToWire,
  moveToWire,
  toWire,
} from "../../worker/wire.ts";
import type {
  Connection,
  ConnectionOwner,
  Isolation,
  Needs,
  WorkerEnd,
} from "./connection.ts";
import { Durations } from "./durations.ts";
import { Idle } from "./idle.ts";
import { Patience } from "./patience.ts";
import type { ChunkRun } from "./chunk_run.ts";
import type { Batch, PoolRun, QueuedRun } from "./pool_run.ts";
import { quickList, QuickWay } from "./quick_way.ts";
import { NestedJobs } from "../nested_jobs.ts";
import { TaskFlags } from "./task_flags.ts";
import { WorkerChunks } from "./worker_chunks.ts";
import { undeclaredAccessError } from "./undeclared_access.ts";

/** How many Tasks travel together at most. */
const MOST_TOGETHER = 1_024;

/** After how many Tasks a worker is replaced in any case: their numbers have 31 bits in shared memory. */
const MOST_NUMBERS = 2 ** 30;

/** How long a worker may take to end a cancelled job, or to answer, in ms. */
const GRACE = 50;

/** How long the other jobs of a worker that does not answer may go on, in ms. */
const NEIGHBOUR_GRACE = 5_000;

/** After how long without progress the rest of a batch is taken back, in ms. */
const BATCH_PATIENCE = 5;

/** How much longer than it may an import is waited for from outside: a worker that can say so itself comes first. In ms. */
const IMPORT_GRACE = 100;

/** How long an idle worker is kept where it would hold the program, in ms. */
const IDLE = 100;

/** How long a worker may take to begin, in ms. */
const BEGINNING = 30_000;

/** How many workers may be killed before they begin, until their Task is told. */
const MOST_KILLED = 3;

/** What a worker tells its pool. */
export interface PoolWorkerOwner {
  /** A Task has its Outcome. */
  settled(run: PoolRun): void;
  /** A Task, or items, were not begun here and have to go elsewhere. */
  returned(run: QueuedRun): void;
  /** A slot is free again. */
  freed(run: QueuedRun): void;
  /** Items have no business here any more. */
  itemsLeft(run: ChunkRun): void;
  /** An item is to be a Task of its own. */
  itemAsRun(run: ChunkRun, index: number): PoolRun;
  /** A Task waits for jobs that it has submitted; its slot is free. */
  paused(run: PoolRun): void;
  /** Such a Task goes on, or has ended, and has its slot again. */
  resumed(run: PoolRun): void;
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

/** A worker with the Tasks that it was given. */
export class PoolWorker implements ConnectionOwner {
  readonly #owner: PoolWorkerOwner;
  readonly #grace = new Patience();
  readonly #connection: Connection;
  readonly #flags: TaskFlags;
  /** The way of what is a few bytes long, where memory is shared. */
  readonly #quick: QuickWay | undefined;
  readonly #running = new Map<number, PoolRun>();
  /** Items that travel together, as long as they are no Tasks of their own. */
  readonly #chunks = new WorkerChunks();
  /** Cancelled Tasks that have begun and not ended. */
  readonly #stopping = new Map<number, PoolRun>();
  /** Tasks that wait for jobs which they have submitted, and have given up their slots. */
  readonly #paused = new Set<PoolRun>();
  readonly #nested = new NestedJobs((message, transfer) =>
    this.#post(message, transfer)
  );
  readonly #durations = new Durations();
  /** Modules that this worker cannot import, since a script is parked in it. */
  readonly #refused = new Set<string>();
  readonly #mostTasks: number;
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
  readonly #mostTogether: number;
  readonly #idle: Idle;
  /** Code that this worker has imported. */
  readonly #imported = new WeakSet<CodeReference>();
  /** Tasks whose code it may be importing. */
  readonly #importing = new Set<PoolRun>();
  readonly #importLimit = new Patience();

  /**
   * Starts a worker with a number of slots, which is ended after `idleTimeout` ms
   * without a Task, and takes no more than `mostTasks` of them.
   *
   * @throws if it cannot be started.
   */
  constructor(
    owner: PoolWorkerOwner,
    connect: (owner: ConnectionOwner) => Connection,
    slots: number,
    idleTimeout: number,
    mostTasks: number,
  ) {
    this.#owner = owner;
    this.#mostTasks = Math.min(mostTasks, MOST_NUMBERS);
    this.#connection = connect(this);
    const { sharesMemory, holdsProgram } = this.#connection;
    this.#idle = new Idle(
      holdsProgram ? Math.min(IDLE, idleTimeout) : idleTimeout,
      holdsProgram,
      () => this.retire(),
    );
    this.#mostTogether = sharesMemory ? MOST_TOGETHER : 1;
    this.#flags = new TaskFlags(slots * this.#mostTogether, sharesMemory);
    if (sharesMemory) this.#quick = new QuickWay((fn) => this.#post(fn));
    this.#post({
      type: "begin",
      protocol: PROTOCOL_VERSION,
      flags: this.#flags.buffer,
      quick: this.#quick?.memory,
    });
    this.#quick?.listen(() => this.#takeResults());
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

  /** Whether no Task is in it. */
  get #isEmpty(): boolean {
    return this.#load === 0 && this.#paused.size === 0;
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
    return this.#imported.has(code);
  }

  /** Whether it takes nothing until it has answered: it was sent much that was taken back, and has not come to it. */
  get full(): boolean {
    return this.#flags.room === 0;
  }

  /** How many Tasks with that code may come in one batch, if all of it is to take `time` ms at most. */
  room(code: CodeReference, time: number): number {
    const many = Math.max(1, this.#durations.callsIn(time, code));
    return Math.min(
      many,
      this.#mostTogether,
      this.#flags.room,
      this.#mostTasks - this.#lastSent,
    );
  }

  /**
   * Gives the worker Tasks, which take one slot: as many of them as are small
   * enough to travel together. A Task whose arguments cannot be sent fails;
   * returns whether there was another.
   */
  give(runs: Iterable<PoolRun>): boolean {
    const given: PoolRun[] = [];
    const lists: SmallValue[] = [];
    // What is quick has none, unless another one among them needs one.
    const messages: (Unnumbered | undefined)[] = [];
    const transfer: ArrayBuffer[] = [];
    let bytes = 0;
    for (const run of runs) {
      try {
        const args = run.task.arguments();
        const list = this.#quickList(run, args);
        const message = list === undefined
          ? this.#message(run, args, transfer)
          : undefined;
        // Last: what is above may throw.
        this.#number(run);
        if (list !== undefined) lists.push(list);
        messages.push(message);
        given.push(run);
        bytes += sizeOf(list ?? message!.list);
        if (bytes >= LEAF_BYTES) break;
        if (message !== undefined && !isPlain(message)) break;
      } catch (error) {
        this.#owner.settled(run);
        run.fail(error);
      }
    }
    const [first] = given;
    if (first === undefined) return false;
    const batch: Batch = { left: given.length };
    for (const run of given) {
      run.worker = this;
      this.#running.set(run.sent, run);
      run.batch = batch;
    }
    if (this.#isEmpty) this.#hold(true);
    this.#load++;
    this.#watchImport(first);
    const isSent = lists.length === given.length &&
      this.#quick!.send(first.task, given, lists);
    if (!isSent) {
      const spelt = given.map((run, i): UnpackedRun => ({
        ...messages[i] ?? this.#message(run, argumentsOf(lists.shift()!), []),
        task: run.sent,
        flag: run.flag,
      }));
      const packed = spelt.length === 1 ? packOne(spelt[0]!) : packBatch(spelt);
      this.#post(packed, transfer);
    }
    if (given.length > 1) this.#watchBatches();
    const now = performance.now();
    for (const { task } of given) if (!task.timed) task.started(now);
    if (this.#lastSent >= this.#mostTasks) this.retire();
    return true;
  }

  /** The items behind which the worker can be given more, so that it does not have to wait for them. */
  get lastItems(): ChunkRun | undefined {
    if (this.#load !== 1 || this.#chunks.size !== 1 || this.full) {
      return undefined;
    }
    const [run] = this.#chunks;
    // Behind one that does not get on nothing would.
    return run?.batch?.left === 1 && !run.isShortened ? run : undefined;
  }

  /** Gives the worker items of a function whose code it has; together they take one slot, or that of those `after` which they come. */
  giveItems(run: ChunkRun, after?: ChunkRun): void {
    if (this.#isEmpty) this.#hold(true);
    run.worker = this;
    if (after === undefined) {
      this.#load++;
      run.batch = { left: 1 };
    } else {
      run.batch = after.batch!;
      run.batch.left++;
    }
    run.sent = ++this.#lastSent;
    this.#lastSent += run.end - run.begin;
    const transfer: ArrayBuffer[] = [];
    this.#post({
      type: "chunk",
      chunk: run.sent,
      after: after?.sent,
      ...functionToWire(run.task, transfer),
      flag: this.#flags.sendChunk(run.sent),
      ...run.chunk.argumentsOf(run.begin, run.end),
    }, transfer);
    this.#chunks.add(run);
    this.#watchBatches();
    if (this.#lastSent >= this.#mostTasks) this.retire();
  }

  /** Takes items out: of those that have begun each becomes a Task, and the others are returned. */
  withdrawItems(run: ChunkRun): ChunkRun | undefined {
    const rest = this.#takeBackItems(run);
    this.#takeResults();
    this.#makeTasks(run);
    return rest;
  }

  /** Tells a Task to stop; whatever it does, it is not waited for. */
  stop(run: PoolRun, reason: unknown): void {
    this.#recallItems();
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
  #message(
    { task }: PoolRun,
    { list, upstream }: TaskArguments,
    transfer: ArrayBuffer[],
  ): Unnumbered {
    const repeated = this.#connection.sharesMemory ? repeatedLeaves : undefined;
    return {
      type: "run",
      // What few ask for the worker finds out itself.
      key: task.hasPlainKey ? undefined : task.key,
      name: task.name,
      version: task.version,
      code: codeToWire(task.code, transfer),
      list: list instanceof SmallValue
        ? list
        : toWire(list, transfer, repeated),
      upstream: upstream.length === 0
        ? NO_VALUES
        : upstream.map((value) => toWire(value, transfer, repeated)),
      digest: task.digest,
      timed: task.timed,
      importTimeout: this.#imported.has(task.code)
        ? undefined
        : task.importTimeout,
    };
  }

  /** Gives a Task its number and its flag: not its own id, as it may come to this worker twice, if it was taken back. */
  #number(run: PoolRun): void {
    run.flag = this.#flags.send(this.#lastSent + 1);
    run.sent = ++this.#lastSent;
  }

  /** The arguments of a Task that can go the quick way. */
  #quickList({ task }: PoolRun, args: TaskArguments): SmallValue | undefined {
    return this.#quick !== undefined && this.#imported.has(task.code)
      ? quickList(task, args)
      : undefined;
  }

  /** Takes whatever came: it must not end the program, and a worker runs the code of others. */
  received(message: unknown): void {
    if (this.#gone || typeof message !== "object" || message === null) return;
    try {
      this.#take(message as FromWorker);
    } catch (error) {
      this.lost({
        reason: `a message of it makes no sense: ${errorText(error)}`,
      });
    }
  }

  #take(message: FromWorker): void {
    if (this.#chunks.size > 0 && "task" in message && this.#itemSays(message)) {
      return;
    }
    switch (message.type) {
      case "hello":
        this.#ready = true;
        return this.#timeImport();
      case "imported":
        return this.#noteImported(message.task);
      case "started":
        return this.#running.get(message.task)?.task.started();
      case "event":
        return this.#run(message.task)?.report(message.event);
      case "acknowledged":
        this.#answers = true;
        return this.#endIfDone();
      case "done":
        return this.#done(message);
      case "chunkDone":
        return this.#chunkDone(message.chunk);
      case "warning":
        return showLive(message.line, message.name && `[${message.name}] `);
      case "withdrawn":
        return this.#stopped(message.task);
      case "refused":
      case "skipped":
        return this.#notRun(message.task, message.type === "refused");
      case "waiting":
        return message.waits
          ? this.#pause(message.task)
          : this.#resume(this.#running.get(message.task));
      case "nested":
        return this.#nested.submit(
          message,
          this.#running.get(message.task)?.task,
        );
      case "nestedCancel":
      case "nestedWatch":
      case "nestedRelease":
        return this.#nested.take(message);
    }
  }

  /** A Task waits for others: its slot is theirs meanwhile. */
  #pause(id: number): void {
    const run = this.#running.get(id);
    if (run === undefined || this.#paused.has(run)) return;
    // One of those that travelled with it may be what it waits for.
    this.#recall();
    this.#paused.add(run);
    this.#load--;
    this.#flags.pause();
    this.#owner.paused(run);
  }

  #resume(run: PoolRun | undefined): void {
    if (run === undefined || !this.#paused.delete(run)) return;
    this.#load++;
    this.#flags.resume();
    this.#owner.resumed(run);
  }

  /** A Task that has not ended, also one that was cancelled. */
  #run(id: number): PoolRun | undefined {
    return this.#running.get(id) ?? this.#stopping.get(id);
  }

  #done(message: DoneMessage): void {
    const { task, retire } = message;
    const run = this.#ended(task, retire);
    if (run === undefined) return;
    const ending = outOfMemory(message, run) ??
      undeclaredAccess(message, run) ??
      endingFrom(message);
    if (retire) {
      // Those that end after the first have only shared its worker.
      this.#remains ??= run;
      this.#tellToStop(run, new WorkerLostError("The worker is retired"));
      this.retire();
      this.#recall();
    }
    this.#settled(run, message.timing.duration);
    run.settle(ending);
  }

  /** Takes the results out of the shared memory; also when the worker has not told of them yet. */
  #takeResults(): void {
    const quick = this.#quick;
    if (quick === undefined || this.#gone) return;
    for (let it = quick.read(); it !== undefined; it = quick.read()) {
      const { task, value, contribution, startedAt, duration } = it;
      const items = this.#chunks.runOf(task);
      if (items !== undefined) {
        this.#itemDone(items, task, value, duration);
        continue;
      }
      const run = this.#ended(task);
      if (run === undefined) continue;
      this.#settled(run, duration);
      run.settleQuickly(value, contribution, startedAt, duration);
    }
  }

  /** A Task has ended in the worker; `undefined` if nobody waits for it. */
  #ended(task: number, retire = false): PoolRun | undefined {
    this.#progress++;
    this.#noteImported(task);
    const run = this.#running.get(task);
    if (run !== undefined) return run;
    this.#release(task);
    this.#stopped(task, retire);
    return undefined;
  }

  /** A Task that has ended has its Outcome. */
  #settled(run: PoolRun, duration: number): void {
    this.#durations.learn(run.task.code, duration);
    this.#release(run.sent);
    this.#owner.settled(run);
    this.#leave(run);
  }

  /** A cancelled Task has ended, or never began. */
  #stopped(task: number, retire = false): void {
    if (!this.#stopping.delete(task)) return this.#endIfDone();
    this.#answers = true;
    if (retire) this.retire();
    if (this.#stopping.size === 0 && !this.#retired) this.#recover();
    this.#endIfDone();
  }

  #notRun(id: number, refused: boolean): void {
    this.#release(id);
    const run = this.#running.get(id);
    if (run === undefined) return this.#stopped(id);
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
    if (this.#isEmpty) this.#hold(false);
    this.#owner.roomFreed();
  }

  /** An item has its result. */
  #itemDone(
    run: ChunkRun,
    task: number,
    value: EncodedValue,
    duration: number,
  ): void {
    this.#progress++;
    const index = task - run.sent - 1 + run.begin;
    if (run.chunk.settle(index, value, duration)) this.#itemLeft(run);
  }

  /** Takes a message of an item that is no Task; whether that was all. If it is more than a result, it becomes one. */
  #itemSays(message: FromWorker & { readonly task: number }): boolean {
    if (this.#chunks.runOf(message.task) === undefined) return false;
    this.#takeResults();
    const run = this.#chunks.runOf(message.task);
    const index = run?.indexOf(message.task);
    if (run === undefined || !run.chunk.isOpen(index!)) return false;
    if (
      message.type === "done" && message.status === "finished" &&
      !message.retire
    ) {
      const { task, value, timing } = message;
      this.#itemDone(run, task, fromWire(value), timing.duration);
      return true;
    }
    this.#makeTask(run, index!);
    return false;
  }

  /** An item becomes a Task of its own, that is running here. */
  #makeTask(run: ChunkRun, index: number): void {
    const item = this.#owner.itemAsRun(run, index);
    item.worker = this;
    item.batch = run.batch;
    item.batch!.left++;
    item.sent = run.sent + 1 + index - run.begin;
    this.#running.set(item.sent, item);
    this.#flags.lend(item.sent, run.sent);
    item.task.started();
    this.#itemLeft(run);
  }

  #makeTasks(run: ChunkRun): void {
    for (const index of run.open()) this.#makeTask(run, index);
  }

  #makeAllTasks(): void {
    for (const run of this.#chunks) this.#makeTasks(run);
  }

  /** Takes back the items that have not begun. */
  #recallItems(): void {
    const rests = [...this.#chunks].map((run) => this.#takeBackItems(run));
    // Each goes to the front of the queue: the last one first.
    for (const rest of rests.reverse()) {
      if (rest !== undefined) this.#owner.returned(rest);
    }
  }

  #takeBackItems(run: ChunkRun): ChunkRun | undefined {
    const begun = this.#flags.takeBackItems(run.sent);
    const rest = begun === undefined
      ? undefined
      : run.splitAt(run.begin + begun);
    if (run.isDone) this.#leaveItems(run);
    return rest;
  }

  /** The worker takes up no more items of a chunk. */
  #chunkDone(chunk: number): void {
    this.#takeResults();
    const run = this.#chunks.get(chunk);
    const rest = run && this.#takeBackItems(run);
    if (rest !== undefined) this.#owner.returned(rest);
    this.#release(chunk);
  }

  #itemLeft(run: ChunkRun): void {
    run.leave();
    if (run.isDone) this.#leaveItems(run);
  }

  /** No item of these is left that is no Task. */
  #leaveItems(run: ChunkRun): void {
    const { batch } = run;
    if (batch === undefined) return;
    this.#chunks.delete(run);
    run.batch = undefined;
    run.worker = undefined;
    this.#owner.itemsLeft(run);
    this.#leaveBatch(run, batch);
    // Others may be given to it ahead.
    if (batch.left > 0) this.#owner.roomFreed();
  }

  /** Ends the stay of a Task; with the last one of a batch a slot is free. */
  #leave(run: PoolRun): void {
    const { batch } = run;
    if (batch === undefined || run.worker !== this) return;
    this.#resume(run);
    this.#nested.ended(run.sent);
    run.batch = undefined;
    this.#running.delete(run.sent);
    if (this.#importing.delete(run)) this.#timeImport();
    run.worker = undefined;
    this.#leaveBatch(run, batch);
  }

  #leaveBatch(run: QueuedRun, batch: Batch): void {
    if (--batch.left > 0) return;
    this.#load--;
    // For one that is full others may wait.
    if (this.#isEmpty && !this.full) this.#hold(false);
    this.#endIfDone();
    this.#owner.freed(run);
  }

  /** Takes back what the worker has not begun. */
  #recall(): void {
    this.#recallItems();
    const runs = [...this.#running.values()].filter(({ sent }) =>
      this.#flags.takeBack(sent, Flag.RECALLED)
    );
    this.#return(runs);
  }

  /** Gives back what a worker had that was killed before it began; not for ever. */
  #giveBack(): void {
    const runs = [...this.#running.values()].filter((run) =>
      run.killedUnbegun++ < MOST_KILLED
    );
    this.#return(runs);
  }

  #return(runs: PoolRun[]): void {
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
      this.#takeResults();
      if (
        this.#running.size - this.#paused.size + this.#chunks.size <= this.#load
      ) return;
      if (this.#progress === before) this.#recall();
      else this.#watchBatches();
    }, BATCH_PATIENCE);
  }

  /** Waits with Tasks whose code is new here: a module that computes for ever when it is imported never says so. */
  #watchImport(first: PoolRun): void {
    if (this.#imported.has(first.task.code)) return;
    if (first.task.importTimeout === undefined) return;
    this.#importing.add(first);
    if (this.#importing.size === 1) this.#timeImport();
  }

  /** Begins anew with the time for an import. */
  #timeImport(): void {
    const [first] = this.#importing;
    if (first === undefined) return this.#importLimit.end();
    const { importTimeout = Infinity } = first.task;
    const limit = this.#ready ? importTimeout + IMPORT_GRACE : BEGINNING;
    if (limit >= 2 ** 31) return this.#importLimit.end();
    this.#importLimit.begin(limit, () => this.#importTooLong());
  }

  /** The code of a Task has been imported, or could not be. */
  #noteImported(id: number): void {
    if (this.#importing.size === 0) return;
    const run = this.#run(id);
    if (run === undefined) return;
    this.#imported.add(run.task.code);
    if (this.#importing.delete(run)) this.#timeImport();
  }

  #importTooLong(): void {
    if (!this.#ready) {
      return this.lost({
        reason: `it has not begun within ${BEGINNING} ms`,
      });
    }
    for (const run of [...this.#importing]) {
      const { name, version, code, importTimeout } = run.task;
      const url = code.kind === "module" ? code.url : "what its text names";
      const error = importTimeoutError(url, name, version, importTimeout!);
      this.stop(run, error);
      this.#owner.settled(run);
      run.fail(error);
    }
    this.retire();
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
    const timedOut = reason instanceof JobTimeoutError;
    this.#post(
      { type: "cancel", task: sent, reason: wire, timedOut },
      transfer,
    );
    this.#grace.begin(GRACE, () => this.#graceOver());
  }

  #graceOver(): void {
    this.#graceIsOver = true;
    if (this.#isEmpty) return this.#endBusyOrNot();
    this.retire();
    if (this.#answers) return;
    this.#grace.begin(NEIGHBOUR_GRACE, () => this.#neighboursGraceOver());
  }

  #neighboursGraceOver(): void {
    this.#takeResults();
    this.#makeAllTasks();
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
    if (!this.#retired || !this.#isEmpty) return;
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
  lost({ reason, outOfMemory, killed }: WorkerEnd): void {
    if (this.#gone) return;
    this.#takeResults();
    this.#answers = true;
    const stopping = this.#stopping.size;
    this.#stopping.clear();
    this.retire();
    // A worker that never was ready would not be so the next time either.
    if (this.#ready) this.#recall();
    else if (killed) this.#giveBack();
    this.#makeAllTasks();
    this.#end();
    // One that was told to stop may have been the cause as well.
    const suspects = this.#ready ? this.#running.size + stopping : 0;
    this.#failAll((who, { memory = "all there are" }) =>
      permissionNeeded(`Cannot run ${who} in a worker`, reason, undefined) ??
        (outOfMemory
          ? new MemoryLimitError(
            `${who} wanted more memory than its limit of ${memory} bytes: ${reason}`,
          )
          : new WorkerLostError(
            `The worker that ran ${who} has ended: ${reason}`,
            { suspects },
          ))
    );
  }

  #failAll(errorFor: (who: string, needs: Needs) => Error): void {
    for (const run of [...this.#running.values()]) {
      const { task: { name, version }, needs } = run;
      this.#owner.settled(run);
      this.#leave(run);
      run.fail(errorFor(`${name} ${version}`, needs));
    }
  }

  #end(busyWith: readonly PoolRun[] = []): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#nested.close();
    this.#quick?.close();
    this.#grace.end();
    this.#idle.stop();
    this.#importLimit.end();
    clearTimeout(this.#recallTimer);
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

const NO_VALUES: readonly never[] = [];

/** The message for a Task before it has its number in the worker. */
type Unnumbered = Omit<UnpackedRun, "task" | "flag">;

function argumentsOf(list: SmallValue): TaskArguments {
  return { list, upstream: NO_VALUES };
}

/** The functions of Tasks, each once, for messages. */
export function namesOf(runs: readonly PoolRun[]): string {
  const names = runs.map(({ task }) => `${task.name} ${task.version}`);
  return [...new Set(names)].join(", ");
}

/** How a job ends that was refused memory for binary data, of which V8 makes an error like any other. */
function outOfMemory(
  { status, value, timing }: DoneMessage,
  { task, needs }: PoolRun,
): Ending | undefined {
  if (needs.memory === undefined || status !== "error") return undefined;
  const error = decodeThrown(fromWire(value));
  if (!(error instanceof RangeError)) return undefined;
  if (!/allocation failed/.test(error.message)) return undefined;
  const { name, version } = task;
  return endingOf(
    new MemoryLimitError(
      `${name} ${version} wanted more memory than its limit of ${needs.memory} bytes: ${error.message}`,
      { cause: error },
    ),
    true,
    timing,
  );
}

/** How a job ends that wanted more than its permissions allow: with what to declare. */
function undeclaredAccess(
  { status, value, timing, lost }: DoneMessage,
  { task, needs }: PoolRun,
): Ending | undefined {
  if (needs.sandbox === undefined || status !== "error") return undefined;
  const who = `${task.name} ${task.version}`;
  const error = undeclaredAccessError(who, decodeThrown(fromWire(value)));
  return error && endingOf(error, lost ?? false, timing);
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
