/**
 * `gc` of the portable layout: marks what the records need, and sweeps the rest.
 *
 * 1. All records are read: what each is worth, and which blobs and snapshots it names.
 * 2. Those that are too old go, then the worst until the rest fits; with each its
 *    blobs, so that who is killed leaves hardly any behind. Snapshots that they need, or
 *    that are too young to go, count for that.
 * 3. Blobs and snapshots that no record names go, unless somebody wrote or found
 *    them less than the grace period before 1 began: they are a running writer's.
 * 4. What is left is the new total, without the blobs that 3 spared and that nobody
 *    wrote or found since: no record goes in their place.
 *
 * @module
 */

import { infoOf, remove } from "./portable_folder.ts";
import type { Evictable } from "./portable_eviction.ts";
import { blobsOfRecord } from "./portable_records.ts";
import type { CollectOptions, CollectReport } from "./report.ts";
import { score } from "./victims.ts";
import { Work } from "./work.ts";

const GRACE_MS = 3_600_000;

/** Each time that so much of a cache is freed, that is noted. */
const NOTED_PART = 1 / 64;

/** What is remembered of a record. */
interface Marked {
  readonly hex: string;
  readonly code: string;
  readonly size: number;
  readonly bytes: number;
  readonly usedAt: number;
  readonly duration: number;
  readonly pinned: boolean;
  readonly blobs: readonly string[];
}

/** A blob, or a snapshot, that records name. */
interface Named {
  /** What is free when none of them is left. */
  bytes: number;
  records: number;
}

/** What `gc` came to. */
export interface PortableCollectReport {
  readonly report: CollectReport;
  /** Bytes that count for the limit from now on. */
  readonly counted: number;
  /** Bytes of the pinned records with their blobs. */
  readonly needed: number;
}

/**
 * Deletes what is over the limits, and what nothing refers to.
 *
 * @param noteFreed Is told from time to time how many bytes were freed of those that count for the limit.
 */
export async function collectPortable(
  { files, records, blobs, blobFiles, pins }: Evictable,
  { maxSize = Infinity, maxAge = Infinity, grace = GRACE_MS, ...options }:
    CollectOptions,
  noteFreed: (bytes: number) => void,
): Promise<PortableCollectReport> {
  blobs.recallAll();
  const begun = Date.now();
  const keys = [...records.keys()];
  const work = new Work(options, keys.length * 1.25);
  const marked: Marked[] = [];
  const named = new Map<string, Named>();
  for (const hex of keys) {
    const found = records.find(hex);
    if (found !== undefined) {
      const { file, size, usedAt } = found;
      const own = blobsOfRecord(file);
      let bytes = size;
      for (const { sha256, byteLength } of own) {
        const known = named.get(sha256);
        if (known !== undefined) known.records++;
        else named.set(sha256, { bytes: byteLength, records: 1 });
        bytes += byteLength;
      }
      marked.push({
        hex,
        code: file.fn.code,
        size,
        bytes,
        usedAt,
        duration: file.duration,
        pinned: pins.has(hex, file.fn),
        blobs: own.map(({ sha256 }) => sha256),
      });
    }
    await work.step();
  }

  const codes = new Map<string, Named>();
  for (const { code } of marked) {
    const use = codes.get(code);
    if (use !== undefined) use.records++;
    else codes.set(code, { bytes: 0, records: 1 });
  }
  let total = 0;
  for (const { size } of marked) total += size;
  for (const { bytes } of named.values()) total += bytes;
  for (const digest of files.all("snapshots")) {
    const info = infoOf(files.path("snapshots", digest));
    if (info === undefined) continue;
    const use = codes.get(digest);
    const isYoung = !isSettled(info, begun - grace);
    if (use !== undefined || isYoung) total += info.size;
    if (use !== undefined && !isYoung) use.bytes = info.size;
  }
  const noted = total * NOTED_PART;
  let unnoted = 0;
  marked.sort((a, b) => score(b, begun) - score(a, begun));
  const report = { records: 0, blobs: 0, bytes: 0 };
  const kept: Marked[] = [];
  for (const record of marked) {
    const isOld = begun - record.usedAt > maxAge;
    if (record.pinned || !isOld && total <= maxSize) {
      kept.push(record);
      continue;
    }
    const deleted = files.delete(records.path(record.hex));
    if (deleted === undefined) continue;
    report.records++;
    let freed = deleted;
    total -= record.size;
    const snapshot = codes.get(record.code)!;
    if (--snapshot.records === 0) total -= snapshot.bytes;
    for (const digest of record.blobs) {
      const blob = named.get(digest)!;
      if (--blob.records > 0) continue;
      total -= blob.bytes;
      // It is nobody's now, unless it was found again meanwhile.
      const bytes = blobs.delete(digest, begun - 1);
      if (bytes > 0) report.blobs++;
      freed += bytes;
    }
    report.bytes += freed;
    unnoted += freed;
    if (unnoted > noted) {
      noteFreed(unnoted);
      unnoted = 0;
    }
    await work.step();
  }

  let left = 0, spared = 0;
  for (const { size } of kept) left += size;
  for (const { digest, path } of blobFiles.files()) {
    const use = named.get(digest);
    const info = infoOf(path);
    if (info === undefined) continue;
    const isUsed = use !== undefined && use.records > 0;
    const freed = isUsed || !isSettled(info, begun - grace)
      ? 0
      : blobs.delete(digest, begun - grace);
    if (freed === 0) {
      left += info.size;
      if (!isUsed && isSettled(info, begun - 1)) spared += info.size;
    } else {
      report.blobs++;
      report.bytes += freed;
    }
    if (use?.records === 1 && isSettled(info, begun - grace)) {
      blobs.unshare(digest);
    }
    await work.step();
  }

  for (const digest of [...files.all("snapshots")]) {
    const path = files.path("snapshots", digest);
    const info = infoOf(path);
    if (info === undefined) continue;
    const isUsed = (codes.get(digest)?.records ?? 0) > 0;
    if (!isUsed && isSettled(info, begun - grace) && remove(path)) {
      report.bytes += info.size;
    } else left += info.size;
  }
  blobFiles.removeStale();
  work.finish();
  const needed = kept.filter(({ pinned }) => pinned)
    .reduce((sum, { bytes }) => sum + bytes, 0);
  return { report: { ...report, left }, counted: left - spared, needed };
}

/** Whether nobody has written or found a file after a time. */
function isSettled({ mtime }: Deno.FileInfo, time: number): boolean {
  return mtime !== null && mtime.getTime() <= time;
}
