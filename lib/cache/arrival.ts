/**
 * Records that come from another cache, on their way into this one.
 *
 * @module
 */

import { MemoryLeaf } from "../value/encoded.ts";
import { sha256Hex } from "../value/sha256.ts";
import type { BlobReference } from "./blob_reference.ts";
import type { BlobFiles } from "./blobs.ts";
import type { Arrival, NewRecord } from "./record.ts";
import { blobsOf } from "./row.ts";
import { loadXxh3 } from "./xxh3.ts";

/** Blobs that are fetched at a time, and their bytes; a larger one comes alone. */
const MOST_AT_ONCE = 16;
const BYTES_AT_ONCE = 33_554_432;

/** What came is not what it must be; the message continues "... sent ". */
export class BadArrival extends Error {}

/** A server does not answer as it must. */
export class NoAnswer extends Error {
  /** Whether it would be the same the next time. */
  readonly isFinal: boolean;

  constructor(message: string, isFinal = false) {
    super(message);
    this.isFinal = isFinal;
  }
}

/** An arrival as a record of this program; its value is in the body alone. `undefined` if its details are damaged. */
export function recordOfArrival(
  { file, snapshot }: Arrival,
): NewRecord | undefined {
  const details = file.details();
  if (details === undefined) return undefined;
  const { timing, console, preview, parts, upstream } = details;
  const { status, contribution } = file.body;
  const common = { value: NO_VALUE, console, timing };
  return {
    key: file.key,
    fn: file.fn,
    outcome: status === "finished" && contribution !== undefined
      ? { status: "finished", contribution, ...common }
      : { status: "error", ...common },
    preview,
    parts,
    upstream,
    snapshot,
  };
}

const NO_VALUE = { bytes: new Uint8Array(0), leaves: [] };

/**
 * Writes the blobs of an arrival that are not there; whether they are all there now.
 *
 * @param report Told what the disk did not allow.
 * @throws {BadArrival} if a blob is not what the record says; what `arrival.blob` throws.
 */
export async function storeBlobs(
  arrival: Arrival,
  blobs: BlobFiles,
  report: (cause: unknown) => void,
): Promise<boolean> {
  await loadXxh3();
  for (const batch of batchesOf(blobsOf(arrival.file.body))) {
    const done = await Promise.allSettled(
      batch.map((reference) => storeBlob(arrival, reference, blobs, report)),
    );
    const failed = done.find(({ status }) => status === "rejected");
    if (failed !== undefined) throw (failed as PromiseRejectedResult).reason;
    if (!done.every((each) => "value" in each && each.value)) return false;
  }
  return true;
}

/** Blobs, each once, in parts that are in memory at the same time. */
function* batchesOf(
  references: readonly BlobReference[],
): Iterable<BlobReference[]> {
  const each = new Map(references.map((blob) => [blob.sha256, blob]));
  let batch: BlobReference[] = [];
  let bytes = 0;
  for (const reference of each.values()) {
    const { byteLength } = reference;
    if (
      batch.length === MOST_AT_ONCE ||
      (batch.length > 0 && bytes + byteLength > BYTES_AT_ONCE)
    ) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(reference);
    bytes += byteLength;
  }
  if (batch.length > 0) yield batch;
}

async function storeBlob(
  { blob }: Arrival,
  reference: BlobReference,
  blobs: BlobFiles,
  report: (cause: unknown) => void,
): Promise<boolean> {
  if (isThere(blobs, reference)) return true;
  const bytes = await blob(reference);
  let written: BlobReference;
  try {
    written = await blobs.write(new MemoryLeaf(bytes, reference.sha256));
  } catch (error) {
    report(error);
    return false;
  }
  const [given, right] = [reference.xxh3, written.xxh3];
  // Either may be absent, where the hasher could not be loaded.
  if (given && right && given.toHex() !== right.toHex()) {
    throw new BadArrival("a wrong checksum of a blob");
  }
  return true;
}

/** Whether a blob is there and is, by the checksum of the arrival, what it must be. */
function isThere(blobs: BlobFiles, reference: BlobReference): boolean {
  try {
    return blobs.has(reference) && blobs.read(reference) !== undefined;
  } catch {
    return false;
  }
}

/**
 * Checks the bytes of a blob that comes from elsewhere.
 *
 * @throws {BadArrival} if they are not what the reference says.
 */
export function checkBlob(
  bytes: Uint8Array<ArrayBuffer>,
  reference: BlobReference,
): Uint8Array<ArrayBuffer> {
  if (
    bytes.length !== reference.byteLength ||
    sha256Hex(bytes) !== reference.sha256
  ) {
    throw new BadArrival(`a blob that is not ${reference.sha256}`);
  }
  return bytes;
}
