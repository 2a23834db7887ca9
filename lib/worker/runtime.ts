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
import {
  nestedMoved,
  nestedReported,
  nestedSettled,
  RemoteJobs,
} from "../remote_jobs.ts";
import type { ConsoleLine, TaskEvent } from "../task.ts";
import { takeUnseen } from "../unseen_failures.ts";
import { jobKey } from "../value/contribution.ts";
import { decodeValue } from "../value/decode.ts";
import { decodeThrown } from "../value/thrown.ts";
import { unpackBatch } from "./batch.ts";
import { beginItem, unpackChunk } from "./chunk.ts";
import {
  type Ending,
  type ExecutedJob,
  type Host,
  Invocation,
} from "./execute.ts";
import { linkTo } from "./nested_link.ts";
import { ModuleLoader, REFUSED, type UserFunction } from "./load.ts";
import {
  type ChunkMessage,
  type DoneMessage,
  type EventMessage,
  Flag,
  type FromWorker,
  PROTOCOL_VERSION,
  type RunMessage,
  type ToWorker,
  type WarningMessage,
} from "./protocol.ts";
import { Results } from "./results.ts";
import { Output, OutputGate } from "./output.ts";
import { SourceLoader } from "./source.ts";
import { fromWire, moveToWire, wholeBuffer } from "./wire.ts";

/** Sends a message; the buffers in `transfer` move with it. */
export type Send = (message: FromWorker, transfer: ArrayBuffer[]) => void;

/** How long results of a batch may wait for each other, in ms that its functions took. */
const TIME_TOGETHER = 1;

/** How many results of a batch are told of with one message. */
const MOST_TOGETHER = 64;

/** Executes the Tasks that a worker is given. */
export class WorkerRuntime implements ScriptWatcher {
  readonly #send: Send;
  readonly #modules = new ModuleLoader((what) => this.#warn(what));
  readonly #sources = new SourceLoader();
  readonly #runs = new Map<number, WorkerRun>();
  #flags: Int32Array | undefined;
  #results: Results | undefined;
  /** How many results the program was not told of, and how long their functions took, in ms. */
  #untold = 0;
  #untoldTime = 0;
  #gate: OutputGate | undefined;
  #retire = false;
  #posted = false;

  /** Makes a runtime that answers through `send`. */
  constructor(send: Send) {
    this.#send = send;
  }

  /** Takes a message; others than those of the protocol are not for the runtime. */
  receive(message: ToWorker): void {
    switch (message.type) {
      case "begin":
        if (message.flags) this.#flags = new Int32Array(message.flags);
        if (message.results) this.#results = new Results(message.results);
        if (message.output) this.#gate = new OutputGate(message.output);
        return this.#send({ type: "hello", protocol: PROTOCOL_VERSION }, []);
      case "run":
        this.#run(message);
        return;
      case "batch":
        this.#runBatch(unpackBatch(message));
        return;
      case "chunk":
        this.#runChunk(message);
        return;
      case "cancel":
        this.#runs.get(message.task)?.invocation.cancel(
          decodeThrown(fromWire(message.reason)),
        );
        return this.#send({ type: "acknowledged", task: message.task }, []);
      case "nestedMoved":
        return nestedMoved(message.id, message.status, message.key);
      case "nestedEvent":
        return nestedReported(message.id, message.event, message.past);
      case "nestedDone":
        return nestedSettled(message.id, {
          ...message,
          value: fromWire(message.value),
        });
    }
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
  stray(error: unknown, job: RunningJob | undefined = this.#onlyJob()): void {
    if (error instanceof JobExitError) return;
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
    const job = runningJob() ?? this.#onlyJob();
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

  async #runBatch(messages: readonly RunMessage[]): Promise<void> {
    for (const message of messages) {
      const running = this.#run(message, true);
      if (running === undefined) continue;
      this.#tell();
      await running;
    }
    this.#tell();
  }

  /** Takes up the items of a chunk, until its sender takes the rest back. */
  async #runChunk(chunk: ChunkMessage): Promise<void> {
    let begun = 0;
    for (const message of unpackChunk(chunk)) {
      if (this.#retire || !beginItem(this.#flags!, chunk.flag, begun++)) break;
      const running = this.#take(message, true);
      if (running === undefined) continue;
      this.#tell();
      await running;
    }
    this.#untold = 0;
    this.#untoldTime = 0;
    this.#send({ type: "chunkDone", chunk: chunk.chunk }, []);
  }

