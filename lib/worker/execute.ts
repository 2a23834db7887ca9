/**
 * One call of one function as a job in this isolate: in the program itself
 * and in every kind of worker.
 *
 * @module
 */

import {
  type JobContext,
  type ProgramPort,
  runAs,
  type RunningJob,
} from "../current.ts";
import {
  ArgumentChangedError,
  JobCancelledError,
  JobTimeoutError,
} from "../errors.ts";
import type { TaskArguments, TaskEvent, Timing } from "../task.ts";
import { contributionOf } from "../value/contribution.ts";
import { decodeValue } from "../value/decode.ts";
import { encodeValue } from "../value/encode.ts";
import type { EncodedValue } from "../value/encoded.ts";
import {
  readSmallArguments,
  SMALL_BYTES,
  smallResult,
  SmallValue,
} from "../value/small.ts";
import { encodeThrown, ThrownValue } from "../value/thrown.ts";
import { InPlaceLeaf } from "../value/in_place.ts";
import { newTransfers } from "../value/transfer.ts";
import { makeConsole } from "./console.ts";

/** What is executed. A Task is one. */
export interface ExecutedJob {
  readonly key: string;
  readonly name: string;
  readonly version: string;
  /** Whether the contribution of the result is wanted. */
  readonly digest: boolean;
  /** What the scheduler hangs on the running job, in the program itself. */
  readonly scope?: unknown;
}

/** Where it is executed. */
export interface Host {
  /** Tells that the function is about to be called. */
  started(): void;
  /** Passes on what the job reports. */
  report(event: TaskEvent): void;
  /** Makes the way to the program for what the job submits, if that is elsewhere. */
  port?(): ProgramPort;
  /** Whether a sender in another thread wants the job to stop, and why. */
  stopReason?(): "cancelled" | "timed out" | undefined;
  /** Whether large arguments may be somebody else's, as this is where that one is. */
  readonly lends?: boolean;
  /** Tells that a function goes on after it has returned: it has given a Promise. */
  goesOn?(fn: (...args: never[]) => unknown): void;
  /** Shared memory that the job has looked at was written to. */
  memoryChanged?(): void;
  /** Sets right what its code has done to what must work; why it has failed then. */
  damage?(): Error | undefined;
  /** Takes how it ended; called once. */
  settle(ending: Ending): void;
}

/** How it ended: an Outcome without the console, which the submitter keeps. */
export type Ending = {
  readonly status: "finished";
  readonly value: EncodedValue;
  readonly contribution?: Uint8Array<ArrayBuffer>;
  readonly timing: Timing;
} | {
  readonly status: "error";
  readonly value: EncodedValue;
  readonly timing: Timing;
  readonly lost?: boolean;
};

/** A job while it is executed. */
export class Invocation implements RunningJob {
  scope: unknown;
  /** Present where something is lent to the function. */
  lent: Set<ArrayBuffer> | undefined;
  readonly #job: ExecutedJob;
  readonly #host: Host;
  #context: JobContext | undefined;
  #port: ProgramPort | undefined;
  #console: Console | undefined;
  #controller: AbortController | undefined;
  /** Arguments that it sees where they are. */
  #inPlace: readonly InPlaceLeaf[] = NO_LEAVES;
  #aborted = false;
  #reason: unknown;
  #settled = false;
  #startedAt = 0;
  #start = 0;
  /** Prepares a call. */
  constructor(job: ExecutedJob, host: Host) {
    this.scope = job.scope;
    this.#job = job;
    this.#host = host;
  }

  /** Itself. */
  get job(): this {
    return this;
  }

