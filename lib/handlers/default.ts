/**
 * Runs jobs in this process.
 *
 * @module
 */

import { runOutside } from "../current.ts";
import { provideDirectWay } from "../direct_handler.ts";
import { SandboxUnavailableError } from "../errors.ts";
import { provideFallbackHandler } from "../fallback_handler.ts";
import { isWorker } from "../role.ts";
import type {
  ConsoleLine,
  JobHandler,
  Outcome,
  Task,
  TaskArguments,
  TaskEvent,
} from "../task.ts";
import type { ThrownValue } from "../value/thrown.ts";
import { warn } from "../warn.ts";
import { ConsoleRecord, installConsole, showLive } from "../worker/console.ts";
import type { SourceCode, SourceLoader } from "../worker/source.ts";
import { type Ending, type Host, Invocation } from "../worker/execute.ts";
import { closedError, closedErrors } from "./closed_errors.ts";
import { checkOptions, wholeNumber } from "./options.ts";
import { Queue, type QueuePlace } from "../queue.ts";

/**
 * Options of {@linkcode DefaultJobHandler}.
 *
 * @example
 * ```ts
 * import * as hi from "@hither/hither";
 *
 * const options: hi.DefaultJobHandlerOptions = { concurrency: 8 };
 * await using jobHandler = new hi.DefaultJobHandler(options);
 * ```
 */
export interface DefaultJobHandlerOptions {
  /**
   * How many jobs may run at a time. More than one helps only functions that
   * wait for something: a job that computes holds up the whole process.
   *
   * @default {1}
   */
  concurrency?: number;
}

/**
 * Runs jobs in this process, in order. It is what runs a job where no other
 * handler was given.
 *
 * A job that was cancelled while it runs gives up its place at once; it is told
 * through the `signal` and the `throwIfAborted()` of `hi.current()`. Jobs that a
 * job submits start at once, beside it.
 *
 * Disposing it aborts the jobs that run, and fails them and those that wait with
 * a `HandlerClosedError`.
 *
 * @example
 * ```ts
 * import * as hi from "@hither/hither";
 *
 * const sqr = hi.func("default_handler_sqr", "1", (x: number) => x * x);
 *
 * await using jobHandler = new hi.DefaultJobHandler({ concurrency: 4 });
 * await hi.config({ jobHandler, jobCache: null }, async () => {
 *   console.assert(await sqr.run(3) === 9);
 * });
 * ```
 */
export class DefaultJobHandler implements JobHandler {
  /** Functions are called in this process's own event loop. */
  readonly inProcess = true;
  readonly #concurrency: number;
  readonly #waiting = new Queue<LocalRun>();
  readonly #live = new Map<Task, LocalRun>();
  #running = 0;
  #scheduled = false;
  #closed = false;
  #sources: Promise<SourceLoader> | undefined;
  readonly #loadSources = (): Promise<SourceLoader> =>
    this.#sources ??= import("../worker/source.ts").then((module) =>
      new module.SourceLoader()
    );

  /**
   * Makes a handler that runs jobs in this process.
   *
   * @param options How many jobs may run at a time.
   * @throws {TypeError} if `concurrency` is not a number, or there is another option.
   * @throws {RangeError} if `concurrency` is not a whole number of 1 or more.
   */
  constructor(options: DefaultJobHandlerOptions = {}) {
    checkOptions("DefaultJobHandler", options, ["concurrency"]);
    const { concurrency = 1 } = options;
    this.#concurrency = wholeNumber("concurrency", concurrency);
    provideDirectWay(
      this,
      DefaultJobHandler.prototype.run,
      (task, settled) => {
        const running = runOutside(() => this.run(task));
        running.then((outcome) => settled(task, outcome));
      },
    );
  }

  /** Runs a Task when its turn has come; a nested one at once. */
  run(task: Task): Promise<Outcome> {
    installConsole();
    return new Promise((resolve) => {
      const run = new LocalRun(task, this.#loadSources, (outcome) => {
        // First: it is stored before the next function begins, which may hold up the thread.
        resolve(outcome);
        this.#leave(run);
      });
      if (this.#closed) return run.fail(closedError(task));
      if (task.permissions !== undefined) return run.fail(noSandbox(task));
      this.#live.set(task, run);
      if (task.nested) return queueMicrotask(() => run.start());
      run.place = this.#waiting.push(run, task.priority);
      this.#schedule();
    });
  }

  /** Drops a Task that waits, or aborts a running one and frees its place. */
  cancel(task: Task, reason: unknown): void {
    const run = this.#live.get(task);
    if (run === undefined) return;
    this.#leave(run);
    run.cancel(reason);
  }

  /** Fails what waits and what runs, and takes no more. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    const closed = closedErrors();
    for (const run of [...this.#live.values()]) {
      this.#waiting.remove(run.place);
      run.close(closed(run.task));
    }
    return Promise.resolve();
  }

  /** Forgets a Task; its place, if it had one, is free. */
  #leave(run: LocalRun): void {
    this.#live.delete(run.task);
    this.#waiting.remove(run.place);
    if (!run.holdsSlot) return;
    run.holdsSlot = false;
    this.#running--;
    this.#schedule();
  }

  // Never inside of `run` or of the end of another job: neither the submitter
  // nor a long row of short jobs finds the next function on its own call stack.
  // One in each turn: what the one before it came to is stored by then.
  #schedule(): void {
    if (this.#scheduled || this.#waiting.size === 0) return;
    if (this.#running >= this.#concurrency) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      const storing = this.#concurrency === 1
        ? this.#waiting.first?.task.ready?.()
        : undefined;
      if (storing !== undefined) {
        storing.then(() => {
          this.#scheduled = false;
          this.#schedule();
        });
        return;
      }
      this.#scheduled = false;
      const run = this.#waiting.shift();
      if (run === undefined) return;
      run.holdsSlot = true;
      this.#running++;
      run.start();
      this.#schedule();
    });
  }
}

