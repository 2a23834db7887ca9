/**
 * How the pool reaches a worker, whatever kind it is.
 *
 * @module
 */

import type { TaskPermissions } from "../../task.ts";
import type { ToWorker } from "../../worker/protocol.ts";
import type { QuickResult } from "../../worker/results.ts";

/** Where a job runs: in a thread of this process, or in a process of its own. */
export type Isolation = "worker" | "process";

/** What a Task needs of its worker. */
export interface Needs {
  readonly isolation: Isolation;
  /** How much memory the Task may take, in bytes. */
  readonly memory?: number | undefined;
  /** The flags that the program was started with, as far as they were given. */
  readonly denoArgs: readonly string[];
  /** What the Task may do; absent if that is what the program may. */
  readonly sandbox?: Sandbox | undefined;
}

/** The bounds of a worker, which serves no Task with other ones. */
export interface Sandbox {
  /** The same for the same. */
  readonly id: string;
  readonly permissions: TaskPermissions;
  /** What the Tasks import: known beforehand, as they need not be permitted to read it. */
  readonly imports: readonly string[];
}

/** How a worker came to its end. */
export interface WorkerEnd {
  /** In words, with what it said last. */
  readonly reason: string;
  /** Whether it wanted more memory than it may have. */
  readonly outOfMemory?: boolean;
  /** Whether it was ended by a signal, which another one need not be. */
  readonly killed?: boolean;
}

/** Who is told what comes from a worker. */
export interface ConnectionOwner {
  /** A message has come. */
  received(message: unknown): void;
  /** A result of a few bytes has come, or how far a chunk is; it is the same object each time. */
  result(result: QuickResult): void;
  /** No more of them are there for now. */
  resultsRead(): void;
  /** The worker has ended by itself, or never began. */
  lost(end: WorkerEnd): void;
}

/** A worker, seen from outside. */
export interface Connection {
  /** What kind of worker it is. */
  readonly isolation: Isolation;
  /** Whether worker and sender share memory, so that a Task can be taken back. */
  readonly sharesMemory: boolean;
  /** Whether it takes leaves that many Tasks have in common from memory where they stay. */
  readonly sharesLeaves: boolean;
  /** Whether the program waits for the worker for as long as it is there, idle or not. */
  readonly holdsProgram: boolean;
  /** Whether the worker suits a Task with these needs. */
  suits(needs: Needs): boolean;
  /** Sends a message; the buffers in `transfer` may move with it. */
  post(message: ToWorker, transfer: ArrayBuffer[]): void;
  /** Makes the program wait for the worker, or not. */
  hold(busy: boolean): void;
  /** Ends the worker; nothing comes from it any more. Resolves, if that takes time, when it is gone. */
  end(): Promise<void> | undefined;
}
