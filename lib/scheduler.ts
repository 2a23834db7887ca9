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
import { withUnchangedFiles } from "./argument_files.ts";
import { joinLines } from "./attempts.ts";
import defer * as awaited from "./awaited_jobs.ts";
import { noteSurvival } from "./crashes.ts";
import { innermostScope, runningJob, runOutside } from "./current.ts";
import { CycleError, HandlerClosedError, ResultLostError } from "./errors.ts";
import { directWayOf, jobsWayOf, type Settled } from "./direct_handler.ts";
import { Execution, holdingOf } from "./execution.ts";
import { explainHook, tellHit, tellMiss, tellWaiting } from "./explain_hook.ts";
import {
  type ArgumentSnapshot,
  asksMore,
  JobState,
  SmallArguments,
  stateOf,
} from "./job_state.ts";
import { type Blocked, joined, type KeyClaim } from "./key_claim.ts";
import {
  functionInfoOf,
  lookAtCode,
  warnIfCodeDiffers,
} from "./function_info.ts";
import { onTimeout, tryAgainWherePossible } from "./further_attempts.ts";
import { handlerOf } from "./fallback_handler.ts";
import {
  brokenHandler,
  failureIn,
  isOutcome,
  noOutcome,
  storeOutcome,
} from "./outcome.ts";
import { inFlight } from "./in_flight.ts";
import {
  contributionOfJob,
  describe,
  haveSameLeaves,
  identify,
  keepForRetry,
  needsKey,
  NOT_YET,
  setIdentity,
  setLateKey,
  takeSnapshot,
} from "./job_identity.ts";
import {
  cancel,
  cancelChildren,
  fail,
  failUpstream,
  watchSignal,
} from "./job_ends.ts";
import { restartAfterLoss, takeIfWhole } from "./lost_results.ts";
import { noteIdle, recheckWhenIdle } from "./recheck.ts";
import defer * as memory from "./outcome_in_memory.ts";
import {
  interruptionReason,
  noteElsewhere,
  outstanding,
} from "./outstanding.ts";
import { resourceRefusal, resourcesOf } from "./resources.ts";
import { isIdleWorker, isWorker, noteSubmission } from "./role.ts";
import { Scope } from "./scope.ts";
import { storeOf } from "./store_of.ts";
import type { Outcome } from "./task.ts";
import { noteFailure } from "./unseen_failures.ts";
import { decodeValue } from "./value/decode.ts";
import type { LeafDigests } from "./value/encoded.ts";
import type { LeafMarks } from "./value/lent_leaf.ts";
import {
  readSmallArguments,
  SMALL_BYTES,
  smallArguments,
  smallKey,
} from "./value/small.ts";
import { hasTransferred, keepLeaves, newTransfers } from "./value/transfer.ts";

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
    job.becomeArgument();
    const contribution = contributionOfJob(job);
    if (contribution === undefined) complete = false;
    return contribution ?? NOT_YET;
  };
  const marks: LeafMarks | undefined = needsKey(state) ? undefined : new Map();
  const transfers = newTransfers(runningJob()?.lent);
  let identity = identify(
    state,
    args,
    digests,
    contribution,
    marks,
    transfers,
  );
  const isMarked = marks !== undefined && marks.size > 0 && !hasJobs;
  if (complete) {
    if (!isMarked && marks !== undefined && marks.size > 0) {
      identity = identify(state, args, digests, contribution);
    }
    enter(state);
    // Marks tell a job from most others, and take a tenth of the time of digests.
    if (isMarked) state.identity = `marks ${identity.key.toHex()}`;
    else setIdentity(state, identity);
    const keep = () => takeSnapshot(state, args, digests, undefined, transfers);
    if (lookUp(state, keep)) return transfers?.take();
    takeSnapshot(state, args, digests, marks ?? new Map(), transfers);
    transfers?.take();
    if (isMarked) setLateKey(state);
    watchSignal(state);
    execute(state);
    return;
  }
  takeSnapshot(state, args, digests, marks ?? new Map(), transfers);
  transfers?.take();
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
  const store = storeOf(state);
  if (!identifySmall(state, list) && runTogether(state)) return;
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

