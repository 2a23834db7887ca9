/**
 * Which kind of worker a Task gets.
 *
 * @module
 */

import { PermissionNeededError } from "../../errors.ts";
import type { Task } from "../../task.ts";
import { warnOnce } from "../../warn.ts";
import type { Needs } from "./connection.ts";
import { IN_WORKER } from "./pool_run.ts";

/** What a pool needs to start processes. */
export type Processes = typeof import("./process_connection.ts");

/** Where a pool runs its Tasks. */
export type PoolIsolation = "auto" | "worker" | "process";

/** Finds out what the Tasks of a pool get that want a process. */
export class TaskNeeds {
  readonly #isolation: PoolIsolation;
  #processes: Processes | undefined;
  /** What the last Task got that runs in a process. */
  #last: Needs | undefined;
  /** The same of the last that wants nothing more of it. */
  #lastPlain: Needs | undefined;
  #loading: Promise<void> | undefined;

  /** Makes it for a pool. */
  constructor(isolation: PoolIsolation) {
    this.#isolation = isolation;
  }

  /** What starts processes, once it is loaded. */
  get processes(): Processes | undefined {
    return this.#processes;
  }

  /** Loads what starts processes, with the first Task that needs it: a pool of threads does without. */
  load(): Promise<void> {
    return this.#loading ??= import("./process_connection.ts").then(
      (processes) => {
        this.#processes = processes;
      },
    );
  }

  /** Whether a Task is to run in a process, if that can be done, or in a worker with bounds. */
  wantsProcess({ memory, timed, permissions }: Task): boolean {
    if (permissions !== undefined) return true;
    if (this.#isolation === "worker") return memory !== undefined;
    return this.#isolation === "process" || timed || memory !== undefined;
  }

  /** What a Task that wants a process gets. Throws as `needsOf` does. */
  of(task: Task): Needs {
    const { memory, permissions, denoArgs = NO_ARGS } = task;
    // Each function has a worker of its own then.
    if (permissions !== undefined) {
      return needsOf(task, this.#isolation, this.#processes!);
    }
    const last = this.#last;
    // To ask for permissions each time takes longer than to run a short job.
    if (
      last !== undefined && last.memory === memory && last.denoArgs === denoArgs
    ) return last;
    const needs = needsOf(task, this.#isolation, this.#processes!);
    if (needs.isolation === "process") {
      this.#last = needs;
      if (memory === undefined) this.#lastPlain = needs;
    }
    return needs;
  }

  /** What jobs get of which no option wants more than a result; `undefined` if no Task has got that yet. */
  ofPlain(denoArgs: readonly string[]): Needs | undefined {
    if (this.#isolation !== "process") return IN_WORKER;
    const plain = this.#lastPlain;
    return plain?.denoArgs === denoArgs ? plain : undefined;
  }
}

const NO_ARGS: readonly string[] = [];

/**
 * What a Task that wants a process gets.
 *
 * @throws {PermissionNeededError} if Deno may not start a process that is needed.
 * @throws {TypeError} if the memory is to be limited where it cannot be.
 */
function needsOf(
  task: Task,
  isolation: PoolIsolation,
  { missingFlag, sandboxNeeds }: Processes,
): Needs {
  const { name, version, memory, permissions, denoArgs = NO_ARGS } = task;
  if (isolation === "worker" && memory !== undefined) {
    throw new TypeError(
      `Cannot run ${name} ${version} as memory must be null with isolation "worker": current value is ${memory} (a web worker shares its memory with the program; set isolation to "auto" or "process")`,
    );
  }
  if (permissions !== undefined) {
    return sandboxNeeds(task, permissions, isolation);
  }
  const missing = missingFlag();
  if (missing === undefined) return { isolation: "process", memory, denoArgs };
  if (isolation === "process" || memory !== undefined) {
    throw new PermissionNeededError(
      `Cannot run ${name} ${version} in a process of its own: run Deno with ${missing}`,
      missing,
    );
  }
  warnOnce(
    "timeout",
    `a timeout cannot stop a job that does not look at hi.current().throwIfAborted(), since Deno may not start processes for jobs: run it with ${missing}, or set isolation to "worker"`,
  );
  return { isolation: "worker", denoArgs };
}
