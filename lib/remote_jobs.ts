/**
 * Jobs that a job in a worker submits to the program: the side of the worker,
 * where each has a state that follows what the program tells of it.
 *
 * @module
 */

import { cacheOptionsOf } from "./cache/job_cache.ts";
import type { ProgramPort } from "./current.ts";
import { sourceDigest } from "./function_info.ts";
import { JobState, type RemoteJob, stateOf } from "./job_state.ts";
import type { FunctionDefinition } from "./registry.ts";
import { cancel, failUpstream, watchSignal } from "./job_ends.ts";
import type {
  NestedRequest,
  NestedResult,
  Outcome,
  TaskEvent,
} from "./task.ts";
import { noteFailure, noteSeen } from "./unseen_failures.ts";
import { decodeValue } from "./value/decode.ts";
import { encodeValue } from "./value/encode.ts";
import { type EncodedValue, MemoryLeaf } from "./value/encoded.ts";
import { sha256Hex } from "./value/sha256.ts";
import { InPlaceLeaf } from "./value/in_place.ts";
import { decodeThrown } from "./value/thrown.ts";
import { newTransfers, TransferredLeaf } from "./value/transfer.ts";

/** A request whose jobs among the arguments go by their numbers. */
export interface NumberedRequest extends Omit<NestedRequest, "upstream"> {
  readonly upstream: readonly number[];
}

/** Carries to the program what the jobs of one running job need. */
export interface ProgramLink {
  submit(id: number, request: NumberedRequest): void;
  cancel(id: number, reason: unknown): void;
  watch(id: number): void;
  /** No job will be an argument under these numbers any more. */
  release(ids: readonly number[]): void;
  /** The running job waits for jobs, or goes on; from now on it awaits those with these numbers. */
  waiting(waits: boolean, awaited: readonly number[]): void;
}

let lastId = 0;

/** All jobs of this worker that the program has and tells of. */
const remote = new Map<number, NumberedJob>();

/** The program tells that a job is queued, or runs. */
export function nestedMoved(
  id: number,
  status: "queued" | "running",
  key: string,
): void {
  const state = remote.get(id)?.state;
  if (state === undefined || state.isSettled) return;
  state.key = key;
  state.advance(status);
}

/** The program tells what a job reports. */
export function nestedReported(
  id: number,
  event: TaskEvent,
  past: boolean,
): void {
  const state = remote.get(id)?.state;
  if (state !== undefined && !state.isSettled) state.report(event, past);
}

/** The program tells what became of a job. */
export function nestedSettled(id: number, result: NestedResult): void {
  remote.get(id)?.settle(result);
}

/** One job that the program has. */
class NumberedJob implements RemoteJob {
  readonly id: number = ++lastId;
  readonly state: JobState;
  readonly port: RemoteJobs;
  /** The jobs among its arguments. */
  readonly upstream: readonly JobState[];
  /** Those whose running jobs await it, until the program knows it by its number. */
  readonly awaitedIn: Set<RemoteJobs> = new Set();
  /** Whether the program knows it by its number. */
  isHeld = false;
  #watched = false;

  constructor(
    state: JobState,
    port: RemoteJobs,
    upstream: readonly JobState[],
  ) {
    this.state = state;
    this.port = port;
    this.upstream = upstream;
  }

  cancel(reason: unknown): void {
    if (this.isHeld) this.port.link.cancel(this.id, reason);
  }