/** Sets what tells a job from others whose arguments are a few bytes; whether its key had to be computed, as it is looked for or is more than these. */
function identifySmall(state: JobState, list: string): boolean {
  const { name, keyVersion } = functionInfoOf(state);
  state.hasPlainKey = keyVersion === state.definition.version;
  const isKeyed = storeOf(state) !== undefined || !state.hasPlainKey;
  if (isKeyed) {
    setIdentity(state, { key: smallKey(name, keyVersion, list), list });
  } else state.identity = list;
  return isKeyed;
}

/** Lets a job run together with others, if nothing is the matter with it; whether it does. */
function runTogether(state: JobState): boolean {
  const { definition, options, scope } = state;
  if (state.nested || isDryRun || explainHook !== undefined) return false;
  if (asksMore(options) || isWorker()) return false;
  if (scope.parentOwner !== undefined) return false;
  const { cache, jobHandler } = options;
  if (cache && inFlight.find(definition, state.identity!)) return false;
  if (jobsWayOf(jobHandler)?.(state) !== true) return false;
  enter(state);
  outstanding.add(state);
  if (cache) inFlight.add(state);
  noteElsewhere(1);
  state.advance("queued");
  return true;
}

/** A job does not run together with others any more. */
export function leaveOthers(state: JobState): void {
  if (inFlight.delete(state) && inFlight.isEmpty) noteIdle();
  noteElsewhere(-1);
}

/** Takes in a job whose arguments are bytes already. */
export function submitEncoded(
  state: JobState,
  snapshot: ArgumentSnapshot,
): void {
  state.snapshot = snapshot;
  keepForRetry(state);
  for (const job of snapshot.upstream) job.becomeArgument();
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

function enter(state: JobState): void {
  state.scope.enter();
  if (!state.nested) return;
  // As where a worker knows it by its number: its result may stand among arguments also when it was taken.
  state.becomeArgument();
  const parent = state.scope.parentOwner;
  if (parent instanceof Execution) parent.adopt(state);
  if (state.scope.hasWaiters()) awaited.awaitWithScope(state);
}

/** Waits for the jobs among the arguments, then goes on with a key. */
export function afterUpstream(state: JobState): void {
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
  if (state.awaitedIn !== undefined) {
    for (const job of upstream) awaited.awaitWith(state, job);
    if (state.isSettled) return;
  }
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
    const small = takeSmall(state, snapshot);
    const args = small ?? decodeValue(snapshot.list, {
      job: (index) => snapshot.upstream[index],
      lend: true,
      root: "args",
      digests,
    }) as unknown[];
    if (small === undefined) {
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
    }
    if (storeOf(state) !== undefined) describe(state, args, digests);
  } catch (error) {
    // A large argument was written to, or a result among the arguments is lost.
    if (error instanceof ResultLostError) restartAfterLoss(state, error);
    else fail(state, "error", error as Error);
    return;
  }
  if (!lookUp(state, () => {})) execute(state);
}

