/**
 * Decides what runs when: waits for the jobs among the arguments, asks the
 * cache, shares one execution among identical jobs, hands Tasks to handlers and
 * settles jobs.
 *
 * The way of a job:
 *
 * 1. `submit`: the key is computed from the arguments as they are now. If some
 *    are jobs that have not settled, the arguments are kept as bytes until they
 *    have, and the key is computed then.
 * 2. `lookUp`: a hit settles the job in the same turn.
 * 3. A miss joins the execution of the same key that is under way, or begins one.
 * 4. `complete`: the outcome is stored, then every job of the execution settles.
 *
 * @module
 */

import { isDryRun } from "./cache/job_cache.ts";
import type { StoredRecord } from "./cache/record.ts";
import { cancelOnAbort } from "./abort.ts";
import { withUnchangedFiles } from "./argument_files.ts";
import { type Failure, joinLines, markOf, nextAttemptIn } from "./attempts.ts";
import { isCrash, noteCrash, noteSurvival } from "./crashes.ts";
import { innermostScope, runOutside } from "./current.ts";
import defer * as declaredReads from "./declared_reads.ts";
import {
  CycleError,
  HandlerClosedError,
  JobCancelledError,
  JobTimeoutError,
  ResultLostError,
  UpstreamError,
} from "./errors.ts";
import { directWayOf, type Settled } from "./direct_handler.ts";
import { Execution, holdingOf, provideTimeout } from "./execution.ts";
import {
  explainHook,
  tellFailed,
  tellHit,
  tellMiss,
  tellWaiting,
} from "./explain_hook.ts";
import {
  type ArgumentSnapshot,
  JobState,
  SmallArguments,
  stateOf,
} from "./job_state.ts";
import { type Blocked, joined, type KeyClaim } from "./key_claim.ts";
import {
  functionInfoOf,
  valuePartsOf,
  warnIfCodeDiffers,
} from "./function_info.ts";
import { handlerOf } from "./fallback_handler.ts";
import {
  brokenHandler,
  errorOf,
  isOutcome,
  noOutcome,
  storeOutcome,
  thrownBy,
} from "./outcome.ts";
import {
  addInFlight,
  deleteInFlight,
  inFlightFor,
  isNoneInFlight,
} from "./in_flight.ts";
import { noteIdle, recheckWhenIdle } from "./recheck.ts";
import defer * as memory from "./outcome_in_memory.ts";
import { interruptionReason, outstanding } from "./outstanding.ts";
import { resourceRefusal, resourcesOf } from "./resources.ts";
import { isIdleWorker, isWorker, noteSubmission } from "./role.ts";
import { Scope } from "./scope.ts";
import { storeOf } from "./store_of.ts";
import type { ConsoleLine, Outcome, Task } from "./task.ts";
import { noteFailure, noteSeen } from "./unseen_failures.ts";
import {
  contributionOf,
  identityOf,
  type JobIdentity,
} from "./value/contribution.ts";
import { decodeValue } from "./value/decode.ts";
import { encodeValue } from "./value/encode.ts";
import type { EncodedValue, LeafDigests } from "./value/encoded.ts";
import { type LeafMarks, LentLeaf } from "./value/lent_leaf.ts";
import { keyParts } from "./value/parts.ts";
import { smallArguments, smallKey } from "./value/small.ts";
import { previewOf } from "./value/preview.ts";
import { warnOnce } from "./warn.ts";

const NOT_YET = new Uint8Array(0);

/**
 * Takes in a job.
 *
 * @throws {UnsupportedValueError} if the arguments hold something that is not data.
 */