  /** Calls the function and settles with what becomes of it. Never throws. */
  run(fn: (...args: never[]) => unknown, args: TaskArguments): void {
    let values: unknown[];
    try {
      const { leaves } = args.list;
      if (leaves.length > 0) {
        this.#inPlace = leaves.filter((leaf) => leaf instanceof InPlaceLeaf);
        const changed = this.#changed("before it began");
        if (changed !== undefined) throw changed;
      }
      if (this.#host.lends) this.lent = new Set();
      values = decodeArguments(args, this.lent);
    } catch (error) {
      return this.fail(error);
    }
    this.call(fn, values);
  }

  /** As `run`, with arguments that are the function's own. */
  call(fn: (...args: never[]) => unknown, values: unknown[]): void {
    if (this.#settled) return;
    this.#host.started();
    this.#startedAt = Date.now();
    this.#start = performance.now();
    let result: unknown;
    try {
      result = runAs(this, callFunction, fn, values);
    } catch (error) {
      return this.threw(error);
    }
    if (isPromise(result)) this.#host.goesOn?.(fn);
    this.returned(result);
  }

  /** Takes over a call that was begun without it, at that time and at that of `performance.now()`, and that may have ended. */
  takeOver(startedAt: number, start: number, hasEnded: boolean): void {
    this.#startedAt = startedAt;
    this.#start = start;
    this.#settled = hasEnded;
  }

  /** The call has given this. */
  returned(result: unknown): void {
    if (isPromise(result)) this.#await(result);
    else this.#finish(result);
  }

  // Unlike `then`, the job cannot replace this.
  async #await(result: Promise<unknown>): Promise<void> {
    let value: unknown;
    try {
      value = await result;
    } catch (error) {
      return this.#end(error);
    }
    this.#finish(value);
  }

  /** The call has thrown this. */
  threw(error: unknown): void {
    this.#end(error);
  }

  /** Whether the function was called. */
  get started(): boolean {
    return this.#startedAt !== 0;
  }

  /** Whether it was told to stop. */
  get aborted(): boolean {
    return this.#aborted;
  }

  /** Whether it has settled. */
  get settled(): boolean {
    return this.#settled;
  }

  /** Tells the job to stop; if its function was not called yet, it never is. */
  cancel(reason: unknown): void {
    this.#abort(reason);
    if (!this.started) this.fail(reason);
  }

  /** Settles with an error that the function did not throw itself. */
  fail(error: unknown): void {
    this.#end(error, true);
  }

  /** What the job's own code sees; made when it first looks. */
  get context(): JobContext {
    return this.#context ??= this.#makeContext();
  }

  /** Where the jobs go that this one submits, made when it submits the first. */
  get port(): ProgramPort | undefined {
    return this.#port ??= this.#host.port?.();
  }

  /** The job's own console, made when it first prints. */
  get console(): Console {
    return this.#console ??= makeConsole((stream, text) => {
      const line = { stream, text, time: Date.now() };
      this.#host.report({ type: "console", line });
    });
  }

  #makeContext(): JobContext {
    const { name, version } = this.#job;
    const key = (): string => {
      const key: string | undefined = this.#job.key;
      if (key !== undefined) return key;
      throw new ArgumentChangedError(
        `Cannot tell the key of ${name} ${version} as its arguments were written to or moved (hi.transfer) before anybody had asked for it: use a job cache`,
      );
    };
    const signal = (): AbortSignal => this.#signal();
    return {
      get key() {
        return key();
      },
      name,
      version,
      get signal() {
        return signal();
      },
      throwIfAborted: () => this.#throwIfAborted(),
      progress: (fraction, message) => {
        checkProgress(fraction, message);
        this.#host.report({
          type: "progress",
          fraction,
          ...(message === undefined ? {} : { message }),
        });
      },
    };
  }

  #abort(reason: unknown): void {
    if (this.#aborted) return;
    this.#aborted = true;
    this.#reason = reason;
    const controller = this.#controller;
    // The listeners are the job's own code.
    if (controller) runAs(this, abort, controller, reason);
  }

  #signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#aborted) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  #throwIfAborted(): void {
    // Synchronous code sees the flag before the message that carries the reason.
    const reason = this.#host.stopReason?.();
    if (!this.#aborted && reason !== undefined) {
      const { name, version } = this.#job;
      this.#abort(
        reason === "timed out"
          ? new JobTimeoutError(`${name} ${version} has run out of time`)
          : new JobCancelledError(`${name} ${version} was cancelled`),
      );
    }
    if (this.#aborted) throw this.#reason;
  }

  #finish(result: unknown): void {
    if (this.#settled) return;
    const timing = this.#timing();
    const damage = this.#host.damage?.() ?? this.#changed(WHILE);
    if (damage !== undefined) return this.#end(damage, true, timing);
    let value: EncodedValue;
    let contribution: Uint8Array<ArrayBuffer> | undefined;
    const small = smallResult(result);
    if (small !== undefined) {
      value = new SmallValue(small);
      return this.#finished(
        value,
        this.#job.digest ? value.bytes : undefined,
        timing,
      );
    }
    const digests = new Map<object, string>();
    const transfers = newTransfers(this.lent);
    try {
      if (this.#job.digest) {
        contribution = contributionOf(result, { root: "result", digests });
      }
      value = encodeValue(result, {
        root: "result",
        // Never "take": the array may be one that the function keeps for its next call.
        leaves: "copy",
        relative: true,
        digests,
        transfers,
      });
      transfers?.take();
    } catch (error) {
      return this.#end(error, true, timing);
    }
    this.#finished(value, contribution, timing);
  }

  #finished(
    value: EncodedValue,
    contribution: Uint8Array<ArrayBuffer> | undefined,
    timing: Timing,
  ): void {
    this.#settled = true;
    this.#host.settle(
      contribution === undefined
        ? { status: "finished", value, timing }
        : { status: "finished", value, contribution, timing },
    );
  }

  #end(error: unknown, lost = false, timing = this.#timing()): void {
    if (this.#settled) return;
    const broken = this.#host.damage?.();
    const changed = this.#changed(WHILE, error);
    const damage = broken ?? (lost ? undefined : changed);
    this.#settled = true;
    this.#host.settle(
      damage === undefined
        ? endingOf(error, lost, timing)
        : endingOf(damage, true, timing),
    );
  }

  /** Why there can be no result, if somebody has written to arguments that nobody writes to. */
  #changed(when: string, cause?: unknown): Error | undefined {
    const changed = this.#inPlace.find(({ part }) => !part.isUnchanged);
    if (changed === undefined) return undefined;
    this.#host.memoryChanged?.();
    const { name, version } = this.#job;
    return new ArgumentChangedError(
      `${name} ${version} has no result as ${changed.path} was written to ${when}, which it had by hi.share: copy it with slice() in the function that writes to it, or give it away with hi.transfer instead`,
      cause === undefined ? undefined : { cause },
    );
  }

  #timing(): Timing {
    if (!this.started) return noTime();
    const duration = performance.now() - this.#start;
    return { startedAt: this.#startedAt, duration };
  }
}

