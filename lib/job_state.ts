/**
 * What the scheduler knows of a job and moves forward; `Job` is the face that
 * users see of it.
 *
 * @module
 */

import { forgetOnAbort } from "./abort.ts";
import { ArgumentChangedError } from "./errors.ts";
import type { ResolvedOptions } from "./config.ts";
import type { KeyPart } from "./cache/record.ts";
import type { DeclaredReads } from "./declared_reads.ts";
import type { Execution } from "./execution.ts";
import type { JobChunk } from "./job_chunk.ts";
import type { FunctionDefinition } from "./registry.ts";
import { outstanding } from "./outstanding.ts";
import type { Scope } from "./scope.ts";
import {
  CONSOLE_LIMIT,
  type ConsoleLine,
  type Outcome,
  type TaskEvent,
} from "./task.ts";
import type { EncodedValue } from "./value/encoded.ts";
import { smallKey, SmallValue } from "./value/small.ts";
import { isMoved, keepLeaves } from "./value/transfer.ts";

/**
 * Where a job is: `pending` (its arguments are not there yet), `queued`,
 * `running`, and then for ever `finished`, `error` or `cancelled`.
 */
export type JobStatus =
  | "pending"
  | "queued"
  | "running"
  | "finished"
  | "error"
  | "cancelled";

/** The statuses of a job that has settled. */
type SettledStatus = Exclude<JobStatus, "pending" | "queued" | "running">;

/** What a job tells while somebody listens: a new status, a console line, progress. */
export type JobEvent =
  | { readonly type: "status"; readonly status: JobStatus }
  | TaskEvent;

/** A job's own options: those of its scope and of its function. */
export interface JobOptions extends ResolvedOptions {
  /** Whether the function's results may be kept and shared. */
  readonly cache: boolean;
}

/** Whether an option wants more of a job than its result. */
export function asksMore(options: JobOptions): boolean {
  return options.timeout !== null || options.queueTimeout !== null ||
    options.memory !== null || options.limits !== null ||
    options.permissions !== null || options.signal !== null;
}

/** The arguments as they were at `.run()`. */
export interface ArgumentSnapshot {
  /** The argument list; jobs are references by index. */
  readonly list: EncodedValue;
  /** The jobs among the arguments, by index. */
  readonly upstream: readonly JobState[];
}

/** Arguments of a few bytes, without jobs: one object instead of two, as there may be a million. */
export class SmallArguments extends SmallValue implements ArgumentSnapshot {
  /** Itself. */
  get list(): this {
    return this;
  }

  /** There are none. */
  get upstream(): readonly never[] {
    return this.leaves;
  }
}

/** What the cache keeps of the arguments, for people and for `explain`. */
export interface ArgumentDescription {
  readonly preview: string;
  readonly parts: readonly KeyPart[];
}

/** A job in the program, as the worker sees it that submitted it. */
export interface RemoteJob {
  /** Cancels it. */
  cancel(reason: unknown): void;
  /** Asks to be told what it prints and reports. */
  watch(): void;
}

/** From when times of jobs count, in ms since the epoch. */
const LOADED_AT = Date.now();

/** How often what is lost is computed again before that is the error. */
const MOST_LOSSES = 3;

/** What most jobs do not have. */
class Details {
  description: ArgumentDescription | undefined;
  lateKey: (() => Uint8Array<ArrayBuffer>) | undefined;
  reads: DeclaredReads | undefined;
  contribution: Uint8Array | undefined;
  crashes = 0;
  wasLost = false;
  hasStoredError = false;
  from: string | undefined;
  remote: RemoteJob | undefined;
  lines: ConsoleLine[] | undefined;
  /** How much text was in them. */
  kept = 0;
  losses = 0;
  listeners: Set<(event: JobEvent) => void> | undefined;
  awaitedIn: Set<Execution> | undefined;
}

