/**
 * What every worker does, however its messages travel: it finds functions,
 * executes them, and says what became of them.
 *
 * @module
 */

import { type RunningJob, runningJob } from "../current.ts";
import { errorText } from "../error_text.ts";
import { ImportTimeoutError, JobExitError, StrayError } from "../errors.ts";
import type { ScriptWatcher } from "../role.ts";
import { nestedMoved, nestedReported, nestedSettled } from "../remote_jobs.ts";
import { takeUnseen } from "../unseen_failures.ts";
import { decodeThrown } from "../value/thrown.ts";
import { unpackBatch } from "./batch.ts";
import { damageBy } from "./builtins.ts";
import { Bell, WORKER_BELL } from "./bell.ts";
import { LightItem } from "./chunk.ts";
import { type Ending, Invocation } from "./execute.ts";
import { Inbox } from "./inbox.ts";
import { areIntact } from "./intact.ts";
import { type IdleMemory, isAbove, taken } from "./memory_watch.ts";
import { ModuleLoader, REFUSED, type UserFunction } from "./load.ts";
import {
  type DoneMessage,
  type EventMessage,
  Flag,
  type FromWorker,
  type FunctionMessage,
  type NestedNews,
  PROTOCOL_VERSION,
  type QuickMemory,
  type RunMessage,
  type ToWorker,
  type WarningMessage,
} from "./protocol.ts";
import { type ChunkRequest, ChunkRequests } from "./chunk_requests.ts";
import { type ChunkHost, ChunkRunner } from "./chunk_runner.ts";
import { Place } from "./place.ts";
import { RequestedRun } from "./requested_run.ts";
import { type RequestBatch, Requests } from "./requests.ts";
import { type ResultWay, ResultWriter } from "./result_writer.ts";
import { TaskReader } from "./short_messages.ts";
import { OutputGate } from "./output.ts";
import { SourceLoader } from "./source.ts";
import { SpentMemory } from "./spent_memory.ts";
import { fromWire, movedLeaves, moveToWire, wholeBuffer } from "./wire.ts";
import {
  largeBytes,
  type RunOwner,
  type Send,
  WorkerRun,
} from "./worker_run.ts";

/** From when `performance.now()` counts; to ask for it takes as long as to run a short job. */
const TIME_ORIGIN = performance.timeOrigin;

/** Executes the Tasks that a worker is given. */
export class WorkerRuntime implements ScriptWatcher, ChunkHost, RunOwner {
  readonly #send: Send;
  readonly #modules = new ModuleLoader((what) => this.#warn(what), damageBy);
  readonly #sources = new SourceLoader();
  readonly #runs = new Map<number, WorkerRun>();
  readonly #functions = new Map<number, FunctionMessage>();
  #flags: Int32Array | undefined;
  #requests: Requests | undefined;
  /** Tasks of a function that this worker was not told of yet: the message is on its way. */
  #early: RequestBatch | undefined;
  /** The Tasks that came through the shared memory and have not left, for those that come behind one of them. */
  readonly #places = new Map<number, Place>();
  #chunkRequests: ChunkRequests | undefined;
  /** The same of a chunk. */
  #earlyChunk: ChunkRequest | undefined;
  /** Where short Tasks and chunks come in a process. */
  #inbox: Inbox | undefined;
  #results: ResultWay | undefined;
  #chunks: ChunkRunner | undefined;
  #gate: OutputGate | undefined;
  #memory: IdleMemory | undefined;
  #looksSoon = false;
  readonly #spent = new SpentMemory();
  #retire = false;
  /** Whether it is in a process of its own. */
  #isInProcess = false;
  #posted = false;

  /** Makes a runtime that answers through `send`, and through `results` where those of a few bytes have a way of their own before it begins. */
  constructor(send: Send, results?: ResultWay) {
    this.#send = send;
    this.#results = results;
  }

  /** Sets right what code has done to the builtins since anybody looked; what a worker does begins with this. */
  mend(): void {
    if (areIntact()) return;
    const job = this.#onlyJob();
    const error = damageBy(whoIs(job));
    if (error === undefined) return;
    if (job instanceof Invocation) job.fail(error);
    else this.#warn(error.message);
  }

