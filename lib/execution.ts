/**
 * One execution: the Task that a handler gets, and the identical jobs that wait
 * for it.
 *
 * @module
 */

import { NO_FILES, readyFiles } from "./argument_files.ts";
import type { RecordStore } from "./cache/record.ts";
import { badFunctionError } from "./crashes.ts";
import { ResultLostError } from "./errors.ts";
import type { ResolvedOptions } from "./config.ts";
import type { DeclaredReads } from "./declared_reads.ts";
import type { KeptRun } from "./direct_handler.ts";
import defer * as nestedJobs from "./nested_jobs.ts";
import type { DeclaredPermissions } from "./permissions.ts";
import defer * as sandbox from "./permissions.ts";
import { joined, KeyClaim } from "./key_claim.ts";
import { noteElsewhere } from "./outstanding.ts";
import {
  type ArgumentSnapshot,
  type JobOptions,
  type JobState,
  SmallArguments,
} from "./job_state.ts";
import type { FunctionDefinition } from "./registry.ts";
import type { Holding } from "./resources.ts";
import type { Scope } from "./scope.ts";
import { storeOf } from "./store_of.ts";
import type {
  CodeReference,
  ConsoleLine,
  JobHandler,
  NestedJob,
  NestedListener,
  NestedRequest,
  Task,
  TaskArguments,
  TaskEvent,
  TaskPermissions,
} from "./task.ts";
import { TimeLimits } from "./time_limits.ts";
import type { EncodedValue, FileContent } from "./value/encoded.ts";
import { isMoved } from "./value/transfer.ts";

/** What most executions do not have; the sets are made when they are needed. */
class Details {
  earlierLines: readonly ConsoleLine[] = NO_LINES;
  failure: unknown;
  holding: Holding | undefined;
  states: Set<JobState> | undefined;
  storedIn: Set<RecordStore> | undefined;
  files: readonly FileContent[] = NO_FILES;
  /** The children of its job that have not settled. */
  children: Set<JobState> | undefined;
  /** The jobs that its job awaits. */
  awaits: Set<JobState> | undefined;
  /** Aborted when no job waits for the outcome any more. */
  abandoned: AbortController | undefined;
  timeLimits: TimeLimits | undefined;
  /** Cancelled jobs, which count as begun with this and only with it: that is still to be heard, or may turn out to be wrong. */
  unwanted: JobState[] | undefined;
}

let lastId = 0;

/** A Task and the jobs that share it. */
export class Execution implements Task {
  readonly id: number = ++lastId;
  /** The same for identical jobs of its function. */
  readonly identity: string;
  /** The job that it was made for. */
  readonly first: JobState;
  readonly nested: boolean;
  readonly depth: number;
  /** Whether identical jobs may join it; see `in_flight.ts`. */
  isInFlight = false;
  /** What its handler keeps of it, which need not look for that in a table. */
  kept: KeptRun | undefined;
  #isElsewhere = false;
  #isGiven = false;
  /** The job that waits for the outcome, as long as it is the only one that ever did. */
  #only: JobState | undefined;
  /** Who runs it. */
  handler: JobHandler | undefined;
  /** Its claim on the key; `undefined` if it needs none. */
  readonly claim: KeyClaim | undefined;
  readonly #snapshot: ArgumentSnapshot;
  /** Whether it waits between two attempts, which is no time in the queue. */
  #paused: boolean;
  /** When the function was called, in whole ms of `performance.now()`; negative until then. */
  #startedAt = -1;
  /** What most executions do not have. */
  #more: Details | undefined;

  /** For a job, which waits between two attempts if it is `paused`, and runs already if it was begun at that time. */
  constructor(first: JobState, paused = false, startedAt = -1) {
    const { options } = first;
    this.first = first;
    this.identity = first.identity!;
    this.nested = first.nested;
    const parent = first.scope.parentOwner;
    const above = parent instanceof Execution ? parent.depth : 0;
    this.depth = first.nested ? above + 1 : 0;
    const store = storeOf(first);
    this.claim = store && !options.forceRun
      ? new KeyClaim(store, first.keyBytes!)
      : undefined;
    this.#snapshot = first.snapshot!;
    this.#paused = paused;
    this.#startedAt = startedAt;
    this.join(first);
  }

  get key(): string {
    return this.first.key!;
  }

  /** Has what a Task has as properties of its own, for a handler of somebody's that copies it. */
  spellOut(): void {
    for (const name of SPELT_OUT) {
      Object.defineProperty(this, name, {
        value: this[name],
        enumerable: true,
        configurable: true,
      });
    }
  }

  // There may be a million of these: what the job knows is not kept twice, and what few have is apart.