  /** Takes up a Task; resolves when it has left this worker, `undefined` if it has done so already. */
  #run(message: RunMessage, together = false): Promise<void> | undefined {
    if (this.#retire || !this.#begin(message)) {
      this.#send({ type: "skipped", task: message.task }, []);
      return undefined;
    }
    return this.#take(message, together);
  }

  /** Calls the function of a Task that has begun; as `run`. */
  #take(message: RunMessage, together: boolean): Promise<void> | undefined {
    const { task, code, name, version } = message;
    let left = false;
    let resolve: (() => void) | undefined;
    const leave = (): void => {
      this.#runs.delete(task);
      left = true;
      resolve?.();
    };
    const run = new WorkerRun(
      message,
      this.#flags,
      this.#send,
      (message) => this.#report(message),
      (ending) => {
        this.#done(run, ending, together);
        leave();
      },
    );
    this.#runs.set(task, run);
    const fn = code.kind === "module"
      ? this.#modules.find(code.url, name, version)
      : undefined;
    if (fn !== undefined) run.start(fn);
    else {
      this.#load(message).then(
        (fn) => {
          if (fn !== REFUSED) return run.start(fn);
          this.#send({ type: "refused", task }, []);
          leave();
        },
        (error) => {
          // The import goes on: what comes next is to find a worker without it.
          if (error instanceof ImportTimeoutError) this.#retire = true;
          run.invocation.fail(error);
        },
      );
    }
    if (left) return undefined;
    return new Promise<void>((done) => resolve = done);
  }

  /** Takes up a Task, unless its sender has taken it back. */
  #begin({ flag }: RunMessage): boolean {
    const flags = this.#flags;
    return flags === undefined ||
      Atomics.compareExchange(flags, flag, Flag.SENT, Flag.BEGUN) === Flag.SENT;
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

  #done(run: WorkerRun, ending: Ending, together: boolean): void {
    const unseen = takeUnseen();
    if (unseen !== undefined) this.#show(unseen);
    if (this.#doneQuickly(run, ending, together)) return;
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
  }

  /** Writes a result of a few bytes into shared memory; whether it did. What the job has said goes before, so it must have said nothing. */
  #doneQuickly(run: WorkerRun, ending: Ending, together: boolean): boolean {
    if (this.#results === undefined || this.#retire || run.hasSpoken) {
      return false;
    }
    if (ending.status === "error") return false;
    const { value, contribution, timing } = ending;
    if (value.leaves.length > 0 || value.files !== undefined) return false;
    const { startedAt, duration } = timing;
    if (
      !this.#results.write(
        run.task,
        value.bytes,
        contribution,
        startedAt,
        duration,
      )
    ) return false;
    this.#untold++;
    this.#untoldTime += duration;
    if (
      !together || this.#untold >= MOST_TOGETHER ||
      this.#untoldTime >= TIME_TOGETHER
    ) this.#tell();
    return true;
  }

  /** Tells the program of the results that it was not told of. */
  #tell(): void {
    if (this.#untold === 0) return;
    this.#untold = 0;
    this.#untoldTime = 0;
    this.#send(RESULTS, []);
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
    this.#report({ type: "warning", line });
  }

  /** Waits while too much is under way. */
  #report(message: EventMessage | WarningMessage): void {
    this.#gate?.enter();
    this.#send(message, []);
  }

  /** The job that runs, if there is exactly one; while it waits for its module, it has done nothing yet. */
  #onlyJob(): RunningJob | undefined {
    const [run, another] = this.#runs.values();
    if (another !== undefined || !run?.invocation.started) return undefined;
    return run.invocation;
  }
}

const RESULTS = { type: "results" } as const;
/** Sends what a job prints and reports. */
type Report = (message: EventMessage | WarningMessage) => void;

/** A Task in a worker. */
class WorkerRun implements ExecutedJob, Host {
  /** Its number. */
  readonly task: number;
  readonly name: string;
  readonly version: string;
  readonly digest: boolean;
  /** Whether the program has heard from the job. */
  hasSpoken = false;
  readonly invocation: Invocation;
  readonly #message: RunMessage;
  readonly #flags: Int32Array | undefined;
  readonly #send: Send;
  readonly #report: Report;
  #output: Output | undefined;
  /** Whether its outcome has been sent. */
  #left = false;
  #remote: RemoteJobs | undefined;

  constructor(
    message: RunMessage,
    flags: Int32Array | undefined,
    send: Send,
    report: Report,
    settle: (ending: Ending) => void,
  ) {
    this.task = message.task;
    this.#message = message;
    this.#flags = flags;
    this.#send = send;
    this.name = message.name;
    this.version = message.version;
    this.digest = message.digest;
    this.#report = report;
    this.invocation = new Invocation(this, this, (ending) => {
      this.#output?.flush();
      this.#left = true;
      this.#remote?.end();
      settle(ending);
    });
  }

  get key(): string {
    const { key, name, version, list: { bytes } } = this.#message;
    if (key !== undefined) return key;
    // Of an item the bytes may be no key: the order of the keys of an object is in them.
    const args = decodeValue({ bytes, leaves: [] }) as unknown[];
    return jobKey(name, version, args).toHex();
  }

  start(fn: UserFunction): void {
    const { task, importTimeout, list, upstream } = this.#message;
    if (importTimeout !== undefined) this.#send({ type: "imported", task }, []);
    if (this.invocation.settled) return;
    this.invocation.run(fn, {
      list: fromWire(list),
      upstream: upstream.map(fromWire),
    });
  }

  port(): RemoteJobs {
    const { task } = this;
    this.hasSpoken = true;
    this.#remote = new RemoteJobs(linkTo(this.#send, task), this.#message);
    if (this.invocation.settled) this.#remote.end();
    return this.#remote;
  }

  started(): void {
    if (!this.#message.timed) return;
    this.hasSpoken = true;
    this.#send({ type: "started", task: this.task }, []);
  }

  report(event: TaskEvent): void {
    this.hasSpoken = true;
    if (event.type === "console") {
      (this.#output ??= new Output((line) => this.#print(line))).add(
        event.line,
      );
    } else if (!this.invocation.settled) {
      this.#report({ type: "event", task: this.#message.task, event });
    }
  }

  #print(line: ConsoleLine): void {
    const { task, name } = this.#message;
    this.#report(
      this.#left
        // The outcome is settled, but what is printed is not lost.
        ? { type: "warning", line, name }
        : { type: "event", task, event: { type: "console", line } },
    );
  }

  stopReason(): "cancelled" | "timed out" | undefined {
    if (this.#flags === undefined) return undefined;
    switch (Atomics.load(this.#flags, this.#message.flag)) {
      case Flag.CANCELLED:
        return "cancelled";
      case Flag.TIMED_OUT:
        return "timed out";
    }
  }
}

/** Who did something, for people. */
function whoIs(job: RunningJob | undefined): string {
  if (job === undefined) return "A module";
  const { name, version } = job.context;
  return `${name} ${version}`;
}
