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
  /** Whether a record is there that may go. */
  readonly isMore: boolean;
}

/** A blob that nobody has written or found for so long, and no record names, is nobody's; in ms. */
const GRACE_MS = 3_600_000;

/**
 * Counts, and deletes the blobs of records that were deleted one by one, and others that
 * no record names if they are old. Those that are about to be stored count as well, so
 * that what nobody will ever store does.
 *
 * @param own The key of a record whose pin does not count.
 * @param beginDelete Called before something is deleted.
 * @param noteFreed Is told of bytes that were.
 */
export function recount(
  cache: Evictable,
  own: string,
  beginDelete: () => void,
  noteFreed: (bytes: number) => void,
): Counted {
  const { files, records, blobs, blobFiles, pins } = cache;
  const begun = Date.now();
  const named = new Set<string>();
  let bytes = 0, pinned = 0, isMore = false;
  for (const { hex, file, size } of records.all()) {
    const hasPin = pins.has(hex, file.fn);
    const isPinned = hex !== own && hasPin;
    if (!hasPin) isMore = true;
    bytes += size;
    if (isPinned) pinned += size;
    for (const { sha256, byteLength } of blobsOfRecord(file)) {
      if (isPinned) pinned += byteLength;
      if (!named.has(sha256)) bytes += byteLength;
      named.add(sha256);
    }
  }
  for (const { digest, path } of blobFiles.files()) {
    if (named.has(digest)) continue;
    const info = infoOf(path);
    if (info === undefined) continue;
    const written = info.mtime?.getTime() ?? begun;
    const isAbandoned = written === 0 && !blobs.isShared(digest);
    if (isAbandoned || written > 0 && written < begun - GRACE_MS) {
      beginDelete();
      const freed = blobs.delete(digest, isAbandoned ? 0 : begun - GRACE_MS);
      noteFreed(freed);
      if (freed > 0) continue;
    }
    bytes += info.size;
  }
  for (const digest of files.all("snapshots")) {
    bytes += infoOf(files.path("snapshots", digest))?.size ?? 0;
  }
  return { bytes, pinned, isMore };
}