export function submit(state: JobState, args: readonly unknown[]): void {
  if (isIdleWorker()) return noteSubmission();
  // A cache folder that cannot be one is refused before the job counts.
  storeOf(state);
  const { signal } = state.options;
  const reason = signal?.aborted ? signal.reason : interruptionReason();
  if (reason !== undefined) {
    state.scope.enter();
    return cancel(state, reason);
  }
  // What a job declares to read enters its key.
  const small = state.options.permissions?.read === undefined
    ? smallArguments(args)
    : undefined;
  if (small !== undefined) return submitSmall(state, args, small);
  const digests: LeafDigests = new Map();
  let complete = true;
  let hasJobs = false;
  const contribution = (node: object) => {
    const job = stateOf(node);
    if (job === undefined) return undefined;
    hasJobs = true;
    const contribution = contributionOfJob(job);
    if (contribution === undefined) complete = false;
    return contribution ?? NOT_YET;
  };
  const marks: LeafMarks | undefined = needsKey(state) ? undefined : new Map();
  let identity = identify(state, args, digests, contribution, marks);
  const isMarked = marks !== undefined && marks.size > 0 && !hasJobs;
  if (complete) {
    if (!isMarked && marks !== undefined && marks.size > 0) {
      identity = identify(state, args, digests, contribution);
    }
    enter(state);
    // Marks tell a job from most others, and take a tenth of the time of digests.
    if (isMarked) state.identity = `marks ${identity.key.toHex()}`;
    else setIdentity(state, identity);
    if (lookUp(state, () => takeSnapshot(state, args, digests))) return;
    takeSnapshot(state, args, digests, marks ?? new Map());
    if (isMarked) setLateKey(state);
    watchSignal(state);
    execute(state);
    return;
  }
  takeSnapshot(state, args, digests, marks ?? new Map());
  enter(state);
  watchSignal(state);
  afterUpstream(state);
}

/** Takes in a job whose arguments are a few bytes and no jobs. */
function submitSmall(
  state: JobState,
  args: readonly unknown[],
  list: string,
): void {
  const { name, keyVersion } = functionInfoOf(state);
  const store = storeOf(state);
  state.hasPlainKey = keyVersion === state.definition.version;
  if (store === undefined && state.hasPlainKey) state.identity = list;
  else setIdentity(state, { key: smallKey(name, keyVersion, list), list });
  enter(state);
  const keep = (): void => {
    if (state.snapshot !== undefined) return;
    state.snapshot = new SmallArguments(list);
    if (store !== undefined) describe(state, args, new Map());
  };
  if (lookUp(state, keep)) return;
  keep();
  watchSignal(state);
  execute(state);
}

/** Takes in a job whose arguments are bytes already. */
export function submitEncoded(
  state: JobState,
  snapshot: ArgumentSnapshot,
): void {
  state.snapshot = snapshot;
  enter(state);
  try {
    const parent = state.scope.parentOwner;
    const refusal = parent instanceof Execution && parent.declared !== null
      ? parent.nestedRefusal(state)
      : undefined;
    if (refusal !== undefined) throw refusal;
    storeOf(state);
  } catch (error) {
    return fail(state, "error", error as Error);
  }
  watchSignal(state);
  afterUpstream(state);
}

/**
 * Takes in a job that its handler has already: an item of `hi.map`, which counts in its
 * scope. Returns its Task, and whom to tell what becomes of it.
 */
export function takeOver(
  state: JobState,
  list: EncodedValue,
): [Task, Settled] {
  state.snapshot = { list, upstream: [] };
  noteSeen(state);
  const args = decodeValue(list, { root: "args" }) as unknown[];
  setIdentity(state, identify(state, args, new Map(), () => undefined));
  const execution = enlist(state);
  execution.goElsewhere();
  return [execution, settled as Settled];
}

function enter(state: JobState): void {
  state.scope.enter();
  if (!state.nested) return;
  const parent = state.scope.parentOwner;
  if (parent instanceof Execution) parent.adopt(state);
}

/** Cancels a job that has not settled. */
export function cancel(state: JobState, reason: unknown): void {
  const { name, version } = state.definition;
  fail(
    state,
    "cancelled",
    new JobCancelledError(`The job ${name} ${version} was cancelled`, {
      cause: reason,
    }),
  );
}

/** Lets the signal of its options cancel a job. */
export function watchSignal(state: JobState): void {
  const { signal } = state.options;
  if (signal) cancelOnAbort(signal, state, cancel);
}

/** Runs a job again whose result was in the cache and is lost, which a person should know. */
export function runAgain(state: JobState, error: unknown): void {
  if (!state.isSettled) return;
  // The cache has told of what has a cause.
  if (error instanceof ResultLostError && error.cause === undefined) {
    const { name, version } = state.definition;
    warnOnce(
      error.message,
      `${name} ${version} is run again: ${error.message}`,
    );
  }
  state.reopen();
  afterUpstream(state);
}