  watch(): void {
    if (this.#watched) return;
    this.#watched = true;
    if (this.isHeld) this.port.link.watch(this.id);
  }

  submit(request: NumberedRequest): void {
    this.isHeld = true;
    this.port.hasBegun();
    remote.set(this.id, this);
    this.port.link.submit(this.id, request);
    if (this.#watched) this.port.link.watch(this.id);
    for (const port of this.awaitedIn) port.tellAwaited(this.id);
  }

  settle(
    { status, value, console, timing, key, cached, attempts }: NestedResult,
  ): void {
    const { state } = this;
    remote.delete(this.id);
    if (!state.isSettled) {
      state.key = key;
      state.attempts = attempts;
      if (timing === undefined || status === "cancelled") {
        state.settle({
          failure: decodeThrown(value) as Error,
          status: status === "cancelled" ? "cancelled" : "error",
        });
      } else {
        const outcome: Outcome = { status, value, console, timing };
        state.settle({ outcome, hit: cached });
      }
      if (status === "error" && !this.port.ended) noteFailure(state);
    }
    this.port.hasSettled(this);
  }
}

/** The jobs of one running job. */
export class RemoteJobs implements ProgramPort {
  readonly link: ProgramLink;
  readonly #who: FunctionName;
  /** Those that have settled and that the program keeps, as they may become arguments. */
  readonly #settled = new Set<NumberedJob>();
  #ended = false;
  #waits = 0;
  #toldWaiting = false;
  #telling = false;
  readonly #jobs = new Set<JobState>();
  readonly #awaited = new WeakSet<JobState>();
  /** The numbers of jobs that the program is to be told of. */
  #newlyAwaited: number[] = [];

  constructor(link: ProgramLink, who: FunctionName) {
    this.link = link;
    this.#who = who;
  }

  /** Whether the running job has ended. */
  get ended(): boolean {
    return this.#ended;
  }

  /** The running job has ended: nobody makes arguments of its jobs any more without their values. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#release([...this.#settled]);
  }

  hasBegun(): void {
    this.#wait(1);
  }

  hasSettled(job: NumberedJob): void {
    this.#wait(-1);
    if (this.#ended) this.#release([job]);
    else this.#settled.add(job);
  }

  #release(jobs: readonly NumberedJob[]): void {
    for (const job of jobs) job.isHeld = false;
    this.#settled.clear();
    if (jobs.length > 0) this.link.release(jobs.map(({ id }) => id));
  }

  get jobs(): Iterable<JobState> {
    return [...this.#jobs];
  }

  awaitJob(state: JobState): void {
    const chain = [state];
    for (const job of chain) {
      if (job.isSettled || this.#awaited.has(job)) continue;
      this.#awaited.add(job);
      const { remote } = job;
      if (!(remote instanceof NumberedJob)) {
        // It runs here, once its arguments are there.
        chain.push(...job.snapshot?.upstream ?? []);
      } else if (remote.isHeld) this.tellAwaited(remote.id);
      else {
        remote.awaitedIn.add(this);
        chain.push(...remote.upstream);
      }
    }
  }

  /** The program is to know that the running job awaits the job with this number. */
  tellAwaited(id: number): void {
    this.#newlyAwaited.push(id);
    this.#tell();
  }

  async waitFor<T>(settled: Promise<T>): Promise<T> {
    this.#wait(1);
    try {
      return await settled;
    } finally {
      this.#wait(-1);
    }
  }

  // A job that has jobs outstanding waits for them, whatever it does to learn of
  // their end, but not before the end of the turn: it may go on computing.
  #wait(change: 1 | -1): void {
    this.#waits += change;
    this.#tell();
  }

  #tell(): void {
    if (this.#telling) return;
    this.#telling = true;
    queueMicrotask(() => {
      this.#telling = false;
      const waits = this.#waits > 0;
      const awaited = this.#newlyAwaited;
      const isNews = waits !== this.#toldWaiting || awaited.length > 0;
      if (!isNews || this.#ended) return;
      this.#toldWaiting = waits;
      this.#newlyAwaited = [];
      this.link.waiting(waits, awaited);
    });
  }

  submit(
    state: JobState,
    args: readonly unknown[],
    options: Readonly<Record<string, unknown>>,
  ): void {
    const travelling = travellingOptions(state.definition, options);
    const upstream: JobState[] = [];
    const transfers = newTransfers();
    const given = encodeValue(args, {
      root: "args",
      transfers,
      inPlace: true,
      job: (node) => indexIn(upstream, stateOf(node)),
    });
    transfers?.take();
    const list = withDigests(given);
    state.scope.enter();
    if (this.#ended) {
      return cancel(
        state,
        `${this.#who.name} ${this.#who.version}, which submits it, has ended: await in a job what it starts`,
      );
    }
    const job = new NumberedJob(state, this, upstream);
    state.remote = job;
    this.#jobs.add(state);
    state.onSettled(() => this.#jobs.delete(state));
    for (const { by } of state.scope.allWaiters()) {
      if (by instanceof RemoteJobs) by.awaitJob(state);
    }
    if (upstream.length > 0) {
      state.onSettled(() => {
        // An error of theirs is the cause of this one's.
        if (state.status === "error") upstream.forEach(noteSeen);
      });
    }
    watchSignal(state);
    if (state.isSettled) return;
    const send = (list: EncodedValue, jobs: readonly JobState[]): void => {
      const { name, version, code, definedAt, label, fn } = state.definition;
      job.submit({
        name,
        version,
        code,
        source: textDigest(state.definition, fn),
        definedAt,
        label,
        list,
        upstream: jobs.map(({ remote }) => (remote as NumberedJob).id),
        options: travelling,
      });
    };
    if (upstream.every(isHeld)) return send(list, upstream);
    whenThere(state, upstream, () => {
      const jobs: JobState[] = [];
      const values = decodeValue(list, {
        root: "args",
        lend: true,
        job(index) {
          const job = upstream[index]!;
          return isHeld(job)
            ? job
            : decodeValue(job.outcome!.value, { lend: true, root: "result" });
        },
      });
      send(
        withDigests(encodeValue(values, {
          root: "args",
          inPlace: true,
          job: (node) =>
            indexIn(jobs, node instanceof JobState ? node : undefined),
        })),
        jobs,
      );
    });
  }
}

interface FunctionName {
  readonly name: string;
  readonly version: string;
}

/** Whether the program knows a job by its number. */
function isHeld({ remote }: JobState): boolean {
  return remote instanceof NumberedJob && remote.isHeld;
}

/** Waits for the jobs among the arguments that the program does not have. */
function whenThere(
  state: JobState,
  upstream: readonly JobState[],
  then: () => void,
): void {
  const next = upstream.find((job) =>
    !isHeld(job) && job.status !== "finished"
  );
  if (next === undefined) return then();
  if (next.isSettled) return failUpstream(state, next);
  next.onSettled(() => {
    if (!state.isSettled) whenThere(state, upstream, then);
  });
}

function indexIn(
  jobs: JobState[],
  job: JobState | undefined,
): number | undefined {
  if (job === undefined) return undefined;
  const index = jobs.indexOf(job);
  return index >= 0 ? index : jobs.push(job) - 1;
}

/** The same with the digests of the leaves: a worker has more time for them than the program. */
function withDigests(value: EncodedValue): EncodedValue {
  if (value.leaves.length === 0) return value;
  const leaves = value.leaves.map((leaf) => {
    if (leaf instanceof InPlaceLeaf) {
      // Of what the job was given the program knows it, or nobody needs it.
      if (!leaf.part.isGiven) void leaf.part.digest;
      return leaf;
    }
    const bytes = leaf.peek();
    const digest = leaf.digest ?? sha256Hex(bytes);
    return leaf instanceof TransferredLeaf
      ? new TransferredLeaf(bytes, digest, "args")
      : new MemoryLeaf(bytes, digest);
  });
  return { ...value, leaves };
}

const digests = new WeakMap<FunctionDefinition, string>();

function textDigest(
  definition: FunctionDefinition,
  fn: FunctionDefinition["fn"],
): string {
  let digest = digests.get(definition);
  if (digest === undefined) digests.set(definition, digest = sourceDigest(fn));
  return digest;
}

/** Options as plain data. A signal is heard here. A handler means the one that runs the job itself: those that a worker makes do nothing. */
function travellingOptions(
  { name, version }: FunctionDefinition,
  { jobHandler: _, signal: __, jobCache, ...options }: Readonly<
    Record<string, unknown>
  >,
): Record<string, unknown> {
  const travelling: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(options)) {
    if (value === undefined) continue;
    if (!isPlain(value)) {
      throw new TypeError(
        `Cannot run ${name} ${version} inside of a job in a worker as the option ${key} must be plain data: current value is ${
          Deno.inspect(value)
        }`,
      );
    }
    travelling[key] = value;
  }
  if (jobCache !== undefined) {
    travelling.jobCache = jobCache && cacheOptionsOf(jobCache as never);
  }
  return travelling;
}

function isPlain(value: unknown): boolean {
  if (typeof value === "function") return false;
  if (typeof value !== "object" || value === null) return true;
  const prototype = Object.getPrototypeOf(value);
  return (prototype === Object.prototype || Array.isArray(value)) &&
    Object.values(value).every(isPlain);
}
