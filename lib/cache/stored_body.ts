/**
 * What becomes of a record's value and its blobs as it is stored, in either layout.
 *
 * @module
 */

import { type Leaf, MemoryLeaf } from "../value/encoded.ts";
import type { DigestMemo } from "../value/file_digest.ts";
import { sha256Hex } from "../value/sha256.ts";
import { distinctBlobs } from "./blob_links.ts";
import { BlobReference, StoredFile } from "./blob_reference.ts";
import type { BlobFiles } from "./blobs.ts";
import type { NewRecord } from "./record.ts";
import type * as ResultFiles from "./result_files.ts";
import type { Body } from "./row.ts";
import { filesOf } from "./stored_value.ts";

/** An encoded value longer than this is a blob, in bytes. */
const DOCUMENT_BYTES = 65_536;

/** Stands for one that is not known: no blob has it. */
const NO_DIGEST = "0".repeat(64);

/** Where the blobs of a record go. */
interface BlobHome {
  readonly blobs: BlobFiles;
  loadResultFiles(): Promise<typeof ResultFiles>;
}

/** Whether an encoded value is kept in a blob. */
export function isBlobDocument(bytes: Uint8Array): boolean {
  return bytes.length > DOCUMENT_BYTES;
}

/** Whether some of a record is kept in blobs. */
export function needsBlobs(record: NewRecord): boolean {
  const { leaves, bytes } = record.outcome.value;
  return leaves.length > 0 || isBlobDocument(bytes) ||
    filesOf(record).length > 0;
}

/** What a record contributes to keys; an error contributes nothing. */
export function contributionOf({ outcome }: NewRecord): Uint8Array | undefined {
  return outcome.status === "finished" ? outcome.contribution : undefined;
}

/** Writes the blobs of a record and gives its body. */
export async function writeBlobs(
  record: NewRecord,
  home: BlobHome,
  memo: DigestMemo,
): Promise<Body> {
  const { blobs } = home;
  const { status, value } = record.outcome;
  const files = filesOf(record);
  for (let evicted = false;; evicted = true) {
    try {
      const leaves: BlobReference[] = [];
      for (const leaf of value.leaves) leaves.push(await blobs.write(leaf));
      const document = isBlobDocument(value.bytes)
        ? await blobs.write(new MemoryLeaf(value.bytes))
        : value.bytes;
      return {
        status,
        contribution: contributionOf(record),
        leaves,
        document,
        files: files.length === 0
          ? undefined
          : await (await home.loadResultFiles()).storeFiles(files, blobs, memo),
      };
    } catch (error) {
      // A file may stand where a folder should be.
      if (evicted || !blobs.evictIntruders()) throw error;
    }
  }
}

/**
 * What the body of a record will be, its blobs with digests as far as they are known,
 * and the bytes of those that are not there.
 */
export function expectedBody(
  record: NewRecord,
  blobs: BlobFiles,
): { body: Body; bytes: number } {
  const { value, status } = record.outcome;
  let bytes = 0;
  const refer = (size: number, sha256 = NO_DIGEST): BlobReference => {
    const reference = BlobReference.of(sha256, undefined, size);
    if (!blobs.isThere(reference)) bytes += size;
    return reference;
  };
  const body: Body = {
    status,
    contribution: contributionOf(record),
    leaves: value.leaves.map((leaf) => refer(leaf.byteLength, digestOf(leaf))),
    document: isBlobDocument(value.bytes)
      ? refer(value.bytes.length)
      : value.bytes,
    files: filesOf(record).map(({ kind, path, size, digest }) =>
      new StoredFile(
        path,
        kind === "file" ? refer(size, digest) : undefined,
        false,
      )
    ),
  };
  return { body, bytes };
}

/** Bytes of the blobs of a record from elsewhere that are not there. */
export function bytesToCome(body: Body, blobs: BlobFiles): number {
  return distinctBlobs(body)
    .filter((blob) => !blobs.isThere(blob))
    .reduce((sum, { byteLength }) => sum + byteLength, 0);
}

/** The digest of a leaf, which is remembered where that can be. */
function digestOf(leaf: Leaf): string {
  if (leaf.digest !== undefined) return leaf.digest;
  const digest = sha256Hex(leaf.peek());
  if (leaf instanceof MemoryLeaf) leaf.digest = digest;
  return digest;
}