function identify(
  state: JobState,
  args: readonly unknown[],
  digests: LeafDigests,
  job: (node: object) => Uint8Array | undefined,
  marks?: LeafMarks,
): JobIdentity {
  const { name, keyVersion } = functionInfoOf(state);
  const { permissions } = state.options;
  if (permissions?.read !== undefined) {
    state.reads = declaredReads.declaredReads(
      permissions,
      storeOf(state)?.fileDigests,
    );
  }
  const version = state.reads === undefined
    ? keyVersion
    : `${keyVersion}\0reads ${state.reads.digest}`;
  return identityOf(name, version, args, { root: "args", job, digests, marks });
}

/** Whether the key of a job is looked for, or is more than its function and its arguments. */
function needsKey(state: JobState): boolean {
  return storeOf(state) !== undefined ||
    state.options.permissions?.read !== undefined ||
    functionInfoOf(state).keyVersion !== state.definition.version;
}

/** Lets the key be computed if somebody asks, as long as the large arguments are there and as they were. */
function setLateKey(state: JobState): void {
  const { definition: { name, version }, snapshot } = state;
  const { bytes, leaves } = snapshot!.list;
  const list = {
    bytes,
    leaves: leaves.map((leaf) =>
      leaf instanceof LentLeaf ? leaf.weakly() : leaf
    ),
  };
  state.lateKey = () => {
    const digests: LeafDigests = new Map();
    const options = { lend: true, root: "args", digests };
    const args = decodeValue(list, options) as unknown[];
    return identityOf(name, version, args, { root: "args", digests }).key;
  };
}

/** Whether jobs with the same marks have the same arguments, as far as that can be seen now. */
function haveSameLeaves(one: JobState, other: JobState): boolean {
  const others = other.snapshot!.list.leaves;
  return one.snapshot!.list.leaves.every((leaf, i) => {
    const counterpart = others[i];
    return leaf instanceof LentLeaf && counterpart instanceof LentLeaf &&
      leaf.hasBytesOf(counterpart);
  });
}

function setIdentity(state: JobState, { key, list }: JobIdentity): void {
  state.keyBytes = key;
  // With another version in the key it is another job.
  const isPlain = state.reads === undefined &&
    functionInfoOf(state).keyVersion === state.definition.version;
  state.identity = isPlain && list !== undefined ? list : state.key!;
}

/** Keeps the arguments as they are now: small parts as bytes, large leaves by their digest. */
function takeSnapshot(
  state: JobState,
  args: readonly unknown[],
  digests: LeafDigests,
  marks?: LeafMarks,
): void {
  if (state.snapshot !== undefined) return;
  const upstream = new Map<JobState, number>();
  const list = encodeValue(args, {
    root: "args",
    leaves: "lend",
    digests,
    marks,
    job(node) {
      const job = stateOf(node);
      if (job === undefined) return undefined;
      const index = upstream.get(job) ?? upstream.size;
      upstream.set(job, index);
      return index;
    },
  });
  state.snapshot = { list, upstream: [...upstream.keys()] };
  if (storeOf(state) !== undefined) describe(state, args, digests);
}

function describe(
  state: JobState,
  args: readonly unknown[],
  digests: LeafDigests,
): void {
  const asJob = (node: object) =>
    node instanceof JobState ? node : stateOf(node);
  state.description = {
    preview: previewOf(args, undefined, {
      name: (node) => asJob(node)?.definition.name,
    }),
    parts: [
      ...keyParts(args, {
        root: "args",
        digests,
        job: (node) => {
          const job = asJob(node);
          return job && (contributionOfJob(job) ?? NOT_YET);
        },
      }),
      ...state.reads?.parts ?? [],
      ...valuePartsOf(state.definition),
    ],
  };
}

