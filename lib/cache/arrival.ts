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

/** What came is not what it must be; the message continues "… sent ". */
export class BadArrival extends Error {}

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
 * Writes the blobs of an arrival; whether they are all there now.
 *
 * @param report Told what the disk did not allow.
 * @throws {BadArrival} if a blob is not what the record says; what `arrival.blob` throws.
 */
export async function storeBlobs(
  { file, blob }: Arrival,
  blobs: BlobFiles,
  report: (cause: unknown) => void,
): Promise<boolean> {
  for (const reference of blobsOf(file.body)) {
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
  }
  return true;
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
