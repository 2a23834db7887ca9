/**
 * `gc` of a cache in a database. In this order:
 *
 * 1. References to blobs are counted anew, wrong counts put right, and blobs that no
 *    record refers to deleted, so that they cost no records.
 * 2. Records that were not used for longer than `maxAge` are deleted.
 * 3. Victims are deleted until the cache takes no more than `maxSize`. Blobs of deleted
 *    records go at once.
 * 4. Blobs that others ceased to refer to meanwhile go, and files that no row names, if
 *    nobody wrote them for the time of grace: those of a writer that is there now.
 * 5. Snapshots and uses of records that are gone go.
 * 6. The file shrinks if much of it is free.
 *
 * Each step is made of short transactions, between which other programs store.
 *
 * @module
 */

import { sweepBlobs, sweepFiles } from "./blob_links.ts";
import type { CacheDatabase } from "./database.ts";
import { failureOf } from "./failure.ts";
import { overLimit } from "./limits.ts";
import type { Maintained } from "./maintenance.ts";
import { recountReferences } from "./recount.ts";
import type { CollectOptions, CollectReport } from "./report.ts";
import { Evictor } from "./sqlite_eviction.ts";
import { readPins } from "./sqlite_pins.ts";
import { Shrinker } from "./sqlite_shrink.ts";
import { countRecords, usedBytes } from "./sqlite_totals.ts";
import { PinSet } from "./victims.ts";
import { Work } from "./work.ts";

/** How long a file that no row names is spared after it was written, in ms, if nothing else is asked for. */
const GRACE_MS = 3_600_000;

/** Rows, blobs and files looked at in one transaction. */
const ROWS = 4_096, BLOBS = 64, FILES = 256;

/** A file of which a quarter is free shrinks, if what is in it is no more than this. */
const VACUUM_BYTES = 268_435_456;

/** Deletes what is over the limits, and what nothing refers to. */
export async function collect(
  store: Maintained,
  options: CollectOptions,
): Promise<CollectReport> {
  const {
    maxSize = store.limits.maxSize,
    maxAge = store.limits.maxAge,
    grace = GRACE_MS,
  } = options;
  const change = <R>(action: (database: CacheDatabase) => R): R =>
    store.change(({ database }) => database.patiently(() => action(database)));
  const before = change(usedBytes);
  const counts = change(countRecords);
  const work = new Work(
    options,
    2 * counts.records / ROWS + counts.blobs / BLOBS + 4,
  );
  const evictor = new Evictor(
    { ...store.limits, maxSize, maxAge },
    store,
    store.warn,
  );
  const shrinker = maxSize === undefined
    ? undefined
    : new Shrinker(evictor, maxSize, ({ database }) => compact(database));
  const patiently = <R>(action: Parameters<typeof store.change<R>>[0]): R =>
    store.change((opened) => opened.database.patiently(() => action(opened)));
  // What no record needs must not cost records.
  await recountReferences(store, work);
  let blobs = await collectUnused(store, work);
  change((database) => database.useLargeCache(true));
  try {
    if (maxAge !== undefined) {
      while (!patiently((opened) => evictor.expire(opened, ROWS))) {
        await work.step();
      }
    }
    if (shrinker !== undefined) {
      while (!patiently((opened) => shrinker.step(opened))) await work.step();
    }
  } finally {
    change((database) => database.useLargeCache(false));
  }
  const isOld = ({ mtime }: Deno.FileInfo): boolean =>
    Date.now() - (mtime?.getTime() ?? 0) >= grace;
  blobs += evictor.evicted.blobs;
  blobs += await collectUnused(store, work);
  blobs += await collectFiles(store, work, isOld);
  store.blobs.removeStale();
  patiently(({ database, interned }) => {
    deleteLeftOvers(database);
    interned.forget();
  });
  change(shrinkFile);
  const left = change(usedBytes);
  if (maxSize !== undefined && shrinker?.isStuck && left > maxSize) {
    const hasPins = change((database) =>
      !new PinSet(readPins(database), store.limits.keep).isEmpty
    );
    store.warn(overLimit(store.folder.path, left, maxSize, hasPins));
  }
  work.finish();
  return {
    records: evictor.evicted.records,
    blobs,
    bytes: Math.max(before - left, 0),
    left,
  };
}

type IsOld = (info: Deno.FileInfo) => boolean;

/** Deletes the blobs that no record refers to; how many. */
async function collectUnused(
  store: Maintained,
  work: Work,
): Promise<number> {
  const unused = store.change(({ database }) =>
    database.statement("SELECT digest FROM blobs WHERE refs = 0").all()
      .map(({ digest }) => digest as Uint8Array)
  );
  let count = 0;
  for (const some of chunks(unused, BLOBS)) {
    count += store.change(({ database }) =>
      database.patiently(() =>
        sweepBlobs(database, some, store)
      )
    ).count;
    await work.step();
  }
  return count;
}

/** Deletes the files that no row names; how many. */
async function collectFiles(
  store: Maintained,
  work: Work,
  isOld: IsOld,
): Promise<number> {
  let count = 0;
  for (const files of chunks(store.blobs.files(), FILES)) {
    const nameless = store.change(({ database }) =>
      files.filter(({ digest }) =>
        database.statement("SELECT 1 FROM blobs WHERE digest = ?")
          .get(Uint8Array.fromHex(digest)) === undefined
      )
    );
    if (nameless.length > 0) {
      count += store.change(({ database }) =>
        database.patiently(() =>
          sweepFiles(database, nameless, store.folder, isOld)
        )
      ).count;
    }
    await work.step();
  }
  return count;
}

/** Deletes what belonged to records that are gone. Functions stay: programs remember their numbers. */
function deleteLeftOvers(database: CacheDatabase): void {
  const { connection } = database;
  connection.exec("DELETE FROM uses WHERE id NOT IN (SELECT id FROM records)");
  connection.exec(
    `DELETE FROM snapshots WHERE lower(hex(digest)) NOT IN
    (SELECT code FROM functions WHERE id IN (SELECT DISTINCT fn FROM records))`,
  );
}

/** Gives the free pages of the file back, if they are many. */
function shrinkFile(database: CacheDatabase): void {
  const free = pragma(database, "freelist_count");
  if (free * 4 > pragma(database, "page_count")) compact(database);
  attempt(() => database.connection.exec("PRAGMA wal_checkpoint(TRUNCATE)"));
}

/** Gives all room back that is free in the file, if the rest is not too much to copy; whether that was done. */
function compact(database: CacheDatabase): boolean {
  const used = pragma(database, "page_count") -
    pragma(database, "freelist_count");
  return used * pragma(database, "page_size") <= VACUUM_BYTES &&
    attempt(() => database.connection.exec("VACUUM"));
}

function pragma({ connection }: CacheDatabase, name: string): number {
  return Number(connection.prepare(`PRAGMA ${name}`).get()?.[name]);
}

/** Does what can be left undone; whether it was done. */
function attempt(action: () => void): boolean {
  try {
    action();
    return true;
  } catch (error) {
    // Others are at it, or the disk is full: the pages are used again all the same.
    if (failureOf(error) === "damage") throw error;
    return false;
  }
}

function* chunks<T>(items: Iterable<T>, size: number): Iterable<T[]> {
  let chunk: T[] = [];
  for (const item of items) {
    chunk.push(item);
    if (chunk.length < size) continue;
    yield chunk;
    chunk = [];
  }
  if (chunk.length > 0) yield chunk;
}