/** Waits for the jobs among the arguments, then goes on with a key. */
function afterUpstream(state: JobState): void {
  outstanding.add(state);
  const { upstream } = state.snapshot!;
  const failed = upstream.find((job) =>
    job.isSettled && job.status !== "finished"
  );
  if (failed !== undefined) return failUpstream(state, failed);
  let open = 0;
  for (const job of upstream) {
    if (job.isSettled) continue;
    open++;
    if (state.nested && !job.nested) promote(job);
    job.onSettled(() => {
      open--;
      if (state.isSettled) return;
      if (job.status !== "finished") failUpstream(state, job);
      else if (open === 0) withUpstream(state, state.snapshot!);
    });
  }
  if (open === 0) return withUpstream(state, state.snapshot!);
  if (explainHook !== undefined) {
    tellWaiting(state, upstream.filter((job) => !job.isSettled));
  }
}

function withUpstream(state: JobState, snapshot: ArgumentSnapshot): void {
  // One that was lost meanwhile is on its way again.
  if (!snapshot.upstream.every((job) => job.isSettled)) {
    return afterUpstream(state);
  }
  try {
    const digests: LeafDigests = new Map();
    const args = decodeValue(snapshot.list, {
      job: (index) => snapshot.upstream[index],
      lend: true,
      root: "args",
      digests,
    }) as unknown[];
    setIdentity(
      state,
      identify(
        state,
        args,
        digests,
        (node) =>
          node instanceof JobState ? contributionOfJob(node) : undefined,
      ),
    );
    if (storeOf(state) !== undefined) describe(state, args, digests);
  } catch (error) {
    // A large argument was written to, or a result among the arguments is lost.
    if (error instanceof ResultLostError) restartAfterLoss(state, error);
    else fail(state, "error", error as Error);
    return;
  }
  if (!lookUp(state, () => {})) execute(state);
}

/** Fails a job as one among its arguments has failed or was cancelled. */
export function failUpstream(state: JobState, failed: JobState): void {
  const { name, version } = state.definition;
  const what = failed.status === "cancelled" ? "was cancelled" : "failed";
  // From here on its error is the cause of this one's.
  noteSeen(failed);
  if (explainHook !== undefined) tellFailed(state);
  fail(
    state,
    "error",
    new UpstreamError(
      `Cannot run ${name} ${version} as the job ${failed.definition.name} ${failed.definition.version} among its arguments ${what}`,
      { cause: errorOf(failed) },
    ),
  );
}

/** What a finished job contributes to a key; `undefined` if it is not finished. */
function contributionOfJob(state: JobState): Uint8Array | undefined {
  const { outcome } = state;
  if (outcome?.status !== "finished") return undefined;
  return state.contribution ??= outcome.contribution ??
    contributionOf(decodeValue(outcome.value, { lend: true }));
}

/**
 * Settles the job from the cache; whether it did or is about to.
 *
 * @param keep Called where the arguments may be needed once more: a leaf can turn out to be damaged when it is read.
 */
function lookUp(state: JobState, keep: () => void): boolean {
  const store = storeOf(state);
  if (store === undefined || state.options.forceRun) return false;
  const record = store.lookup(state.keyBytes!);
  if (record === undefined || !isWanted(state, record)) return false;
  state.from = record.from;
  warnIfCodeDiffers(state, record.fn, store);
  if (state.wasLost) {
    return takeIfWhole(state, record.outcome, store.prepare(record));
  }
  const { recheck } = state.options;
  const isSampled = recheck > 0 && !isDryRun && Math.random() < recheck;
  if (isSampled) {
    keep();
    const { snapshot } = state;
    recheckWhenIdle(
      async () => {
        const { runForComparison } = await import("./comparison.ts");
        await runForComparison(state, snapshot!, record);
      },
      () => !isNoneInFlight(),
    );
  }
  if (explainHook !== undefined) tellHit(state, record.details()?.preview);
  if (record.hasBlobs) keep();
  else state.snapshot = undefined;
  const ready = store.prepare(record);
  if (ready === undefined) settleByOutcome(state, record.outcome, true);
  else ready.then(() => settleByOutcome(state, record.outcome, true));
  return true;
}

/**
 * Settles a job whose result was lost by what the cache has now, if that can be read;
 * whether it did or is about to. It is in memory from then on, so that what others
 * delete meanwhile is no second loss.
 */