/** A Task on its way through this process. */
class LocalRun implements Host {
  readonly task: Task;
  place: QueuePlace<LocalRun> | undefined;
  holdsSlot = false;
  /** The caller is here. */
  readonly lends = true;
  readonly #sources: () => Promise<SourceLoader>;
  readonly #invocation: Invocation;
  readonly #settle: (outcome: Outcome) => void;
  #record: ConsoleRecord | undefined;

  constructor(
    task: Task,
    sources: () => Promise<SourceLoader>,
    settle: (outcome: Outcome) => void,
  ) {
    this.task = task;
    this.#sources = sources;
    this.#settle = settle;
    this.#invocation = new Invocation(task, this);
  }

  settle(ending: Ending): void {
    this.#settle({ ...ending, console: this.#record?.lines() ?? NO_LINES });
  }

  start(): void {
    if (this.#invocation.settled) return;
    let args: TaskArguments;
    try {
      args = this.task.arguments();
    } catch (error) {
      return this.#invocation.fail(error);
    }
    const { code, fn, name, version } = this.task;
    if (code.kind === "module" || !needsNames(code)) {
      return this.#invocation.run(fn, args);
    }
    // As in a worker, it gets the names that it was given, not those around it.
    this.#sources().then((sources) => sources.load(code, name, version)).then(
      (fn) => this.#invocation.run(fn, args),
      (error) => this.#invocation.fail(error),
    );
  }

  cancel(reason: unknown): void {
    const { name, version } = this.task;
    // A worker does so itself, for all that fails in it.
    if (isWorker()) return this.#invocation.cancel(reason);
    withoutUncaught(() => this.#invocation.cancel(reason), (error) => {
      const told = error instanceof Error ? error.stack : error;
      warn(
        `${name} ${version} was to stop when a listener of its signal failed: ${told}`,
      );
    });
  }

  fail(error: unknown): void {
    this.#invocation.fail(error);
  }

  /** Its handler is disposed. */
  close(value: ThrownValue): void {
    if (this.#invocation.started) this.cancel(value.error);
    this.fail(value);
  }

  started(): void {
    this.task.started();
  }

  report(event: TaskEvent): void {
    if (event.type === "console") {
      showLive(event.line, isWorker() ? `[${this.task.name}] ` : "");
      if (this.#invocation.settled) return;
      (this.#record ??= new ConsoleRecord()).add(event.line);
    } else if (this.#invocation.settled) return;
    this.task.report(event);
  }
}

/** Calls `body`, in which event listeners may throw: that ends the program unless somebody takes the error. */
function withoutUncaught(
  body: () => void,
  taken: (error: unknown) => void,
): void {
  const take = (event: ErrorEvent): void => {
    event.preventDefault();
    taken(event.error);
  };
  addEventListener("error", take);
  try {
    body();
  } finally {
    removeEventListener("error", take);
  }
}

function needsNames({ imports, values }: SourceCode): boolean {
  // An empty object is one byte long.
  return values.bytes.length > 1 || Object.keys(imports).length > 0;
}

const NO_LINES: readonly ConsoleLine[] = Object.freeze([]);

function noSandbox({ name, version }: Task): SandboxUnavailableError {
  return new SandboxUnavailableError(
    `Cannot run ${name} ${version} within its permissions in the program itself, which has permissions of its own: set jobHandler to a ParallelJobHandler, or permissions to "inherit"`,
  );
}

provideFallbackHandler(() => new DefaultJobHandler());
