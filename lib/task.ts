/**
 * What a job handler is given and what it gives back: the seam between the
 * scheduler, the cache and the ways to run a job.
 *
 * @module
 */

import type { EncodedValue } from "./value/encoded.ts";

/** Where a worker finds the code of a function. */
export type CodeReference =
  /** A module that defines the function when it is imported. */
  | { readonly kind: "module"; readonly url: string }
  /** The source text of a function that no module holds (a notebook cell). */
  | {
    readonly kind: "source";
    readonly source: string;
    /** Names the source uses, each with the specifier of its export: `{ delay: "jsr:@std/async/delay" }`. */
    readonly imports: Readonly<Record<string, string>>;
    /** Names the source uses, each with a value, as one encoded plain object. */
    readonly values: EncodedValue;
  };

/** The arguments of a Task: one encoded array, and the results it refers to. */
export interface TaskArguments {
  /** The argument list; a Job among them is a reference by index into `upstream`. */
  readonly list: EncodedValue;
  /** The results of the jobs among the arguments, by index. */
  readonly upstream: readonly EncodedValue[];
}

/** How much text of one job's console is kept, in UTF-16 code units. */
export const CONSOLE_LIMIT = 1_048_576;

/** One piece of text that a job printed. */
export interface ConsoleLine {
  /** The stream that the text went to. */
  readonly stream: "stdout" | "stderr";
  /** The text as printed, its line break included. */
  readonly text: string;
  /** When it was printed, in ms since the epoch. */
  readonly time: number;
}

/** What a running Task reports while it runs. */
export type TaskEvent =
  | { readonly type: "console"; readonly line: ConsoleLine }
  | {
    readonly type: "progress";
    /** How much is done, from 0 to 1. */
    readonly fraction: number;
    /** What is going on, if the job said so. */
    readonly message?: string;
  };

/** When and where a Task ran. */
export interface Timing {
  /** When the function was called, in ms since the epoch. */
  readonly startedAt: number;
  /** How long it took, in ms. */
  readonly duration: number;
}

/** What became of a Task: one immutable record. */
export type Outcome = {
  readonly status: "finished";
  /** The function's result. */
  readonly value: EncodedValue;
  /** What the result contributes to the key of a job that takes it as argument; absent if the Task did not ask. */
  readonly contribution?: Uint8Array;
  readonly console: readonly ConsoleLine[];
  readonly timing: Timing;
} | {
  readonly status: "error";
  /** The encoded error (see `encodeThrown`). */
  readonly value: EncodedValue;
  readonly console: readonly ConsoleLine[];
  readonly timing: Timing;
  /**
   * `true` where the function did not throw the error itself: its worker was
   * lost, its module did not load. Such an outcome is never cached.
   */
  readonly lost?: boolean;
};