function takeIfWhole(
  state: JobState,
  outcome: Outcome,
  ready: Promise<void> | undefined,
): boolean {
  if (ready !== undefined) {
    ready.then(() => {
      const isDone = state.isSettled || takeIfWhole(state, outcome, undefined);
      if (!isDone) execute(state);
    });
    return true;
  }
  let taken = outcome;
  try {
    taken = memory.inMemory(outcome);
  } catch (error) {
    // What else is wrong, whoever asks for the result is told.
    if (error instanceof ResultLostError) {
      state.from = undefined;
      return false;
    }
  }
  settleByOutcome(state, taken, true);
  return true;
}

function isWanted(state: JobState, record: StoredRecord): boolean {
  const { cacheFailing, rerunFailing } = state.options;
  return record.outcome.status === "finished" ||
    (cacheFailing && !rerunFailing);
}

/** Joins the execution of the same key, or begins one. */
function execute(state: JobState): void {
  if (explainHook !== undefined) tellMiss(state);
  let shared = state.options.cache ? inFlightFor(state) : undefined;
  if (
    state.lateKey !== undefined && shared !== undefined &&
    !haveSameLeaves(state, shared.first)
  ) shared = undefined;
  // What runs with other permissions is not what the job asked for.
  if (!shared?.suits(state.options.permissions)) return begin(state);
  const parent = state.scope.parentOwner;
  const circle = parent instanceof Execution ? shared.wayTo(parent) : undefined;
  if (circle !== undefined) {
    return fail(state, "error", waitsForItself(circle));
  }
  outstanding.add(state);
  shared.join(state);
  joined?.();
  if (state.nested) promote(state);
}

/**
 * A running job waits for this one: neither it nor what it waits for may wait
 * for a slot in turn, which may be the one that the running job has.
 */
export function promote(state: JobState): void {
  // A list and no recursion: chains of jobs may be long.
  const chain = [state];
  for (const job of chain) {
    job.nested = true;
    if (job.execution !== undefined) beginElsewhere(job, job.execution);
    else if (!job.isSettled) {
      for (const upstream of job.snapshot?.upstream ?? []) {
        if (!upstream.nested) chain.push(upstream);
      }
    }
  }
}

/** Takes a waiting execution out of its queue and begins it as one that waits for no slot. */
function beginElsewhere(state: JobState, queued: Execution): void {
  if (queued.isStarted || queued.nested) return;
  const others = queued.end().filter((other) => other !== state);
  forget(queued);
  queued.handler?.cancel(queued, new Error("Begun in another place"));
  begin(state);
  for (const other of others) state.execution!.join(other);
}

/** Runs a job that nobody else runs. */
export function begin(state: JobState): void {
  fetchOrStart(enlist(state), state);
}

/** Makes an execution, which identical jobs can join from now on. */
function enlist(state: JobState, paused = false): Execution {
  outstanding.add(state);
  const execution = new Execution(state, paused);
  if (state.options.cache) addInFlight(execution);
  execution.handler = handlerOf(state.options.jobHandler);
  return execution;
}

function fetchOrStart(execution: Execution, state: JobState): void {
  const store = state.options.forceRun ? undefined : storeOf(state);
  const fetching = store?.fetch?.(
    state.keyBytes!,
    execution.abandoned,
    () => isForItself(execution),
  );
  if (fetching === undefined) return startWhenReady(execution);
  fetching.then(
    (isThere) => isThere ? lookAgain(execution) : startWhenReady(execution),
    // Nobody waits for it any more.
    () => {},
  );
}

/** Whether a result is wanted as such; if not, other jobs wait for it, whose keys are all that may be needed. */
function isForItself({ states }: Execution): boolean {
  for (const state of states) {
    if (!state.isAwaited || state.wasLost) return true;
  }
  return false;
}

/** Brings here what is still at a server of the results among the arguments, then starts. */
function startWhenReady(execution: Execution): void {
  const loading = execution.load();
  if (loading === undefined) start(execution);
  else loading.then(() => start(execution), () => {});
}