const NO_LEAVES: readonly InPlaceLeaf[] = [];

const WHILE = "while it ran";

function checkProgress(fraction: unknown, message: unknown): void {
  if (typeof fraction !== "number") {
    throw new TypeError(
      `Cannot report progress as "fraction" must be a number from 0 to 1: current value is ${
        Deno.inspect(fraction)
      }`,
    );
  }
  if (!(fraction >= 0 && fraction <= 1)) {
    throw new RangeError(
      `Cannot report progress as "fraction" must be from 0 to 1: current value is ${fraction}`,
    );
  }
  if (message !== undefined && typeof message !== "string") {
    throw new TypeError(
      `Cannot report progress as "message" must be a string: current value is ${
        Deno.inspect(message)
      }`,
    );
  }
}

/** How a job ends that failed with `error`, which may be a `ThrownValue` that others share. */
export function endingOf(
  error: unknown,
  lost: boolean,
  timing: Timing = noTime(),
): Ending & { status: "error" } {
  // What the function threw it may change later on.
  const value = ThrownValue.is(error)
    ? error
    : lost
    ? new ThrownValue(error)
    : encodeThrown(error);
  return lost
    ? { status: "error", value, timing, lost }
    : { status: "error", value, timing };
}

function noTime(): Timing {
  return { startedAt: Date.now(), duration: 0 };
}

/** The arguments of a Task, and the buffers that are lent to its function. Throws as `decodeValue` does. */
export function decodeArguments(
  { list, upstream }: TaskArguments,
  lent?: Set<ArrayBuffer>,
): unknown[] {
  const { bytes } = list;
  const few = bytes.length <= SMALL_BYTES
    ? readSmallArguments(bytes, 0, bytes.length)
    : undefined;
  if (few !== undefined) return trimmed(few);
  const job = (index: number): unknown =>
    decodeValue(upstream[index]!, { lend: true, lent, root: "result" });
  const values = decodeValue(list, {
    job,
    lend: true,
    lent,
    root: "args",
  }) as unknown[];
  return trimmed(values);
}

/** As in the key: a job among the arguments may have had no result. */
function trimmed(values: unknown[]): unknown[] {
  while (values.length > 0 && values.at(-1) === undefined) values.pop();
  return values;
}

function abort(controller: AbortController, reason: unknown): void {
  controller.abort(reason);
}

/** What a call gives. The `then` of a thenable, a Job for instance, is the user's code: it is called where this is. */
export function callFunction(
  fn: (...args: never[]) => unknown,
  values: unknown[],
): unknown {
  // To spread a list takes as long as a short function.
  const result = values.length === 1
    ? fn(values[0] as never)
    : fn(...values as never[]);
  return isThenable(result) ? Promise.resolve(result) : result;
}

/** Whether a function has given a Promise. What it gives may throw when it is looked at, as a Proxy can; then it is refused later. */
export function isPromise(value: unknown): value is Promise<unknown> {
  try {
    return value instanceof Promise;
  } catch {
    return false;
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return value !== null && typeof value === "object" &&
    typeof (value as { then?: unknown }).then === "function";
}
