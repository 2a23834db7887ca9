/**
 * What a job is: its key, by which the cache and equal jobs know it, and its arguments
 * as they are kept until it has run.
 *
 * @module
 */

import defer * as declaredReads from "./declared_reads.ts";
import { functionInfoOf, valuePartsOf } from "./function_info.ts";
import { JobState, stateOf } from "./job_state.ts";
import { storeOf } from "./store_of.ts";
import {
  contributionOf,
  identityOf,
  type JobIdentity,
} from "./value/contribution.ts";
import { decodeValue } from "./value/decode.ts";
import { encodeValue } from "./value/encode.ts";
import type { LeafDigests } from "./value/encoded.ts";
import { type LeafMarks, LentLeaf } from "./value/lent_leaf.ts";
import { keyParts } from "./value/parts.ts";
import { previewOf } from "./value/preview.ts";
import { InPlaceLeaf } from "./value/in_place.ts";
import {
  keepLeaves,
  TransferredLeaf,
  type Transfers,
} from "./value/transfer.ts";

/** In place of what a job contributes that has no result yet. */
export const NOT_YET: Uint8Array<ArrayBuffer> = new Uint8Array(0);

/** What tells a job from others, from its arguments; `job` gives what one among them contributes. */
export function identify(
  state: JobState,
  args: readonly unknown[],
  digests: LeafDigests,
  job: (node: object) => Uint8Array | undefined,
  marks?: LeafMarks,
  transfers?: Transfers,
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
  return identityOf(name, version, args, {
    root: "args",
    job,
    digests,
    marks,
    transfers,
  });
}

/** Whether the key of a job is looked for, or is more than its function and its arguments. */
export function needsKey(state: JobState): boolean {
  return storeOf(state) !== undefined ||
    state.options.permissions?.read !== undefined ||
    functionInfoOf(state).keyVersion !== state.definition.version;
}

/** Lets the key be computed if somebody asks, as long as the large arguments are there and as they were. */
export function setLateKey(state: JobState): void {
  const { definition: { name, version }, snapshot } = state;
  const { bytes, leaves } = snapshot!.list;
  const list = {
    bytes,
    leaves: leaves.map((leaf) =>
      leaf instanceof LentLeaf || leaf instanceof TransferredLeaf ||
        leaf instanceof InPlaceLeaf
        ? leaf.weakly()
        : leaf
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
export function haveSameLeaves(one: JobState, other: JobState): boolean {
  const others = other.snapshot!.list.leaves;
  return one.snapshot!.list.leaves.every((leaf, i) => {
    const counterpart = others[i];
    if (leaf instanceof InPlaceLeaf) {
      return counterpart instanceof InPlaceLeaf &&
        leaf.hasBytesOf(counterpart);
    }
    return leaf instanceof LentLeaf && counterpart instanceof LentLeaf &&
      leaf.hasBytesOf(counterpart);
  });
}

/** Takes down the key of a job, and what makes it the same as others. */
export function setIdentity(state: JobState, { key, list }: JobIdentity): void {
  state.keyBytes = key;
  // With another version in the key it is another job.
  const isPlain = state.reads === undefined &&
    functionInfoOf(state).keyVersion === state.definition.version;
  state.identity = isPlain && list !== undefined ? list : state.key!;
}

/** Keeps the arguments as they are now: small parts as bytes, large leaves by their digest. */
export function takeSnapshot(
  state: JobState,
  args: readonly unknown[],
  digests: LeafDigests,
  marks?: LeafMarks,
  transfers?: Transfers,
): void {
  if (state.snapshot !== undefined) return;
  const upstream = new Map<JobState, number>();
  const list = encodeValue(args, {
    root: "args",
    leaves: "lend",
    digests,
    marks,
    transfers,
    inPlace: true,
    job(node) {
      const job = stateOf(node);
      if (job === undefined) return undefined;
      const index = upstream.get(job) ?? upstream.size;
      upstream.set(job, index);
      return index;
    },
  });
  state.snapshot = { list, upstream: [...upstream.keys()] };
  keepForRetry(state);
  if (storeOf(state) !== undefined) describe(state, args, digests);
}

/** What may be tried again needs its arguments until then. */
export function keepForRetry({ options, snapshot }: JobState): void {
  if (options.retry !== null) keepLeaves(snapshot!.list);
}

/** Takes down what the cache keeps of the arguments. */
export function describe(
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

/** What a finished job contributes to a key; `undefined` if it is not finished. */
export function contributionOfJob(state: JobState): Uint8Array | undefined {
  const { outcome } = state;
  if (outcome?.status !== "finished") return undefined;
  return state.contribution ??= outcome.contribution ??
    contributionOf(decodeValue(outcome.value, { lend: true }));
}