/** Hands an execution to its handler, once it has what it takes of the resources. */
function start(execution: Execution): void {
  if (execution.isUnwanted || isDryRun) return;
  const { limits, resources } = (execution.only ?? firstOf(execution)).options;
  // In a worker nobody knows what the other workers take.
  if (limits === null || isWorker()) return hand(execution);
  // Where a running job waits for one of another place, that one runs with what it holds.
  const here = innermostScope();
  const held = holdingOf(execution.parent) ??
    (here instanceof Scope ? holdingOf(here.parentOwner) : undefined);
  const from = held?.children ?? resourcesOf(resources);
  const refusal = resourceRefusal(
    `${execution.name} ${execution.version}`,
    limits,
    from,
    held?.who,
  );
  if (refusal !== undefined) {
    for (const state of [...execution.states]) fail(state, "error", refusal);
    return;
  }
  const who = `${execution.name} ${execution.version}`;
  execution.holding = from.take(
    who,
    limits,
    execution.priority,
    () => hand(execution),
  );
}

function firstOf({ states }: Execution): JobState {
  const [first] = states;
  return first!;
}

function hand(execution: Execution): void {
  const handler = execution.handler!;
  if (handler.inProcess !== true && !isWorker()) execution.goElsewhere();
  const accept = directWayOf(handler);
  if (accept !== undefined) return accept(execution, settled as Settled);
  execution.spellOut();
  let running: Promise<Outcome>;
  try {
    running = Promise.resolve(runOutside(() => handler.run(execution)));
  } catch (error) {
    running = Promise.reject(error);
  }
  running.then(
    (outcome) =>
      complete(
        execution,
        isOutcome(outcome) ? outcome : brokenHandler(noOutcome(execution)),
      ),
    (error) => complete(execution, brokenHandler(error)),
  );
}

/** A handler of this package has an Outcome. */
function settled(execution: Execution, outcome: Outcome): void {
  const { only, claim } = execution;
  // Most of the time there is nothing to it.
  if (
    only !== undefined && claim === undefined &&
    outcome.status === "finished" && execution.isPlain &&
    storeOf(only) === undefined
  ) {
    noteSurvival(execution.definition);
    forget(execution);
    execution.end();
    only.snapshot = undefined;
    only.settle({ outcome, hit: false });
    return;
  }
  complete(execution, outcome);
}

/** Resolves after `ms`; rejects when the signal is aborted. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  // What Deno does after an import goes on in the context of whoever asked for it.
  const { delay } = await runOutside(() => import("jsr:@std/async@^1/delay"));
  await delay(ms, { signal });
}

/** Of a long circle so many jobs are named at either end. */
const MOST_TITLES = 4;

/** What a job is told that would close a circle: the first of it waits, through the others, for the last, which wants the first. */
function waitsForItself(circle: readonly Execution[]): CycleError {
  const [first] = circle;
  const titles = [...circle, first!].map(({ title }) => title);
  const between = titles.length - 2 * MOST_TITLES;
  if (between > 0) titles.splice(MOST_TITLES, between, `${between} others`);
  const way = titles.join(" \u2192 ");
  return new CycleError(
    `Cannot run ${
      first!.title
    } as this very job is running and would wait for itself (${way}): give it other arguments`,
  );
}

provideTimeout(onTimeout);

function onTimeout(state: JobState, late?: Error): void {
  const { name, version } = state.definition;
  const error = late ?? new JobTimeoutError(
    `The job ${name} ${version} ran longer than its timeout of ${state.options.timeout} ms`,
  );
  const failure = { error, lost: false };
  const wait = nextAttemptIn(state, failure);
  if (wait === undefined) return fail(state, "error", error);
  leaveExecution(state, error);
  tryAgain([[state, wait]], failure, state.lines ?? []);
}

/** Begins the next attempt of jobs, after the longest of their waits. */
function tryAgain(
  waits: readonly (readonly [JobState, number])[],
  failure: Failure,
  lines: readonly ConsoleLine[],
): void {
  const wait = Math.max(...waits.map(([, wait]) => wait));
  const [first] = waits[0]!;
  const mark = markOf(first, failure, wait);
  const execution = enlist(first, wait > 0);
  execution.earlierLines = joinLines(lines, [mark]);
  for (const [state] of waits) {
    if (state !== first) execution.join(state);
    state.report({ type: "console", line: mark });
  }
  if (wait === 0) return fetchOrStart(execution, first);
  pause(wait, execution.abandoned).then(
    () => {
      execution.resume();
      fetchOrStart(execution, first);
    },
    // Nobody waits for the outcome any more.
    () => {},
  );
}

