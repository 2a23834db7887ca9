/**
 * What becomes of a record's value and its blobs as it is stored, in either layout.
 *
 * @module
 */

import { MemoryLeaf } from "../value/encoded.ts";
import type { DigestMemo } from "../value/file_digest.ts";
import type { BlobReference } from "./blob_reference.ts";
import type { BlobFiles } from "./blobs.ts";
import type { NewRecord } from "./record.ts";
import type * as ResultFiles from "./result_files.ts";
import type { Body } from "./row.ts";
import { filesOf } from "./stored_value.ts";

/** An encoded value longer than this is a blob, in bytes. */
const DOCUMENT_BYTES = 65_536;

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