  get #options(): JobOptions {
    return this.first.options;
  }

  get #scope(): Scope<ResolvedOptions> {
    return this.first.scope;
  }

  get #details(): Details {
    return this.#more ??= new Details();
  }

  /** What the attempts before this one have printed. */
  get earlierLines(): readonly ConsoleLine[] {
    return this.#more === undefined ? NO_LINES : this.#more.earlierLines;
  }

  set earlierLines(lines: readonly ConsoleLine[]) {
    this.#details.earlierLines = lines;
  }

  /** How the attempt before this one has failed, if there was one. */
  set failure(error: unknown) {
    this.#details.failure = error;
  }

  /** What it takes of the resources, from when it waits for them. */
  get holding(): Holding | undefined {
    return this.#more?.holding;
  }

  set holding(holding: Holding | undefined) {
    this.#details.holding = holding;
  }

  /** Where the outcome went already. */
  get storedIn(): Set<RecordStore> | undefined {
    return this.#more?.storedIn;
  }

  set storedIn(stores: Set<RecordStore> | undefined) {
    this.#details.storedIn = stores;
  }

  /** The files among the arguments, once it has started. */
  get files(): readonly FileContent[] {
    return this.#more === undefined ? NO_FILES : this.#more.files;
  }

  set files(files: readonly FileContent[]) {
    if (this.#more !== undefined || files.length > 0) {
      this.#details.files = files;
    }
  }

  get #timeLimits(): TimeLimits {
    return this.#details.timeLimits ??= new TimeLimits();
  }

  get name(): string {
    return this.first.definition.name;
  }

  get version(): string {
    return this.first.definition.version;
  }

  get code(): CodeReference {
    return this.first.definition.code;
  }

  get fn(): (...args: never[]) => unknown {
    return this.first.definition.fn;
  }

  /** The function as it was defined for the job; a notebook may define it anew while this runs. */
  get definition(): FunctionDefinition {
    return this.first.definition;
  }

  get digest(): boolean {
    return this.#options.cache && this.#options.jobCache !== null;
  }

  get timed(): boolean {
    return this.#options.timeout !== null;
  }

  get queueTimed(): boolean {
    return this.#options.queueTimeout !== null;
  }

  get memory(): number | undefined {
    return this.#options.memory ?? undefined;
  }

  get importTimeout(): number {
    return this.#options.importTimeout;
  }

  get denoArgs(): readonly string[] {
    return this.#options.denoArgs;
  }

  /** What its jobs may do, as declared; `null`: as the program. */
  get declared(): DeclaredPermissions | null {
    return this.#options.permissions;
  }

  /** What its jobs declare to read. */
  get reads(): DeclaredReads | undefined {
    return this.first.reads;
  }

  get priority(): number {
    return this.#options.priority;
  }

  get hasPlainKey(): boolean {
    return this.first.hasPlainKey;
  }

  get hasLateKey(): boolean {
    return this.first.lateKey !== undefined;
  }

  /** The jobs that wait for the outcome. */
  get states(): Set<JobState> {
    const details = this.#details;
    if (details.states === undefined) {
      details.states = new Set();
      if (this.#only !== undefined) details.states.add(this.#only);
      this.#only = undefined;
    }
    return details.states;
  }

  get #states(): Set<JobState> | undefined {
    return this.#more?.states;
  }

  /** Whether no job waits for the outcome any more. */
  get isUnwanted(): boolean {
    return this.#states === undefined
      ? this.#only === undefined
      : this.#states.size === 0;
  }

  /** Whether its outcome is that of its job as it is: no files to look at, no time to be over, no attempt before it. */
  get isPlain(): boolean {
    return this.files.length === 0 && this.#more?.timeLimits === undefined &&
      this.earlierLines.length === 0;
  }

  /** The job that waits for the outcome, if it is the only one that ever did. */
  get only(): JobState | undefined {
    return this.#only;
  }

  /** The children's scope; a new one for whoever asks. */
  get scope(): Scope<ResolvedOptions> {
    // A child has a time and a memory of its own, and not what one of several jobs was given.
    const own = { timeout: null, queueTimeout: null, memory: null };
    // Of what they may do the job says the most; see `nestedRefusal`.
    const permissions = this.declared ?? this.#scope.options.permissions;
    return this.#scope.child({
      ...this.#scope.options,
      ...own,
      permissions,
    }, this);
  }

  get permissions(): TaskPermissions | undefined {
    return this.declared === null
      ? undefined
      : sandbox.taskPermissions(this.declared);
  }

  /** Whether jobs with these permissions may share it. */
  suits(declared: DeclaredPermissions | null): boolean {
    return this.declared === declared ||
      JSON.stringify(this.declared) === JSON.stringify(declared);
  }

  /** Why a job that its job submits cannot have these permissions, if it cannot. */
  nestedRefusal(
    { definition: { name, version }, options }: JobState,
  ): Error | undefined {
    if (this.permissions === undefined) return undefined;
    const { jobCache } = options;
    // The program would write there for it.
    const isOwnCache = jobCache !== this.#scope.options.jobCache;
    return sandbox.nestedRefusal(
      `${this.name} ${this.version}`,
      this.permissions,
      `${name} ${version}`,
      options.permissions,
      isOwnCache ? jobCache?.path : undefined,
    );
  }

  /** What runs the job that this one is a job of. */
  get parent(): object | undefined {
    return this.#scope.parentOwner;
  }

  arguments(): TaskArguments {
    const { crashRetries, jobCache } = this.#options;
    const bad = badFunctionError(this.definition, crashRetries);
    if (bad !== undefined) throw bad;
    if (this.#snapshot instanceof SmallArguments) {
      this.claim?.make();
      return this.#snapshot;
    }
    const { list, upstream } = this.#snapshot;
    if (upstream.length === 0) {
      this.claim?.make();
      this.files = list.files === undefined
        ? NO_FILES
        : readyFiles([list], jobCache);
      return { list, upstream: NO_VALUES };
    }
    if (!upstream.every((job) => job.outcome?.status === "finished")) {
      throw new ResultLostError(
        "A result among the arguments was lost and is being computed again",
      );
    }
    this.reads?.check(
      `since ${this.name} was submitted, which declares to read it`,
      jobCache,
    );
    this.claim?.make();
    this.files = NO_FILES;
    const values = upstream.map((job) => job.outcome!.value);
    this.files = readyFiles([list, ...values], jobCache);
    return { list, upstream: values };
  }

  /** Brings here what is still at a server of the results among the arguments, and what the first claim needs; `undefined` if that is nothing. Rejects if nobody waits any more. */
  load(): Promise<unknown> | undefined {
    const loading = [];
    const claiming = this.claim?.load();
    if (claiming !== undefined) loading.push(claiming);
    for (const { outcome } of this.#snapshot.upstream) {
      const value = outcome?.value;
      if (value?.load !== undefined) loading.push(value.load(this.abandoned));
    }
    return loading.length === 0 ? undefined : Promise.all(loading);
  }

  ready(): Promise<void> | undefined {
    return storeOf(this.first)?.storing();
  }

  /** Whether it is in a worker that has what was transferred of its arguments, and so waits for no slot. */
  get isMoved(): boolean {
    return isMoved(this.#snapshot.list);
  }

  /** Whether the function has been called. */
  get isStarted(): boolean {
    return this.#startedAt >= 0;
  }

  /** Whether a worker has begun with it, or may do so at any moment. */
  get isOut(): boolean {
    return this.#isGiven || this.isStarted;
  }

  /** Its function and the first digits of its key, for messages. */
  get title(): string {
    const key = this.first.key?.slice(0, KEY_DIGITS) ?? "unknown";
    return `${this.name} ${this.version} (key ${key})`;
  }

  /** Lets one more job wait for the outcome. */
  join(state: JobState): void {
    if (this.#states === undefined && this.#only === undefined) {
      this.#only = state;
    } else this.states.add(state);
    state.execution = this;
    if (!this.isStarted) {
      state.advance("queued");
      if (!this.#paused) this.#watchQueue(state);
    } else this.#begun(state);
  }

  /** The function is called for a job that waits for the outcome. */
  #begun(state: JobState): void {
    state.attempts++;
    state.advance("running");
    this.#watch(state);
  }

  /** Its handler runs it outside of this process's own event loop. */
  goElsewhere(): void {
    if (this.#isElsewhere) return;
    this.#isElsewhere = true;
    noteElsewhere(1);
  }

  /** Ends the pause between two attempts. */
  resume(): void {
    this.#paused = false;
    for (const state of this.states) this.#watchQueue(state);
  }

  /** The same for a look: makes no set where there is one job. */
  get waiting(): Iterable<JobState> {
    return this.#only === undefined
      ? this.#states ?? NO_CHILDREN
      : [this.#only];
  }

  /** The jobs that the running job awaits, and that have not settled. */
  get awaits(): Iterable<JobState> {
    return this.#more?.awaits ?? NO_CHILDREN;
  }

  /** The running job awaits another one, until that has settled; whether it did not before. */
  addAwaited(state: JobState): boolean {
    const awaits = this.#details.awaits ??= new Set();
    if (awaits.has(state)) return false;
    awaits.add(state);
    (state.awaitedIn ??= new Set()).add(this);
    return true;
  }

  /** A job that the running job awaited has settled. */
  deleteAwaited(state: JobState): void {
    this.#more?.awaits?.delete(state);
  }

  /** Takes in a job that the running job has submitted. */
  adopt(child: JobState): void {
    const children = this.#details.children ??= new Set();
    children.add(child);
    child.onSettled(() => children.delete(child));
  }

  /** The jobs that the running job has submitted and that have not settled. */
  get children(): readonly JobState[] {
    const children = this.#more?.children;
    return children === undefined ? NO_CHILDREN : [...children];
  }

  submitNested(request: NestedRequest, listener: NestedListener): NestedJob {
    return nestedJobs.submitNested(this.scope, request, listener);
  }

  /** A job is to be taken out that may be with a worker: whether it has begun may still be heard. */
  mayHaveBegun(state: JobState): void {
    // What begins later does so for the others.
    const isLast = this.#only === state || this.#states?.size === 1;
    if (this.isStarted || this.#isGiven && isLast) {
      (this.#details.unwanted ??= []).push(state);
    }
  }

  /** Takes a job out; whether it was the last one. */
  leave(state: JobState): boolean {
    // Without a limit nothing is cleared: that would load Deno's timers.
    this.#more?.timeLimits?.end(state);
    state.execution = undefined;
    const states = this.#states;
    if (states !== undefined) return states.delete(state) && states.size === 0;
    if (this.#only !== state) return false;
    this.#only = undefined;
    return true;
  }

  /** Aborted when no job waits for the outcome any more. */
  get abandoned(): AbortSignal {
    return (this.#details.abandoned ??= new AbortController()).signal;
  }

  /** Takes all jobs out, and gives the claim back. */
  end(): JobState[] {
    const states = this.#only === undefined
      ? [...this.#states ?? NO_CHILDREN]
      : [this.#only];
    for (const state of states) this.leave(state);
    const more = this.#more;
    if (more?.awaits !== undefined && more.awaits.size > 0) {
      for (const state of more.awaits) state.awaitedIn?.delete(this);
      more.awaits = undefined;
      joined?.();
    }
    this.claim?.release();
    more?.holding?.release();
    if (this.#isElsewhere) {
      this.#isElsewhere = false;
      noteElsewhere(-1);
    }
    more?.abandoned?.abort();
    return states;
  }

  /** The jobs that had less time than this, in ms: a busy event loop is late to say so. */
  overdue(duration: number): JobState[] {
    if (this.#more?.timeLimits === undefined) return [];
    return [...this.states].filter(({ options: { timeout } }) =>
      timeout !== null && duration > timeout
    );
  }

  started(at: number = performance.now()): void {
    if (this.isStarted) return;
    this.#startedAt = Math.ceil(at);
    for (const state of this.#more?.unwanted ?? NO_CHILDREN) state.attempts++;
    if (this.#only !== undefined) this.#begun(this.#only);
    else for (const state of this.states) this.#begun(state);
  }

  given(): void {
    this.#isGiven = true;
  }

  waits(): void {
    const unwanted = this.#more?.unwanted ?? NO_CHILDREN;
    if (this.#more !== undefined) this.#more.unwanted = undefined;
    if (!this.isStarted) return;
    this.#startedAt = -1;
    for (const state of unwanted) state.attempts--;
    for (const state of this.waiting) {
      state.attempts--;
      state.advance("queued");
      this.#watchQueue(state);
    }
  }

  neverBegan(): void {
    this.#isGiven = false;
    this.waits();
  }

  report(event: TaskEvent): void {
    for (const state of this.states) state.report(event);
  }

  #watch(state: JobState): void {
    const { timeout } = state.options;
    // The time in the queue is over.
    if (timeout === null) return this.#more?.timeLimits?.end(state);
    const ran = performance.now() - this.#startedAt;
    this.#timeLimits.beginRun(state, timeout, ran);
  }

  #watchQueue(state: JobState): void {
    const { queueTimeout } = state.options;
    if (queueTimeout === null) return;
    const failure = () => this.#more?.failure;
    this.#timeLimits.beginQueue(state, queueTimeout, failure);
  }
}

const SPELT_OUT = [
  "key",
  "name",
  "version",
  "code",
  "fn",
  "digest",
  "timed",
  "queueTimed",
  "memory",
  "importTimeout",
  "denoArgs",
  "permissions",
  "priority",
] as const;

const NO_VALUES: readonly EncodedValue[] = [];

/** So many digits tell a key from others, and the command line takes them. */
const KEY_DIGITS = 12;

const NO_CHILDREN: readonly JobState[] = [];

/** What a job that runs, or the nearest one that it is a job of, holds of the resources. */
export function holdingOf(owner: unknown): Holding | undefined {
  let execution = owner;
  while (execution instanceof Execution) {
    if (execution.holding?.isGranted) return execution.holding;
    execution = execution.parent;
  }
  return undefined;
}

const NO_LINES: readonly ConsoleLine[] = [];