/** Keeps arguments that have come as bytes like those that a program gives, and returns them, if they are only a few. */
function takeSmall(
  state: JobState,
  { list, upstream }: ArgumentSnapshot,
): unknown[] | undefined {
  if (upstream.length > 0 || list.leaves.length > 0) return undefined;
  if (state.options.permissions?.read !== undefined) return undefined;
  const { bytes } = list;
  if (bytes.length > SMALL_BYTES) return undefined;
  const args = readSmallArguments(bytes, 0, bytes.length);
  const small = args && smallArguments(args);
  if (small === undefined) return undefined;
  identifySmall(state, small);
  state.snapshot = new SmallArguments(small);
  return args;
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
  if (record === undefined) return false;
  if (!isWanted(state, record)) {
    state.hasStoredError = true;
    return false;
  }
  state.from = record.from;
  warnIfCodeDiffers(state, record.fn, store);
  if (state.wasLost) {
    return takeIfWhole(state, record.outcome, store.prepare(record));
  }
  const { recheck } = state.options;
  // A second run would write the files anew that the program has from the first.
  const isSampled = recheck > 0 && !isDryRun &&
    record.outcome.value.restoreFiles === undefined &&
    Math.random() < recheck;
  if (isSampled) {
    keep();
    const { snapshot } = state;
    recheckWhenIdle(
      async () => {
        const { runForComparison } = await import("./comparison.ts");
        await runForComparison(state, snapshot!, record);
      },
      () => !inFlight.isEmpty,
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

function isWanted(state: JobState, record: StoredRecord): boolean {
  const { cacheFailing, rerunFailing } = state.options;
  return record.outcome.status === "finished" ||
    (cacheFailing && !rerunFailing);
}

/** Joins the execution of the same key, or begins one. */
export function execute(state: JobState): void {
  if (explainHook !== undefined) tellMiss(state);
  let shared = state.options.cache ? sharedWith(state) : undefined;
  if (
    state.lateKey !== undefined && shared !== undefined &&
    !haveSameLeaves(state, shared.first)
  ) shared = undefined;
  // What runs with other permissions is not what the job asked for.
  if (!shared?.suits(state.options.permissions)) return begin(state);
  if (state.awaitedIn !== undefined && awaited.failInCircle(state, shared)) {
    return;
  }
  outstanding.add(state);
  shared.join(state);
  joined?.();
  if (state.nested) promote(state);
}

/** The execution under way that a job may join. */
function sharedWith({ definition, identity }: JobState): Execution | undefined {
  const found = inFlight.find(definition, identity!);
  if (!(found instanceof JobState)) return found;
  found.chunk!.spellOut(found);
  return found.execution;
}

/**
 * A running job waits for this one: neither it nor what it waits for may wait
 * for a slot in turn, which may be the one that the running job has.
 */
export function promote(state: JobState): void {
  // A list and no recursion: chains of jobs may be long.
  const chain = [state];
  for (const job of chain) {
    // Before that: it takes the place in the queue that the job had.
    job.chunk?.spellOut(job);
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
  if (queued.isOut || queued.nested || queued.isMoved) return;
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
export function enlist(state: JobState, paused = false): Execution {
  outstanding.add(state);
  const execution = new Execution(state, paused);
  if (state.options.cache) inFlight.add(execution);
  execution.handler = handlerOf(state.options.jobHandler);
  return execution;
}

export function fetchOrStart(execution: Execution, state: JobState): void {
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
  if (accept !== undefined) {
    accept(execution, settled as Settled);
    // While a worker begins.
    return lookAtCode(execution.first);
  }
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
  lookAtCode(execution.first);
}

/** A handler of this package has an Outcome. */
export function settled(execution: Execution, outcome: Outcome): void {
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

export function forget(execution: Execution): void {
  if (inFlight.delete(execution) && inFlight.isEmpty) noteIdle();
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
  const { name, files, reads, first: { options: { jobCache } } } = execution;
  let outcome = withUnchangedFiles(given, files, name, jobCache);
  outcome = reads?.whenUnchanged(outcome, name, jobCache) ?? outcome;
  if (outcome.status === "error" && outcome.lost) {
    const error = failureIn(outcome);
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
  const states = execution.end();
  if (states.length > 1) keepLeaves(outcome.value);
  for (const state of states) {
    if (!inBlobs) state.snapshot = undefined;
    const isMoving = inBlobs && states.length === 1 && state.isWantedOnce &&
      hasTransferred(outcome.value);
    const final = !inBlobs
      ? outcome
      : state.wasLost || isMoving
      ? memory.withParts(record!.outcome, outcome.value)
      : record!.outcome;
    settleByOutcome(state, final, false);
    // Whoever waits has it now, and others find it in the cache.
    if (isMoving) state.outcome = record!.outcome;
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

export function settleByOutcome(
  state: JobState,
  outcome: Outcome,
  hit: boolean,
): void {
  if (!state.settle({ outcome, hit })) return;
  if (outcome.status === "error") noteFailure(state);
}