/** Begins another attempt for the jobs that may have one, and takes them out of the execution. */
function tryAgainWherePossible(
  execution: Execution,
  outcome: Outcome & { status: "error" },
): void {
  const failure = { error: thrownBy(outcome), lost: outcome.lost ?? false };
  if (failure.lost && isCrash(failure.error)) {
    noteCrash(execution.definition, failure.error);
  } else if (!failure.lost) noteSurvival(execution.definition);
  const waits: [JobState, number][] = [];
  for (const state of execution.states) {
    const wait = nextAttemptIn(state, failure);
    if (wait !== undefined) waits.push([state, wait]);
  }
  if (waits.length === 0) return;
  for (const [state] of waits) execution.leave(state);
  if (execution.isUnwanted) execution.end();
  forget(execution);
  tryAgain(
    waits,
    failure,
    joinLines(execution.earlierLines, outcome.console),
  );
}

/** Settles a job without an outcome and takes it out of its execution; the last one to go stops the work. */
function fail(
  state: JobState,
  status: "error" | "cancelled",
  error: Error,
): void {
  if (state.isSettled) return;
  leaveExecution(state, error);
  state.remote?.cancel(error);
  state.snapshot = undefined;
  state.settle({ failure: error, status });
  if (status === "error") noteFailure(state);
}

/** Takes a job out of its execution; the last one to go stops the work. */
function leaveExecution(state: JobState, reason: Error): void {
  const { execution } = state;
  if (!execution?.leave(state)) return;
  execution.end();
  forget(execution);
  execution.handler?.cancel(execution, reason);
  cancelChildren(execution, reason);
}

const withoutParent: JobState[] = [];
let isCancelling = false;

/**
 * Cancels the jobs of a job that was stopped. Work that others wait for goes on.
 * One after the other: jobs in jobs may be many levels deep.
 */
function cancelChildren(
  { children, name, version }: Execution,
  cause: unknown,
) {
  for (const child of children) withoutParent.push(child);
  if (isCancelling) return;
  isCancelling = true;
  try {
    for (let i = 0; i < withoutParent.length; i++) {
      const child = withoutParent[i]!;
      const its = child.definition;
      const text =
        `The job ${its.name} ${its.version} was cancelled as the job that had submitted it, ${name} ${version}, was stopped`;
      fail(child, "cancelled", new JobCancelledError(text, { cause }));
    }
  } finally {
    withoutParent.length = 0;
    isCancelling = false;
  }
}

function forget(execution: Execution): void {
  if (deleteInFlight(execution) && isNoneInFlight()) noteIdle();
}

/** Waits until another process is done with the key, and goes on from there. */
async function whenUnblocked(
  execution: Execution,
  claim: KeyClaim,
  blocked: Blocked,
): Promise<void> {
  // If it is stored and the jobs do not want it, they claim the key all the same.
  claim.evenIfStored = blocked === "stored";
  execution.holding?.release();
  if (execution.isUnwanted) return;
  if (blocked === "elsewhere") {
    try {
      const { freed } = await runOutside(() => import("./waits_elsewhere.ts"));
      await freed(execution, claim);
    } catch (error) {
      // Otherwise nobody waits for the outcome any more.
      if (error instanceof CycleError) {
        for (const state of [...execution.states]) fail(state, "error", error);
      }
      return;
    }
  }
  lookAgain(execution);
}

/** Settles the jobs that the cache has an outcome for now; runs the others. */
function lookAgain(execution: Execution): void {
  for (const state of [...execution.states]) {
    if (lookUp(state, () => {})) execution.leave(state);
  }
  if (!execution.isUnwanted) return startWhenReady(execution);
  execution.end();
  forget(execution);
}

