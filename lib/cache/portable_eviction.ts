/**
 * Makes room in a cache of the portable layout without looking at all of it: some
 * records are drawn by lot, and of those the worst go, until there is room.
 *
 * @module
 */

import type { BlobFiles } from "./blobs.ts";
import type { KnownRecord, KnownRecords } from "./known_records.ts";
import type { PortableBlobs } from "./portable_blobs.ts";
import { Discard } from "./portable_discard.ts";
import { infoOf, type PortableFolder } from "./portable_folder.ts";
import {
  blobsOfRecord,
  type FoundRecord,
  type PortableRecords,
} from "./portable_records.ts";
import { type Candidate, type PinSet, score } from "./victims.ts";

/** How many records are compared at a time. */
const DRAWN = 64;

/** One of so many of them goes. */
const WORST = 4;

/** After so long others in this program have their turn, in ms. */
const TURN_MS = 20;

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
  /** Called before others have their turn. */
  pause(): void;
  /** Called with what settles when the files of what was deleted are gone from `tmp`. */
  removing(done: Promise<void>): void;
}

/**
 * Deletes records with their blobs until `excess` bytes are freed, or all that is
 * left is pinned. A blob that several records may name stays until `gc`.
 *
 * @param known What need not be read.
 */
export async function evict(
  cache: Evictable,
  excess: number,
  known: KnownRecords,
  notes: EvictionNotes,
): Promise<void> {
  const discard = new Discard(cache.files);
  const turns = new Turns(cache.files.folder.path, notes);
  let freed = 0;
  for (let before = -1; freed < excess && freed > before;) {
    before = freed;
    freed += await evictOnce(
      cache,
      excess - freed,
      known,
      notes,
      turns,
      discard,
    );
  }
  notes.removing(discard.finish());
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
    ) freed += deleteRecord(cache, victimOf(found), now, files);
  }
  return { seen, freed };
}

/** A record that may go. */
interface Victim {
  readonly hex: string;
  /** SHA-256 of its blobs. */
  readonly blobs: readonly string[];
  readonly candidate: Candidate;
}

/** A record that was drawn, and how gladly it is given away. */
interface Drawn {
  readonly victim: Victim;
  readonly score: number;
}

/** Lets others have their turn from time to time. */
class Turns {
  readonly #path: string;
  readonly #notes: EvictionNotes;
  #since = performance.now();

  constructor(path: string, notes: EvictionNotes) {
    this.#path = path;
    this.#notes = notes;
  }

  /** Resolves when others have had it, if it was time. */
  async next(): Promise<void> {
    if (performance.now() - this.#since < TURN_MS) return;
    this.#notes.pause();
    await Deno.lstat(this.#path);
    this.#since = performance.now();
  }
}

/** Draws from each folder of records once; the bytes that were freed. */
async function evictOnce(
  cache: Evictable,
  excess: number,
  known: KnownRecords,
  notes: EvictionNotes,
  turns: Turns,
  discard: Discard,
): Promise<number> {
  const shards = shuffled(cache.files.shards("jobs"));
  const drawn: Drawn[] = [];
  let freed = 0;
  while (freed < excess && (shards.length > 0 || drawn.length > 0)) {
    while (shards.length > 0 && drawn.length < DRAWN) {
      await turns.next();
      drawn.push(...draw(cache, shards.pop()!, known));
    }
    drawn.sort((a, b) => b.score - a.score);
    const count = shards.length > 0
      ? Math.ceil(drawn.length / WORST)
      : drawn.length;
    const before = freed, now = Date.now();
    if (drawn.length > 0) notes.begin();
    for (const { victim } of drawn.splice(0, count)) {
      freed += deleteRecord(cache, victim, now, discard);
      known.forget(victim.hex);
      if (freed >= excess) break;
    }
    if (freed > before) notes.note(freed - before);
  }
  return freed;
}

function draw(
  { files, records, pins }: Evictable,
  shard: string,
  known: KnownRecords,
): Drawn[] {
  const now = Date.now();
  const drawn: Drawn[] = [];
  for (const hex of shuffled(files.digests("jobs", shard)).slice(0, DRAWN)) {
    const seen = known.find(hex);
    const found = seen === undefined ? records.find(hex) : undefined;
    const fn = seen?.fn ?? found?.file.fn;
    if (fn === undefined || pins.has(hex, fn)) continue;
    const victim = found === undefined
      ? unseen(hex, seen!)
      : victimOf(found, known);
    drawn.push({ victim, score: score(victim.candidate, now) });
  }
  return drawn;
}

/** What is known of a record whose file is not looked at. */
function unseen(
  hex: string,
  { size, storedAt, duration }: KnownRecord,
): Victim {
  const candidate = { bytes: size, usedAt: storedAt, duration };
  return { hex, blobs: [], candidate };
}

/** What was read of a record, which is remembered. */
function victimOf(
  { hex, file, size, usedAt }: FoundRecord,
  known?: KnownRecords,
): Victim {
  const { fn, storedAt, duration } = file;
  const blobs = blobsOfRecord(file);
  if (blobs.length === 0) known?.note(hex, { fn, size, storedAt, duration });
  const bytes = blobs.reduce((sum, { byteLength }) => sum + byteLength, size);
  return {
    hex,
    blobs: blobs.map(({ sha256 }) => sha256),
    candidate: { bytes, usedAt, duration },
  };
}

/** Deletes a record, and the blobs that nobody else names; the bytes that were freed. */
function deleteRecord(
  { records, blobs }: Evictable,
  victim: Victim,
  now: number,
  by: Pick<PortableFolder, "delete">,
): number {
  let freed = by.delete(records.path(victim.hex));
  if (freed === undefined) return 0;
  for (const sha256 of victim.blobs) {
    // What was found in this very ms may have been found after we looked.
    if (blobs.isShared(sha256)) continue;
    const bytes = blobs.delete(sha256, now - 1);
    freed += bytes;
    // Whoever counts deletes it then, unless another record came to name it.
    if (bytes === 0) blobs.abandon(sha256);
  }
  return freed;
}

function shuffled<T>(list: readonly T[]): T[] {
  const result = [...list];
  for (let i = result.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1));
    [result[i], result[j]] = [result[j]!, result[i]!];
  }
  return result;
}
