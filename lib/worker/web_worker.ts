/**
 * The entry point of a web worker.
 *
 * @module
 */

import { type RunningJob, runningJob } from "../current.ts";
import { becomeWorker } from "../role.ts";
import { installConsole } from "./console.ts";
import type { ToWorker } from "./protocol.ts";
import { WorkerRuntime } from "./runtime.ts";

/** What the global scope of a web worker has beyond that of a program. */
interface WorkerScope {
  postMessage(message: unknown, transfer: Transferable[]): void;
  close(): void;
}

const scope = globalThis as unknown as WorkerScope;
const post = scope.postMessage.bind(scope);
const runtime = new WorkerRuntime((message, transfer) =>
  post(message, transfer)
);

becomeWorker(runtime);
installConsole();
catchStrayErrors();
catchExits();
catchMessages();
// First of all listeners, and before any of the user's code.
addEventListener("message", (event) => {
  event.stopImmediatePropagation();
  runtime.receive((event as MessageEvent<ToWorker>).data);
});

/** Gives errors outside of a job's own call to the job, instead of ending the worker. */
function catchStrayErrors(): void {
  addEventListener("error", (event) => {
    event.preventDefault();
    runtime.stray(event.error, runningJob());
  });
  addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    runtime.stray(event.reason, runningJob());
  });
  // The event of a timer that throws does not know whose timer it was.
  globalThis.setTimeout = withOwner(globalThis.setTimeout);
  globalThis.setInterval = withOwner(globalThis.setInterval);
}

/** The same way to set a timer; what its callback throws belongs to the job that set it. */
function withOwner<S extends typeof setTimeout | typeof setInterval>(
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
function catchExits(): void {
  Deno.exit = (code?: number) => runtime.exit(`Deno.exit(${code ?? ""})`);
  scope.close = () => runtime.exit("close()");
}

/** What the program hears from here it takes for messages of the protocol: those of others do not reach it. */
function catchMessages(): void {
  scope.postMessage = () => runtime.posted();
}
