/**
 * Makes room in a cache of the portable layout without looking at all of it: some
 * records are drawn by lot, and of those the worst go, until there is room.
 *
 * @module
 */

import type { BlobFiles } from "./blobs.ts";
import type { PortableBlobs } from "./portable_blobs.ts";
import { infoOf, type PortableFolder, remove } from "./portable_folder.ts";
import {
  blobsOfRecord,
  type FoundRecord,
  type PortableRecords,
} from "./portable_records.ts";
import { type PinSet, score } from "./victims.ts";

/** How many records are compared at a time. */
const DRAWN = 64;

/** One of so many of them goes. */
const WORST = 4;

/** What eviction works on. */
export interface Evictable {
  readonly files: PortableFolder;
  readonly records: PortableRecords;
  readonly blobs: PortableBlobs;
  readonly blobFiles: BlobFiles;
  readonly pins: PinSet;
}

/** Who is told of what goes. */
export interface EvictionNotes {
  /** Called before something is deleted. */
  begin(): void;
  /** Called with the bytes that were freed since. */
  note(bytes: number): void;
}

/**
 * Deletes records with their blobs until `excess` bytes are freed, or all that is
 * left is pinned. A blob that several records may name stays until `gc`.
 *
 * @param spared The key of a record that stays.
 */
export async function evict(
  cache: Evictable,
  excess: number,
  spared: string | undefined,
  notes: EvictionNotes,
): Promise<void> {
  let freed = 0;
  const counting = {
    begin: () => notes.begin(),
    note: (bytes: number) => {
      freed += bytes;
      notes.note(bytes);
    },
  };
  for (let before = -1; freed < excess && freed > before;) {
    before = freed;
    await evictOnce(cache, excess - freed, spared, counting);
  }
}

/**
 * Deletes the records of a folder of `jobs` that were not used since `oldest`, in ms
 * since the epoch; how many were looked at, and the bytes that were freed.
 */
export function expire(
  cache: Evictable,
  shard: string,
  oldest: number,
): { seen: number; freed: number } {
  const { files, records, pins } = cache;
  const now = Date.now();
  let seen = 0, freed = 0;
  for (const hex of files.digests("jobs", shard)) {
    seen++;
    // Written when it was stored, so that is enough for most.
    const touched = infoOf(records.path(hex))?.mtime?.getTime() ?? now;
    const found = touched < oldest ? records.find(hex) : undefined;
    if (
      found !== undefined && found.usedAt < oldest &&
      !pins.has(hex, found.file.fn)
    ) freed += deleteRecord(cache, found, now);
  }
  return { seen, freed };
}

/** Draws from each folder of records once. */
async function evictOnce(
  cache: Evictable,
  excess: number,
  spared: string | undefined,
  notes: EvictionNotes,
): Promise<void> {
  const shards = shuffled(cache.files.shards("jobs"));
  const drawn: FoundRecord[] = [];
  let freed = 0;
  while (freed < excess && (shards.length > 0 || drawn.length > 0)) {
    while (shards.length > 0 && drawn.length < DRAWN) {
      drawn.push(...await draw(cache, shards.pop()!, spared));
    }
    const now = Date.now();
    drawn.sort((a, b) => score(candidate(b), now) - score(candidate(a), now));
    const count = shards.length > 0
      ? Math.ceil(drawn.length / WORST)
      : drawn.length;
    const before = freed;
    if (drawn.length > 0) notes.begin();
    for (const victim of drawn.splice(0, count)) {
      freed += deleteRecord(cache, victim, now);
      if (freed >= excess) break;
    }
    if (freed > before) notes.note(freed - before);
  }
}

async function draw(
  { files, records, pins }: Evictable,
  shard: string,
  spared: string | undefined,
): Promise<FoundRecord[]> {
  // Others have their turn in between.
  await Deno.lstat(files.folder.path);
  return shuffled(files.digests("jobs", shard))
    .filter((hex) => hex !== spared)
    .slice(0, DRAWN)
    .map((hex) => records.find(hex))
    .filter((found) =>
      found !== undefined && !pins.has(found.hex, found.file.fn)
    ) as FoundRecord[];
}

/** Deletes a record, and the blobs that nobody else names; the bytes that were freed. */
export function deleteRecord(
  { records, blobs }: Evictable,
  victim: FoundRecord,
  now: number,
): number {
  if (!remove(records.path(victim.hex))) return 0;
  let freed = victim.size;
  for (const { sha256 } of blobsOfRecord(victim.file)) {
    // What was found in this very ms may have been found after we looked.
    if (blobs.isShared(sha256)) continue;
    const bytes = blobs.delete(sha256, now - 1);
    freed += bytes;
    // Whoever counts deletes it then, unless another record came to name it.
    if (bytes === 0) blobs.abandon(sha256);
  }
  return freed;
}

/** What decides about a record. */
function candidate({ file, size, usedAt }: FoundRecord) {
  const bytes = blobsOfRecord(file)
    .reduce((sum, { byteLength }) => sum + byteLength, size);
  return { bytes, usedAt, duration: file.duration };
}

function shuffled<T>(list: readonly T[]): T[] {
  const result = [...list];
  for (let i = result.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1));
    [result[i], result[j]] = [result[j]!, result[i]!];
  }
  return result;
}