  /** Takes a message; others than those of the protocol are not for the runtime. */
  receive(message: ToWorker): void {
    switch (message.type) {
      case "begin":
        if (message.flags) this.#flags = new Int32Array(message.flags);
        if (message.quick) this.#openQuickWay(message.quick);
        else if (this.#flags !== undefined && this.#results !== undefined) {
          this.#chunks = new ChunkRunner(this, this.#flags, this.#results);
        }
        this.#memory = message.memory;
        if (message.output) this.#gate = new OutputGate(message.output);
        this.#isInProcess = message.inbox !== undefined;
        if (message.inbox) this.#read(this.#inbox = new Inbox(message.inbox));
        return this.#sendHello();
      case "run":
        this.#run(message);
        return;
      case "batch":
        this.#runBatch(unpackBatch(message));
        return;
      case "chunk":
        // That after which it comes may be in the shared memory.
        this.#takeRequests();
        this.#inbox?.takeAll();
        this.#chunks!.take(message);
        return;
      case "function":
        this.#functions.set(message.fn, message);
        return this.#takeRequests();
      case "cancel":
        this.#runs.get(message.task)?.invocation.cancel(
          decodeThrown(fromWire(message.reason)),
        );
        return this.#send({ type: "acknowledged", task: message.task }, []);
      case "nestedNews":
        for (const news of message.news) this.#hear(news);
    }
  }

  /** Takes what the program tells of a job that was submitted here. */
  #hear(news: NestedNews): void {
    switch (news.type) {
      case "nestedMoved":
        return nestedMoved(news.id, news.status, news.key);
      case "nestedEvent":
        return nestedReported(news.id, news.event, news.past);
      case "nestedDone":
        return nestedSettled(news.id, {
          ...news,
          value: fromWire(news.value),
        });
    }
  }

  #sendHello(): void {
    const memory = this.#memory;
    const tooMuch = memory && isAbove(memory) ? taken(memory) : undefined;
    this.#send({ type: "hello", protocol: PROTOCOL_VERSION, tooMuch }, []);
  }

  /** Takes up the short Tasks that come. */
  #read(inbox: Inbox): void {
    const tasks = new TaskReader();
    inbox.read(
      (bytes, start, end) => {
        this.mend();
        return tasks.read(bytes, start, end);
      },
      (message) => {
        if (message.type === "run") this.#run(message);
        else this.#chunks!.take(message);
      },
      () => this.#runs.size === 0 && this.#chunks?.isIdle !== false,
    );
  }

  /** Is called when a script has submitted a job, which a worker does not run. */
  submitted(): void {
    this.#modules.submitted();
  }

  /** Is called when a script begins to wait for what never comes in a worker. */
  parked(): void {
    this.#modules.parked();
  }

  /** Fails the job to which an error belongs that nobody has caught. */
  stray(error: unknown, owner: RunningJob | undefined = this.#onlyJob()): void {
    this.mend();
    if (error instanceof JobExitError) return;
    const job = owner instanceof LightItem ? owner.invocation : owner;
    if (!(job instanceof Invocation)) {
      return this.#warn(
        "an error outside of any job was ignored in a worker",
        error,
      );
    }
    const { name, version } = job.context;
    if (job.settled || job.aborted) {
      // Nobody looks at what becomes of it.
      const state = job.settled ? "had ended" : "was to stop";
      return this.#warn(
        `${name} ${version} ${state} when something that it had started failed`,
        error,
      );
    }
    this.#retire = true;
    job.fail(
      new StrayError(
        `${name} ${version} started something that failed outside of it (a timer, a promise that nobody awaited): ${
          errorText(error)
        }`,
        { cause: error },
      ),
    );
  }

  /**
   * Takes the place of what ends a worker.
   *
   * @throws {JobExitError} always, so that the code which asked for the end stops.
   */
  exit(call: string): never {
    const owner = runningJob() ?? this.#onlyJob();
    const job = owner instanceof LightItem ? owner.invocation : owner;
    const error = new JobExitError(
      `${whoIs(job)} called ${call} in a worker: return or throw instead`,
    );
    if (job instanceof Invocation) {
      this.#retire = true;
      job.fail(error);
    }
    throw error;
  }

  /** Takes the place of what posts messages to the program. */
  posted(): void {
    if (this.#posted) return;
    this.#posted = true;
    this.#warn(
      `${
        whoIs(runningJob() ?? this.#onlyJob())
      } called postMessage in a worker, where it does nothing: return a value, or use hi.current().progress()`,
    );
  }

  #openQuickWay({ requests, chunks, results, bells }: QuickMemory): void {
    this.#requests = new Requests(requests);
    this.#chunkRequests = new ChunkRequests(chunks);
    const writer = new ResultWriter({ results, bells });
    this.#results = writer;
    this.#chunks = new ChunkRunner(this, this.#flags!, writer);
    new Bell(bells, WORKER_BELL).listen(() => this.#takeRequests());
  }

  /** Takes up the Tasks and the chunks that are in the shared memory. */
  #takeRequests(): void {
    this.mend();
    this.#takeTasks();
    this.#takeChunks();
  }

  #takeChunks(): void {
    while (true) {
      const request = this.#earlyChunk ?? this.#chunkRequests?.read();
      if (request === undefined) return;
      const fn = this.#functions.get(request.fn);
      this.#earlyChunk = fn === undefined ? request : undefined;
      if (fn === undefined) return;
      const { name, version, code } = fn;
      this.#chunks!.take({ ...request, type: "chunk", name, version, code });
    }
  }

  #takeTasks(): void {
    while (true) {
      // It may stand above its limit.
      if (this.#looksSoon) return queueMicrotask(() => this.#takeRequests());
      const batch = this.#early ?? this.#requests?.read();
      if (batch === undefined) return;
      const fn = this.#functions.get(batch.fn);
      this.#early = fn === undefined ? batch : undefined;
      if (fn === undefined) return;
      this.#runRequests(batch, fn);
    }
  }

  async #runRequests(batch: RequestBatch, fn: FunctionMessage): Promise<void> {
    const { length, after, onPause } = batch;
    const before = this.#places.get(after);
    const place = new Place();
    for (let i = 0; i < length; i++) this.#places.set(batch.task(i), place);
    if (before !== undefined) {
      await before.turn(onPause);
      this.mend();
    }
    for (let i = 0; i < length; i++) {
      const run = this.#run(new RequestedRun(batch, i, fn), length > 1);
      if (run === undefined || run.hasLeft) continue;
      if (i === length - 1) run.paused = place.free;
      this.#results?.tell();
      await run.leaving();
    }
    for (let i = 0; i < length; i++) this.#places.delete(batch.task(i));
    place.leave();
    this.#results?.tell();
  }

  async #runBatch(messages: readonly RunMessage[]): Promise<void> {
    for (const message of messages) {
      const run = this.#run(message, true);
      if (run === undefined || run.hasLeft) continue;
      this.#results?.tell();
      await run.leaving();
    }
    this.#results?.tell();
  }

  spellOut(item: LightItem): Invocation {
    const { message, start, hasEnded } = item;
    const run = new WorkerRun(message, this.#flags, this, true);
    const startedAt = Math.floor(TIME_ORIGIN + start);
    run.takeOver(startedAt, start, hasEnded);
    if (!hasEnded) this.#runs.set(message.task, run);
    return run.invocation;
  }

  /** The function of Tasks, where that can be said at once. */
  find(
    { code, name, version }: Pick<RunMessage, "code" | "name" | "version">,
  ): UserFunction | undefined {
    return code.kind === "module"
      ? this.#modules.find(code.url, name, version)
      : undefined;
  }

  /** Takes up a Task, unless this worker is not to. */
  #run(message: RunMessage, together = false): WorkerRun | undefined {
    const begun = this.#retire ? undefined : this.#begin(message);
    if (begun !== undefined) return this.begun(begun, together);
    this.#notRun("skipped", message);
    return undefined;
  }

  /** Says that this worker does not run a Task, and gives back what nobody else has of its arguments. */
  #notRun(type: "skipped" | "refused", { task, list }: RunMessage): void {
    const transfer: ArrayBuffer[] = [];
    const moved = movedLeaves(list, transfer);
    this.#send(
      {
        type,
        task,
        ...(moved === undefined ? undefined : { moved }),
        ...(this.#retire ? { retire: true } : undefined),
      },
      transfer,
    );
  }

  /** Calls the function of a Task that this worker has taken up. */
  begun(message: RunMessage, together: boolean): WorkerRun {
    const run = new WorkerRun(message, this.#flags, this, together);
    this.#runs.set(message.task, run);
    const fn = this.find(message);
    if (fn !== undefined) run.start(fn);
    else this.#loadAndStart(message, run);
    return run;
  }

  /** The Task with that number, while it is here. */
  runOf(task: number): WorkerRun | undefined {
    return this.#runs.get(task);
  }

  /** Whether it takes up nothing more. */
  get retires(): boolean {
    return this.#retire;
  }

  async #loadAndStart(message: RunMessage, run: WorkerRun): Promise<void> {
    let fn: UserFunction | typeof REFUSED;
    try {
      fn = await this.#load(message);
    } catch (error) {
      // The import goes on: what comes next is to find a worker without it.
      if (error instanceof ImportTimeoutError) this.#retire = true;
      return run.invocation.fail(error);
    }
    // It may have been cancelled meanwhile.
    const isToStop = run.stopReason() !== undefined;
    if (fn !== REFUSED && !isToStop) return run.start(fn);
    if (run.hasLeft) return;
    this.#notRun(isToStop ? "skipped" : "refused", message);
    this.#leave(run);
  }

  #leave(run: WorkerRun): void {
    this.#runs.delete(run.task);
    if (this.#memory !== undefined) this.#watchMemory(this.#memory);
    run.leave();
  }

  /** Takes up a Task, unless its sender has taken it back; with whether it is to say that it starts. */
  #begin(message: RunMessage): RunMessage | undefined {
    const flags = this.#flags;
    if (flags === undefined) return message;
    const { flag } = message;
    const { SENT, WATCHED, BEGUN } = Flag;
    if (Atomics.compareExchange(flags, flag, SENT, BEGUN) === SENT) {
      return message;
    }
    return Atomics.compareExchange(flags, flag, WATCHED, BEGUN) === WATCHED
      ? { ...message, timed: true }
      : undefined;
  }

  #load(
    { code, name, version, importTimeout }: RunMessage,
  ): Promise<UserFunction | typeof REFUSED> {
    return code.kind === "module"
      ? this.#modules.load(code.url, name, version, importTimeout)
      : this.#sources.load(
        { ...code, values: fromWire(code.values) },
        name,
        version,
        importTimeout,
      );
  }

  goesOn(fn: UserFunction): void {
    this.#chunks?.goesOn(fn);
  }

  memoryChanged(): void {
    // It has a copy, which the program has as it was.
    if (this.#isInProcess) this.#retire = true;
  }

  /** A Task has ended. */
  ended(run: WorkerRun, ending: Ending): void {
    this.#done(run, ending);
    this.#leave(run);
  }

  #done(run: WorkerRun, ending: Ending): void {
    const { aborted, started } = run.invocation;
    if (aborted && !started) {
      const retire = this.#retire;
      return this.#send({ type: "skipped", task: run.task, retire }, []);
    }
    const unseen = takeUnseen();
    if (unseen !== undefined) this.#show(unseen);
    const large = run.largeBytes + largeBytes(ending.value.leaves);
    if (large > 0) this.#spent.add(large);
    if (this.#doneQuickly(run, ending)) return;
    const { task } = run;
    const transfer: ArrayBuffer[] = [];
    const { status, timing } = ending;
    const value = moveToWire(ending.value, transfer);
    const message: { -readonly [K in keyof DoneMessage]: DoneMessage[K] } = {
      type: "done",
      task,
      status,
      value,
      timing,
    };
    if (ending.status === "error") {
      if (ending.lost) message.lost = true;
    } else if (ending.contribution !== undefined) {
      message.contribution = wholeBuffer(ending.contribution);
    }
    if (this.#retire) message.retire = true;
    this.#send(message, transfer);
    this.#results?.caughtUp();
  }

  /** Writes a result of a few bytes into shared memory; whether it did. What the job has said goes before, so it must have said nothing. */
  #doneQuickly(run: WorkerRun, ending: Ending): boolean {
    if (this.#results === undefined || this.#retire || run.hasSpoken) {
      return false;
    }
    if (ending.status === "error") return false;
    const { value, contribution, timing } = ending;
    if (value.leaves.length > 0 || value.files !== undefined) return false;
    const { startedAt, duration } = timing;
    return this.#results.write(
      run.task,
      value,
      contribution,
      startedAt,
      duration,
      run.together,
    );
  }

  /** Tells when it stands above its limit and has nothing to do; the program takes another worker then. */
  #watchMemory(memory: IdleMemory): void {
    if (this.#looksSoon) return;
    this.#looksSoon = true;
    // When the call has returned that holds its arguments.
    queueMicrotask(() => {
      this.#looksSoon = false;
      if (this.#runs.size > 0 || this.#retire || !isAbove(memory)) return;
      this.#send({ type: "outgrown" }, []);
    });
  }

  #warn(what: string, error?: unknown): void {
    const reason = error instanceof Error && error.stack || errorText(error);
    const text = error === undefined ? what : `${what}: ${reason}`;
    this.#show(`hither: ${text}`);
  }

  #show(text: string): void {
    const line = {
      stream: "stderr",
      text: `${text}\n`,
      time: Date.now(),
    } as const;
    this.report({ type: "warning", line });
  }

  /** Sends what a job prints and reports; waits while too much is under way. */
  report(message: EventMessage | WarningMessage): void {
    this.#gate?.enter();
    this.#send(message, []);
    // A program that has all results may end.
    if (message.type === "warning") this.#results?.fallBehind();
  }

  /** How to send a message. */
  get sender(): Send {
    return this.#send;
  }

  /** Sends a message. */
  send(message: FromWorker): void {
    this.#send(message, []);
  }

  /** The job that runs, if there is exactly one; while it waits for its module, it has done nothing yet. */
  #onlyJob(): RunningJob | undefined {
    const [run, another] = this.#runs.values();
    if (another !== undefined || !run?.invocation.started) return undefined;
    return run.invocation;
  }
}

/** Who did something, for people. */
function whoIs(job: RunningJob | undefined): string {
  if (job === undefined) return "A module";
  const { name, version } = job.context;
  return `${name} ${version}`;
}
