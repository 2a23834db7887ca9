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
import { decodeThrown } from "../value/thrown.ts";
import { unpackBatch } from "./batch.ts";
import { type Ending, type Host, Invocation } from "./execute.ts";
import { linkTo } from "./nested_link.ts";
import { ModuleLoader, REFUSED, type UserFunction } from "./load.ts";
import {
  type DoneMessage,
  type EventMessage,
  Flag,
  type FromWorker,
  PROTOCOL_VERSION,
  type RunMessage,
  type ToWorker,
  type WarningMessage,
} from "./protocol.ts";
import { Output, OutputGate } from "./output.ts";
import { SourceLoader } from "./source.ts";
import { fromWire, moveToWire, wholeBuffer } from "./wire.ts";

/** Sends a message; the buffers in `transfer` move with it. */
export type Send = (message: FromWorker, transfer: ArrayBuffer[]) => void;

/** Executes the Tasks that a worker is given. */
export class WorkerRuntime implements ScriptWatcher {
  readonly #send: Send;
  readonly #modules = new ModuleLoader((what) => this.#warn(what));
  readonly #sources = new SourceLoader();
  readonly #runs = new Map<number, WorkerRun>();
  #flags: Int32Array | undefined;
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
        if (message.output) this.#gate = new OutputGate(message.output);
        return this.#send({ type: "hello", protocol: PROTOCOL_VERSION }, []);
      case "run":
        this.#run(message);
        return;
      case "batch":
        this.#runBatch(unpackBatch(message));
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
    for (const message of messages) await this.#run(message);
  }

  /** Resolves when the Task has left this worker. */
  #run(message: RunMessage): Promise<void> | void {
    const { task, code, name, version } = message;
    if (this.#retire || !this.#begin(message)) {
      return this.#send({ type: "skipped", task }, []);
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    const run = new WorkerRun(
      message,
      this.#flags,
      this.#send,
      (message) => this.#report(message),
      (ending) => {
        this.#runs.delete(task);
        this.#done(task, ending);
        resolve();
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
          this.#runs.delete(task);
          this.#send({ type: "refused", task }, []);
          resolve();
        },
        (error) => {
          // The import goes on: what comes next is to find a worker without it.
          if (error instanceof ImportTimeoutError) this.#retire = true;
          run.invocation.fail(error);
        },
      );
    }
    return promise;
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

  #done(task: number, ending: Ending): void {
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
    const unseen = takeUnseen();
    if (unseen !== undefined) this.#show(unseen);
    this.#send(message, transfer);
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

/** Sends what a job prints and reports. */
type Report = (message: EventMessage | WarningMessage) => void;

/** A Task in a worker. */
class WorkerRun implements Host {
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
    this.#message = message;
    this.#flags = flags;
    this.#send = send;
    this.#report = report;
    this.invocation = new Invocation(message, this, (ending) => {
      this.#output?.flush();
      this.#left = true;
      this.#remote?.end();
      settle(ending);
    });
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
    const { task } = this.#message;
    this.#remote = new RemoteJobs(linkTo(this.#send, task), this.#message);
    if (this.invocation.settled) this.#remote.end();
    return this.#remote;
  }

  started(): void {
    const { timed, task } = this.#message;
    if (timed) this.#send({ type: "started", task }, []);
  }

  report(event: TaskEvent): void {
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