/** A job that a running job submits from another isolate; see {@linkcode Task}. */
export interface NestedRequest {
  /** The function's name. */
  readonly name: string;
  /** The function's version. */
  readonly version: string;
  /** Where a worker finds the function. */
  readonly code: CodeReference;
  /** SHA-256 of the function's text, 64 hexadecimal digits. */
  readonly source: string;
  /** When the function was defined, in ms since the epoch. */
  readonly definedAt: number;
  /** What its user sorts its records by; empty if there is nothing. */
  readonly label: string;
  /** The argument list; a job among them is a reference by index into `upstream`. */
  readonly list: EncodedValue;
  /** The jobs among the arguments, by index. */
  readonly upstream: readonly NestedJob[];
  /** The options that the running job has set for it, as plain data. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** What became of a nested job. */
export interface NestedResult {
  /** How it ended. */
  readonly status: "finished" | "error" | "cancelled";
  /** The result, or the encoded error. */
  readonly value: EncodedValue;
  /** What the job printed. */
  readonly console: readonly ConsoleLine[];
  /** When it ran; absent if it did not. */
  readonly timing?: Timing | undefined;
  /** The key, 64 hexadecimal digits; absent if it never had one. */
  readonly key?: string | undefined;
  /** Whether the outcome was in the cache. */
  readonly cached: boolean;
  /** How often the function was called for it. */
  readonly attempts: number;
}

/** Hears of a nested job. */
export interface NestedListener {
  /** It is queued, or runs. */
  moved(status: "queued" | "running", key: string): void;
  /** It has printed something, or tells how far it is; only if it is watched. `past` is what was printed before that. */
  reported(event: TaskEvent, past: boolean): void;
  /** It has settled: called once, last, and never before `submitNested` has returned. */
  settled(result: NestedResult): void;
}

/** A nested job, as whoever passes it on holds it. */
export interface NestedJob {
  /** Cancels it. */
  cancel(reason: unknown): void;
  /** Asks for what it prints and reports from now on, and what it has printed so far. */
  watch(): void;
  /** Says that the job of a Task, the one that submitted it or another, awaits it from now on: that must not close a circle. */
  awaited(by: Task): void;
  /** Says that the job which submitted it has ended: nobody there looks at its error any more. */
  orphan(): void;
}

/** The kinds of permissions, as Deno names them. */
export type PermissionName =
  | "read"
  | "write"
  | "net"
  | "env"
  | "run"
  | "ffi"
  | "sys"
  | "import";

/** Of one permission: all of it, nothing, as much as the program has, or what is listed. */
export type PermissionGrant = boolean | "inherit" | readonly string[];

/** What a job may do; paths are absolute. */
export type TaskPermissions = {
  readonly [Name in PermissionName]: PermissionGrant;
};

/** One execution of one function, as a handler gets it. */
export interface Task {
  /** Unique in this process. */
  readonly id: number;
  /** The job's key, 64 hexadecimal digits. */
  readonly key: string;
  /** Whether the key comes from name, version and the bytes of `list` as they are: then who wants it can find it out, which few do. */
  readonly hasPlainKey?: boolean | undefined;
  /** Whether nobody has computed the key yet, as that takes long with the large arguments that there are. */
  readonly hasLateKey?: boolean | undefined;
  /** The function's name. */
  readonly name: string;
  /** The function's version. */
  readonly version: string;
  /** Where a worker finds the function. */
  readonly code: CodeReference;
  /** The function itself, for handlers that run in this process. */
  readonly fn: (...args: never[]) => unknown;
  /** Whether the outcome must carry its contribution. */
  readonly digest: boolean;
  /** Whether somebody must know the very moment of the start (there is a timeout). */
  readonly timed: boolean;
  /** Whether the time until its start is limited (there is a queueTimeout): it is not to be sent where it waits behind others. */
  readonly queueTimed?: boolean | undefined;
  /** How much memory the job may take, in bytes; absent if nobody said. */
  readonly memory?: number | undefined;
  /** How long the import of the function's module may take, in ms; absent if nobody said. */
  readonly importTimeout?: number | undefined;
  /** The flags that the program was started with, as far as they were given. */
  readonly denoArgs?: readonly string[] | undefined;
  /** What the job may do; absent if that is what the program may. A handler that cannot hold it to that fails the Task. */
  readonly permissions?: TaskPermissions | undefined;
  /** Whether a running job submitted it: such a Task must not wait for its parent's slot. */
  readonly nested: boolean;
  /** How many running jobs stand above it: 0 if none submitted it. Deeper Tasks are to start first, so that few jobs wait at a time. */
  readonly depth: number;
  /** Which Task is to start first: the one with the higher number. Equal ones start in the order in which they came. */
  readonly priority: number;
  /** For handlers that run in this process: the scope that the running job's children belong to. */
  readonly scope: unknown;
  /**
   * The arguments. Call it when the Task has its slot, and send or use what it
   * returns in the same turn.
   *
   * @throws {ArgumentChangedError} if a large argument was written to meanwhile.
   */
  arguments(): TaskArguments;
  /**
   * Resolves when the results of earlier jobs are stored; `undefined` if they are. For
   * handlers that run one function after the other in this process: one that computes
   * would hold up what is being written, and a program that is killed meanwhile would
   * lose all of it.
   */
  ready?(): Promise<void> | undefined;
  /**
   * Tells that the function is about to be called.
   *
   * @param at When, as `performance.now()` tells the time; now, if it is not given.
   */
  started(at?: number): void;
  /** Passes on what the running Task reports. */
  report(event: TaskEvent): void;
  /** For handlers that run elsewhere: takes in a job that the running job submits. Never throws. */
  submitNested(request: NestedRequest, listener: NestedListener): NestedJob;
}

/**
 * A way to run jobs. A handler gets Tasks, starts them by their priority and in
 * the order in which they came, and settles each one once.
 *
 * @example A handler that runs every Task at once, in this process
 * ```ts
 * import * as hi from "@hither/hither";
 *
 * class Unbounded implements hi.JobHandler {
 *   #inner = new hi.DefaultJobHandler({ concurrency: 1_000 });
 *   run(task: hi.Task): Promise<hi.Outcome> {
 *     return this.#inner.run(task);
 *   }
 *   cancel(task: hi.Task, reason: unknown): void {
 *     this.#inner.cancel(task, reason);
 *   }
 *   async [Symbol.asyncDispose](): Promise<void> {
 *     await this.#inner[Symbol.asyncDispose]();
 *   }
 * }
 *
 * const add = hi.func("task_doc_add", "1", (a: number, b: number) => a + b);
 * await using jobHandler = new Unbounded();
 * console.assert(await hi.config({ jobHandler }, () => add.run(1, 2)) === 3);
 * ```
 */
export interface JobHandler extends AsyncDisposable {
  /**
   * `true` if functions are called in this process's own event loop. While they compute
   * nobody hears of a signal, so Ctrl-C ends such a program at once, as it always does.
   */
  readonly inProcess?: boolean;
  /**
   * Runs a Task when a slot is free. Never rejects: what goes wrong is an
   * Outcome with status `"error"`.
   */
  run(task: Task): Promise<Outcome>;
  /**
   * Drops a Task that waits, or tells a running one to stop and frees its slot.
   * What `run` resolves with afterwards is not looked at.
   */
  cancel(task: Task, reason: unknown): void;
}