/** One submitted job. */
export class JobState {
  readonly definition: FunctionDefinition;
  readonly options: JobOptions;
  readonly scope: Scope<ResolvedOptions>;
  /** Whether a running job submitted it or waits for it, so that it must not wait for that job's slot. */
  nested: boolean;
  // Small integers are kept in place, others in an object of their own.
  readonly #submittedAt: number = Date.now() - LOADED_AT;
  status: JobStatus = "pending";
  /** The same for jobs of the same function that are identical, once the arguments are there. */
  identity: string | undefined;
  #keyBytes: Uint8Array<ArrayBuffer> | undefined;
  /** Whether the key comes from the identity and from nothing but it and the function's name and version. */
  hasPlainKey = false;
  /** Kept as long as the job may have to run (again). */
  snapshot: ArgumentSnapshot | undefined;
  /** What the function gave, once settled by it. */
  outcome: Outcome | undefined;
  /** Why the job settled without an outcome: cancelled, timed out, an argument failed. */
  failure: { readonly error: Error } | undefined;
  /** How often the function was called for the job. */
  attempts = 0;
  /** Whether the outcome was in the cache. */
  hit = false;
  /** Whether somebody waits for the job or has looked at its error. */
  isSeen = false;
  /** Whether it is an argument of another job. */
  #isArgument = false;
  /** What runs the job. */
  execution: Execution | undefined;
  /** Those with which it waits or runs, as long as it is no Task of its own; then it has no execution. */
  chunk: JobChunk | undefined;
  /** Its place among them. */
  index = 0;
  /** Whether identical jobs may share its run, although it has no execution; see `in_flight.ts`. */
  isInFlight = false;
  /** The jobs before and after it among those that are outstanding. */
  earlier: JobState | undefined;
  later: JobState | undefined;
  #settled: Listener | Listener[] | undefined;
  #more: Details | undefined;

  constructor(
    definition: FunctionDefinition,
    options: JobOptions,
    scope: Scope<ResolvedOptions>,
    nested: boolean,
  ) {
    this.definition = definition;
    this.options = options;
    this.scope = scope;
    this.nested = nested;
  }

  // There may be a million of these: what few have is apart.