async function complete(
  execution: Execution,
  given: Outcome,
): Promise<void> {
  const { claim } = execution;
  const blocked = claim?.takeBlocked();
  if (blocked !== undefined) {
    return await whenUnblocked(execution, claim!, blocked);
  }
  let outcome = withUnchangedFiles(given, execution.files, execution.name);
  outcome = execution.reads?.whenUnchanged(outcome, execution.name) ?? outcome;
  if (outcome.status === "error" && outcome.lost) {
    const error = thrownBy(outcome);
    if (error instanceof ResultLostError) {
      forget(execution);
      for (const state of execution.end()) restartAfterLoss(state, error);
      return;
    }
    if (error instanceof HandlerClosedError) moveToOwnHandlers(execution);
    cancelChildren(execution, error);
  }
  for (const state of execution.overdue(outcome.timing.duration)) {
    onTimeout(state);
  }
  if (execution.isUnwanted) return endUnwanted(execution);
  if (outcome.status === "finished") noteSurvival(execution.definition);
  else {
    tryAgainWherePossible(execution, outcome);
    if (execution.isUnwanted) return endUnwanted(execution);
  }
  if (execution.earlierLines.length > 0) {
    const console = joinLines(execution.earlierLines, outcome.console);
    outcome = { ...outcome, console };
  }
  // Jobs may join while this waits for a busy cache; nothing is awaited where
  // everything is stored at once, so that such a job settles in this turn.
  let record: StoredRecord | undefined;
  try {
    for (const state of execution.states) {
      const stored = storeOutcome(execution, state, outcome);
      record = (stored instanceof Promise ? await stored : stored) ?? record;
    }
  } catch (error) {
    // The result cannot be decoded, as a codec of the user's own throws, or a file of it has changed.
    for (const state of [...execution.states]) {
      fail(state, "error", error as Error);
    }
  }
  forget(execution);
  // What is in blobs need not be in memory as well; it may have to be computed again.
  const inBlobs = record?.hasBlobs ?? false;
  for (const state of execution.end()) {
    if (!inBlobs) state.snapshot = undefined;
    const final = !inBlobs
      ? outcome
      : state.wasLost
      ? memory.withParts(record!.outcome, outcome.value)
      : record!.outcome;
    settleByOutcome(state, final, false);
  }
}

/** Nobody waits for the outcome any more. */
function endUnwanted(execution: Execution): void {
  execution.end();
  forget(execution);
}

/** Jobs that had joined an execution on a handler that is now closed go to the handlers that they were given. */
function moveToOwnHandlers(execution: Execution): void {
  forget(execution);
  for (const state of [...execution.states]) {
    if (handlerOf(state.options.jobHandler) === execution.handler) continue;
    execution.leave(state);
    execute(state);
  }
}

function settleByOutcome(
  state: JobState,
  outcome: Outcome,
  hit: boolean,
): void {
  if (!state.settle({ outcome, hit })) return;
  if (outcome.status === "error") noteFailure(state);
}

/**
 * Runs the jobs again whose results turned out to be lost, and the job that needed
 * them after that. Each time something that was lost comes into memory, so this ends.
 */
function restartAfterLoss(state: JobState, error: ResultLostError): void {
  const upstream = state.snapshot?.upstream ?? [];
  const hasFailed = (job: JobState) =>
    job.isSettled && job.status !== "finished";
  // One that was lost and failed when it was run again.
  if (upstream.some(hasFailed)) return afterUpstream(state);
  const lost = new Map<JobState, unknown>();
  const read = new Map<JobState, Outcome>();
  for (const job of upstream) {
    try {
      read.set(job, memory.inMemory(job.outcome ?? notYet()));
    } catch (loss) {
      lost.set(job, loss);
      if (job.isSettled && !job.mayLoseAgain()) {
        return fail(state, "error", error);
      }
    }
  }
  if (lost.size === 0) {
    if (!state.mayLoseAgain()) return fail(state, "error", error);
    // Another program has put it back meanwhile, and may delete it again.
    for (const [job, outcome] of read) job.outcome = outcome;
  }
  for (const [job, loss] of lost) runAgain(job, loss);
  state.advance("pending");
  afterUpstream(state);
}

/** It was lost before, and is being computed. */
function notYet(): never {
  throw new ResultLostError("It is being computed again", { cause: "lost" });
}
