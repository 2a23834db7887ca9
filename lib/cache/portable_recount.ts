/**
 * Counts what a cache of files takes where no record is left that may go, although the
 * sums say that it is full. There are few records then, but for those that are pinned.
 *
 * @module
 */

import type { Evictable } from "./portable_eviction.ts";
import { infoOf } from "./portable_folder.ts";
import { blobsOfRecord } from "./portable_records.ts";

/** What a count came to. */
export interface Counted {
  /** Bytes of records, their blobs, and snapshots of code. */
  readonly bytes: number;
  /** Bytes of the pinned records with their blobs. */
  readonly pinned: number;
}

/**
 * Counts, and deletes the blobs of records that were deleted one by one. Other blobs
 * that no record names are about to be stored, and counted by those who do, or for `gc`.
 *
 * @param own The key of a record whose pin does not count.
 */
export function recount(cache: Evictable, own: string): Counted {
  const { files, records, blobs, blobFiles, pins } = cache;
  const named = new Set<string>();
  let bytes = 0, pinned = 0;
  for (const { hex, file, size } of records.all()) {
    const isPinned = hex !== own && pins.has(hex, file.fn);
    bytes += size;
    if (isPinned) pinned += size;
    for (const { sha256, byteLength } of blobsOfRecord(file)) {
      if (isPinned) pinned += byteLength;
      if (!named.has(sha256)) bytes += byteLength;
      named.add(sha256);
    }
  }
  for (const { digest, path } of blobFiles.files()) {
    const isAbandoned = !named.has(digest) &&
      infoOf(path)?.mtime?.getTime() === 0;
    if (isAbandoned) blobs.delete(digest, 0);
  }
  for (const digest of files.all("snapshots")) {
    bytes += infoOf(files.path("snapshots", digest))?.size ?? 0;
  }
  return { bytes, pinned };
}