  get #details(): Details {
    return this.#more ??= new Details();
  }

  /** When it was submitted, in ms since the epoch. */
  get submittedAt(): number {
    return LOADED_AT + this.#submittedAt;
  }

  /** Computes the key, which nobody has asked for yet, from large arguments; throws if they were written to meanwhile. */
  get lateKey(): (() => Uint8Array<ArrayBuffer>) | undefined {
    return this.#more?.lateKey;
  }

  set lateKey(lateKey: (() => Uint8Array<ArrayBuffer>) | undefined) {
    this.#details.lateKey = lateKey;
  }

  get description(): ArgumentDescription | undefined {
    return this.#more?.description;
  }

  set description(description: ArgumentDescription | undefined) {
    this.#details.description = description;
  }

  /** What it declares to read, as it was when the key was computed. */
  get reads(): DeclaredReads | undefined {
    return this.#more?.reads;
  }

  set reads(reads: DeclaredReads | undefined) {
    this.#details.reads = reads;
  }

  /** What the result contributes to a key, once somebody has asked. */
  get contribution(): Uint8Array | undefined {
    return this.#more?.contribution;
  }

  set contribution(contribution: Uint8Array | undefined) {
    this.#details.contribution = contribution;
  }

  /** How many calls ended with the death of the worker. */
  get crashes(): number {
    return this.#more?.crashes ?? 0;
  }

  set crashes(crashes: number) {
    this.#details.crashes = crashes;
  }

  /** Whether its result was stored and is lost. */
  get wasLost(): boolean {
    return this.#more?.wasLost ?? false;
  }

  /** Whether its stored outcome is an error that does not count, by its options. */
  get hasStoredError(): boolean {
    return this.#more?.hasStoredError ?? false;
  }

  set hasStoredError(hasStoredError: boolean) {
    this.#details.hasStoredError = hasStoredError;
  }

  /** The upstream that the outcome came from; `undefined` if it was in the cache, or was computed. */
  get from(): string | undefined {
    return this.#more?.from;
  }

  set from(from: string | undefined) {
    if (from !== undefined || this.#more !== undefined) {
      this.#details.from = from;
    }
  }

  /** In a worker, what stands for the job there, if the program has it. */
  get remote(): RemoteJob | undefined {
    return this.#more?.remote;
  }

  set remote(remote: RemoteJob | undefined) {
    this.#details.remote = remote;
  }

  /** The executions whose running jobs await it; it is in the list of each. */
  get awaitedIn(): Set<Execution> | undefined {
    return this.#more?.awaitedIn;
  }

  set awaitedIn(executions: Set<Execution> | undefined) {
    this.#details.awaitedIn = executions;
  }

  /** Console lines of a running job. */
  get lines(): ConsoleLine[] | undefined {
    return this.#more?.lines;
  }

  get #listeners(): Set<(event: JobEvent) => void> | undefined {
    return this.#more?.listeners;
  }

  /** The key; `undefined` until the arguments are there. */
  get keyBytes(): Uint8Array<ArrayBuffer> | undefined {
    // Of most jobs that no cache looks for nobody asks for the key.
    if (this.#keyBytes === undefined && this.hasPlainKey) {
      const { name, version } = this.definition;
      this.#keyBytes = smallKey(name, version, this.identity!);
    }
    if (this.#keyBytes === undefined && this.lateKey !== undefined) {
      try {
        this.#keyBytes = this.lateKey();
      } catch (error) {
        if (!(error instanceof ArgumentChangedError)) throw error;
      }
    }
    return this.#keyBytes;
  }

  set keyBytes(key: Uint8Array<ArrayBuffer> | undefined) {
    this.#keyBytes = key;
  }

  /** Hexadecimal form of `keyBytes`. */
  get key(): string | undefined {
    return this.keyBytes?.toHex();
  }

  set key(key: string | undefined) {
    this.#keyBytes = key === undefined ? undefined : Uint8Array.fromHex(key);
  }

  /** Whether it is finished, error or cancelled. */
  get isSettled(): boolean {
    return this.outcome !== undefined || this.failure !== undefined;
  }

  /** Whether it can run again: its arguments are kept, and nothing of them was moved to a worker. */
  get mayRunAgain(): boolean {
    return this.snapshot !== undefined && !isMoved(this.snapshot.list);
  }

  /**
   * It is an argument of another job: nobody is to take its result away.
   *
   * @throws {ArgumentChangedError} if somebody has.
   */
  becomeArgument(): void {
    this.#isArgument = true;
    // What was in the cache nobody takes away.
    if (this.outcome === undefined || this.hit) return;
    const { value } = this.outcome;
    if (!isMoved(value)) return keepLeaves(value);
    const { name, version } = this.definition;
    throw new ArgumentChangedError(
      `The job ${name} ${version} cannot be an argument as hi.transfer has moved its result to whoever asked for it first: pass that result, or ask for it later`,
    );
  }

  /** Whether somebody waits for its result, who is the only one that needs it. */
  get isWantedOnce(): boolean {
    return this.isAwaited && !this.#isArgument;
  }

  /** Whether other jobs wait for it. */
  get isAwaited(): boolean {
    return this.#settled !== undefined;
  }

  /** Calls `listener` once, when the job settles, in the order of the calls. */
  onSettled(listener: Listener): void {
    if (this.#settled === undefined) this.#settled = listener;
    else if (Array.isArray(this.#settled)) this.#settled.push(listener);
    else this.#settled = [this.#settled, listener];
  }

  /** Settles the job, once; whether this call did it. */
  settle(
    by: { outcome: Outcome; hit: boolean } | {
      failure: Error;
      status: "error" | "cancelled";
    },
  ): boolean {
    if (this.isSettled) return false;
    if ("outcome" in by) {
      this.outcome = by.outcome;
      this.hit = by.hit;
      if (this.#isArgument) this.becomeArgument();
      this.status = by.outcome.status;
    } else {
      this.failure = { error: by.failure };
      this.status = by.status;
    }
    if (this.#more !== undefined) {
      // An outcome has its own.
      if (this.outcome !== undefined) this.#more.lines = undefined;
      for (const execution of this.#more.awaitedIn ?? []) {
        execution.deleteAwaited(this);
      }
      this.#more.awaitedIn = undefined;
    }
    const { signal } = this.options;
    if (signal !== null) forgetOnAbort(signal, this);
    outstanding.delete(this);
    this.scope.leave(this.status as SettledStatus, this.hit);
    if (this.#listeners !== undefined) {
      this.emit({ type: "status", status: this.status });
    }
    const settled = this.#settled;
    this.#settled = undefined;
    if (settled !== undefined) callInTurn(settled);
    return true;
  }

  /** Forgets a lost result, so that the job takes one that can be read, or runs again. */
  reopen(): void {
    this.scope.reenter(this.status as SettledStatus, this.hit);
    this.outcome = undefined;
    this.hit = false;
    this.attempts = 0;
    this.#details.contribution = undefined;
    this.#details.crashes = 0;
    this.#details.wasLost = true;
    this.advance("pending");
  }

  /** Counts that the result, or one among the arguments, is lost; whether to compute it once more. */
  mayLoseAgain(): boolean {
    return ++this.#details.losses <= MOST_LOSSES;
  }

  /** Looks whether it runs, where that is not known without asking. */
  look(): void {
    if (this.status !== "queued") return;
    if (this.chunk === undefined) this.execution?.kept?.look();
    else this.chunk.look(this);
  }

  /** Moves an unsettled job on. */
  advance(status: "pending" | "queued" | "running"): void {
    if (this.status === status) return;
    this.status = status;
    if (this.#listeners !== undefined) this.emit({ type: "status", status });
  }

  /** Takes in what the running job reports. */
  report(event: TaskEvent, past = false): void {
    if (event.type === "console") this.#keep(event.line);
    if (!past && this.#listeners !== undefined) this.emit(event);
  }

  /** As much as an outcome keeps is kept of a running job. */
  #keep(line: ConsoleLine): void {
    const details = this.#details;
    details.kept += line.text.length;
    if (details.kept <= CONSOLE_LIMIT) (details.lines ??= []).push(line);
  }

  emit(event: JobEvent): void {
    for (const listener of [...this.#listeners ?? []]) listener(event);
  }

  /** Calls `listener` for every event from now on, until the returned function is called. */
  listen(listener: (event: JobEvent) => void): () => void {
    this.remote?.watch();
    const listeners = this.#details.listeners ??= new Set();
    listeners.add(listener);
    return () => listeners.delete(listener);
  }
}

/** Who is told that a job has settled: a Job that somebody waits for needs no closure. */
type Listener = (() => void) | object;

const due: Listener[] = [];
let isCalling = false;

/**
 * Calls listeners one after the other, also those that they bring about: a long
 * chain of jobs that settle each other must not become a deep stack of calls.
 */
function callInTurn(listeners: Listener | readonly Listener[]): void {
  if (!Array.isArray(listeners)) due.push(listeners);
  else for (const listener of listeners) due.push(listener);
  if (isCalling) return;
  isCalling = true;
  try {
    for (let i = 0; i < due.length; i++) {
      const listener = due[i]!;
      if (typeof listener === "function") listener();
      else tellJob!(listener);
    }
  } finally {
    due.length = 0;
    isCalling = false;
  }
}

let tellJob: ((job: object) => void) | undefined;

/** For `Job` alone: how to tell a Job that its state has settled. */
export function provideJobTeller(teller: (job: object) => void): void {
  tellJob = teller;
}

let read: ((node: object) => JobState | undefined) | undefined;

/** For `Job` alone: how to get from a Job to its state. */
export function provideStateReader(
  reader: (node: object) => JobState | undefined,
): void {
  read = reader;
}

/** The state of a Job; `undefined` for anything else. */
export function stateOf(node: object): JobState | undefined {
  return read?.(node);
}
