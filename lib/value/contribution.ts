/**
 * What a value contributes to a key, and the key itself.
 *
 * @module
 */

import type { LeafDigests } from "./encoded.ts";
import { Kind, kindOf } from "./kinds.ts";
import type { LeafMarks } from "./lent_leaf.ts";
import { Initial } from "./output.ts";
import { sha256 } from "./sha256.ts";
import { SMALL_BYTES, textOf, writeKeyHead } from "./small.ts";
import type { Transfers } from "./transfer.ts";
import { type ValueWriter, withWriter } from "./writer.ts";

/** How to find the contribution of a value. */
export interface ContributionOptions {
  /** How paths in messages begin: `"args"`, `"result"`. */
  root?: string;
  /** Called for objects of no known kind: what a job's result contributes. */
  job?: (node: object) => Uint8Array | undefined;
  /** Digests of binary leaves: known ones are used, computed ones added. */
  digests?: LeafDigests;
  /** Given where no key is needed, as in `WriterOptions`: the marks of very large leaves are added. */
  marks?: LeafMarks | undefined;
  /** As in `WriterOptions`. */
  transfers?: Transfers | undefined;
}

/**
 * The deterministic form of a value if it has at most 1,024 bytes, else a link to it.
 *
 * @throws {UnsupportedValueError} if some of it is not data.
 */
export function contributionOf(
  value: unknown,
  options: ContributionOptions = {},
): Uint8Array<ArrayBuffer> {
  return deterministic(options, "value", (writer) => {
    writer.write(value);
    return writer.out.copy();
  });
}

/** The canonical digest of a value, from its contribution. */
export function digestOf(contribution: Uint8Array): Uint8Array<ArrayBuffer> {
  return sha256(contribution);
}

/**
 * The key of a job: SHA-256 over what it is, the format, the function's name and
 * version, and its arguments without the `undefined` at their end.
 *
 * @throws {UnsupportedValueError} if some of an argument is not data.
 */
export function jobKey(
  name: string,
  version: string,
  args: readonly unknown[],
  options: ContributionOptions = {},
): Uint8Array<ArrayBuffer> {
  return identityOf(name, version, args, options).key;
}

/** What tells a job from others. */
export interface JobIdentity {
  readonly key: Uint8Array<ArrayBuffer>;
  /** The deterministic form of its argument list, a character for each byte, if it is small. */
  readonly list: string | undefined;
}

/** The key of a job, and what it comes from. Throws as `jobKey` does. */
export function identityOf(
  name: string,
  version: string,
  args: readonly unknown[],
  options: ContributionOptions = {},
): JobIdentity {
  return deterministic(options, "args", (writer) => {
    const { out } = writer;
    writeKeyHead(out, name, version);
    const start = out.length;
    writer.write(trimmed(args, options.job));
    const isSmall = out.length - start <= SMALL_BYTES;
    return {
      key: sha256(out.bytes.subarray(0, out.length)),
      list: isSmall ? textOf(out.bytes, start, out.length) : undefined,
    };
  });
}

function deterministic<T>(
  { root, job, digests, marks, transfers }: ContributionOptions,
  defaultRoot: string,
  use: (writer: ValueWriter) => T,
): T {
  return withWriter({
    root: root ?? defaultRoot,
    deterministic: true,
    job,
    digests,
    marks,
    relative: false,
    transfers,
  }, use);
}

function trimmed(
  args: readonly unknown[],
  job: ContributionOptions["job"],
): readonly unknown[] {
  let { length } = args;
  while (length > 0 && isUndefined(args[length - 1], job)) length--;
  return length === args.length ? args : args.slice(0, length);
}

/** Whether an argument is `undefined`, or a job whose result is. */
function isUndefined(
  argument: unknown,
  job: ContributionOptions["job"],
): boolean {
  if (argument === undefined) return true;
  if (job === undefined || typeof argument !== "object" || argument === null) {
    return false;
  }
  try {
    if (kindOf(argument) !== Kind.UNKNOWN) return false;
  } catch {
    // A Proxy that throws; the walk will say so.
    return false;
  }
  const contribution = job(argument);
  return contribution?.length === 1 && contribution[0] === Initial.UNDEFINED;
}
