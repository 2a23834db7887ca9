/**
 * What handlers give: whether it is an Outcome at all, the error in it, and how it
 * gets into the cache.
 *
 * @module
 */

import type { Lease } from "./cache/lease.ts";
import type { NewRecord, StoredRecord } from "./cache/record.ts";
import { HitherError } from "./errors.ts";
import type { Execution } from "./execution.ts";
import { recordedCodeOf } from "./function_info.ts";
import type { JobState } from "./job_state.ts";
import { storeOf } from "./store_of.ts";
import type { Outcome } from "./task.ts";
import { contributionOf } from "./value/contribution.ts";
import { decodeValue } from "./value/decode.ts";
import { decodeThrown, encodeThrown, ThrownValue } from "./value/thrown.ts";

/** Whether it is what a handler of somebody's own is to give. */
export function isOutcome(outcome: Outcome | undefined): boolean {
  return (outcome?.status === "finished" || outcome?.status === "error") &&
    outcome.value?.bytes instanceof Uint8Array &&
    Array.isArray(outcome.value.leaves) && Array.isArray(outcome.console) &&
    typeof outcome.timing?.duration === "number";
}

/** Why a job fails whose handler has given something else. */
export function noOutcome({ handler, name, version }: Execution): TypeError {
  return new TypeError(
    `Cannot settle ${name} ${version} as what the job handler ${
      handler?.constructor.name ?? ""
    } resolved with is no Outcome: see docs/handlers.md`,
  );
}

/** A handler of somebody's own may break its promises; its jobs must not hang. */
export function brokenHandler(error: unknown): Outcome {
  return {
    status: "error",
    value: encodeThrown(error),
    console: [],
    timing: { startedAt: Date.now(), duration: 0 },
    lost: true,
  };
}

/** The error of a job that failed or was cancelled. */
export function errorOf(state: JobState): unknown {
  if (state.failure !== undefined) return state.failure.error;
  return state.outcome?.status === "error"
    ? thrownBy(state.outcome)
    : undefined;
}

/** Whether the function passed on that one of its own jobs ran out of time, was cancelled and the like: another time it may not. */
function isOfHither(outcome: Outcome): boolean {
  return thrownBy(outcome) instanceof HitherError;
}

/** The error of an outcome, or why it cannot be told. */
export function thrownBy({ value }: Outcome): unknown {
  try {
    return decodeThrown(value);
  } catch (error) {
    return error;
  }
}

/** The same, to be looked at here: nobody else is to get it. */
export function failureIn(outcome: Outcome): unknown {
  const { value } = outcome;
  return value instanceof ThrownValue ? value.error : thrownBy(outcome);
}

/** Stores an outcome in a job's cache, unless an earlier job of the execution has done so. */
export function storeOutcome(
  execution: Execution,
  state: JobState,
  outcome: Outcome,
): StoredRecord | undefined | Promise<StoredRecord | undefined> {
  const store = storeOf(state);
  if (store === undefined || execution.storedIn?.has(store)) return undefined;
  if (
    outcome.status === "error" &&
    (!state.options.cacheFailing || outcome.lost || isOfHither(outcome))
  ) return undefined;
  const code = recordedCodeOf(state);
  if (code === undefined) return undefined;
  (execution.storedIn ??= new Set()).add(store);
  const lease = execution.claim?.takeLease(store);
  return store.store(recordOf(state, code, outcome, lease));
}

function recordOf(
  state: JobState,
  code: Pick<NewRecord, "fn" | "snapshot">,
  outcome: Outcome,
  lease: Lease | undefined,
): NewRecord {
  return {
    key: state.keyBytes!,
    ...code,
    outcome: outcome.status === "finished" && outcome.contribution === undefined
      ? {
        ...outcome,
        contribution: contributionOf(
          decodeValue(outcome.value, { lend: true }),
        ),
      }
      : outcome,
    preview: state.description?.preview ?? "",
    parts: state.description?.parts ?? [],
    upstream: state.snapshot?.upstream.map((job) => job.key ?? "") ?? [],
    lease,
  };
}
