/**
 * What the global scope of a worker becomes, before any of the user's code: jobs
 * run in it, and nothing that they do ends it.
 *
 * @module
 */

import { type RunningJob, runningJob } from "../current.ts";
import { becomeWorker } from "../role.ts";
import { installConsole } from "./console.ts";
import type { ToWorker } from "./protocol.ts";
import type { ResultWay } from "./result_writer.ts";
import { WorkerRuntime } from "./runtime.ts";
import type { Send } from "./worker_run.ts";

/** What the global scope of a web worker has beyond that of a program. */
interface WorkerScope {
  postMessage(message: unknown, transfer: Transferable[]): void;
  close(): void;
}

const scope = globalThis as unknown as WorkerScope;

/** Runs the Tasks that come as messages, which `read` may change or withhold, and answers through `send` and `results`. */
export function serve(
  send: Send,
  read: (message: ToWorker) => ToWorker | undefined = (message) => message,
  results?: ResultWay,
): void {
  const runtime = new WorkerRuntime(send, results);
  becomeWorker(runtime);
  installConsole();
  catchStrayErrors(runtime);
  catchExits(runtime);
  catchMessages(runtime);
  // First of all listeners.
  addEventListener("message", (event) => {
    event.stopImmediatePropagation();
    runtime.mend();
    const message = read((event as MessageEvent<ToWorker>).data);
    if (message !== undefined) runtime.receive(message);
  });
}

/** Gives errors outside of a job's own call to the job, instead of ending the worker. */
function catchStrayErrors(runtime: WorkerRuntime): void {
  addEventListener("error", (event) => {
    event.preventDefault();
    runtime.stray(event.error, runningJob());
  });
  addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    runtime.stray(event.reason, runningJob());
  });
  // The event of a timer that throws does not know whose timer it was.
  globalThis.setTimeout = withOwner(runtime, globalThis.setTimeout);
  globalThis.setInterval = withOwner(runtime, globalThis.setInterval);
}

/** The same way to set a timer; what its callback throws belongs to the job that set it. */
function withOwner<S extends typeof setTimeout | typeof setInterval>(
  runtime: WorkerRuntime,
  set: S,
): S {
  const owned = (
    callback: (...args: unknown[]) => unknown,
    ...rest: unknown[]
  ) => {
    const job: RunningJob | undefined = runningJob();
    if (job === undefined || typeof callback !== "function") {
      return Reflect.apply(set, globalThis, [callback, ...rest]);
    }
    const guarded = (...args: unknown[]): void => {
      try {
        callback(...args);
      } catch (error) {
        runtime.stray(error, job);
      }
    };
    return Reflect.apply(set, globalThis, [guarded, ...rest]);
  };
  return Object.defineProperties(
    owned,
    Object.getOwnPropertyDescriptors(set),
  ) as unknown as S;
}

/** A worker that ends by itself tells nobody: so it does not. */
function catchExits(runtime: WorkerRuntime): void {
  Deno.exit = (code?: number) => runtime.exit(`Deno.exit(${code ?? ""})`);
  scope.close = () => runtime.exit("close()");
}

/** What the program hears from here it takes for messages of the protocol: those of others do not reach it. */
function catchMessages(runtime: WorkerRuntime): void {
  scope.postMessage = () => runtime.posted();
}
