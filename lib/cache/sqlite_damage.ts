/**
 * What becomes of damaged records and blobs of a cache in a database: they are set
 * aside, and one warning tells of it.
 *
 * @module
 */

import type { ResultLostError } from "../errors.ts";
import { deleteKey, deleteRecord } from "./blob_links.ts";
import type { BlobReference } from "./blob_reference.ts";
import type { BlobDamage, BlobFiles } from "./blobs.ts";
import type { DatabaseKeeper } from "./database_keeper.ts";
import { causeOf, DamageError } from "./failure.ts";
import type { CacheFolder } from "./folder.ts";
import type { Opened } from "./opened.ts";

/** A cache with damage. */
export interface DamagedDatabase {
  readonly keeper: DatabaseKeeper;
  readonly folder: CacheFolder;
  readonly blobs: BlobFiles;
}

/** Sets a bad blob aside, and deletes the record that needs it; what is thrown to who asked for it. */
export function loseBlob(
  cache: DamagedDatabase,
  key: Uint8Array<ArrayBuffer>,
  reference: BlobReference,
  damage: BlobDamage,
): ResultLostError {
  const path = cache.blobs.path(reference);
  dropBlob(cache, key, reference, path, damage);
  return damage.lossOf(path);
}

/** Deletes the damaged row of a key, a copy of it kept. */
export function discardRow(
  { keeper, folder }: DamagedDatabase,
  opened: Opened,
  key: Uint8Array<ArrayBuffer>,
  what: string,
): void {
  const { database } = opened;
  const { connection, schema, writable } = database;
  const { path } = folder;
  if (!writable) {
    keeper.warn(
      "row",
      `a record of the cache in ${path} is not used: ${what}`,
    );
    return;
  }
  const row = connection.prepare(
    `SELECT * FROM ${schema}.records WHERE key = ?`,
  ).get(key);
  if (row === undefined) return;
  if (!(row.key instanceof Uint8Array) || row.key.toHex() !== key.toHex()) {
    // The index of keys leads to another row: deleting by it would go wrong.
    throw new DamageError("its index of keys");
  }
  keeper.warn(
    "row",
    `a record of the cache in ${path} is not used and was moved to ${folder.quarantine}: ${what}`,
  );
  folder.keepRow(row);
  database.transact(() => deleteRecord(database, { id: row.id as number }));
}

function dropBlob(
  { keeper, blobs }: DamagedDatabase,
  key: Uint8Array<ArrayBuffer>,
  reference: BlobReference,
  path: string,
  damage: BlobDamage,
): void {
  // Another program has put it back since it was looked at.
  if (!damage.present && blobs.isThere(reference)) return;
  // Or has deleted the record, and the blob with it: a miss like others.
  const isDeleted = !damage.present &&
    keeper.attempt(({ database }) =>
      database.statement("SELECT 1 FROM records WHERE key = ?").get(key) ===
        undefined
    );
  if (isDeleted) return;
  const opened = keeper.open();
  if (opened === undefined || !opened.database.writable) {
    keeper.warn(path, `${path} ${damage.message}: its record is not used`);
    return;
  }
  let isGone = true;
  try {
    const target = damage.present ? blobs.setAside(reference) : undefined;
    keeper.warn(
      path,
      `${path} ${damage.message}${
        target === undefined ? "" : ` and was moved to ${target}`
      }: its job is run again`,
    );
  } catch (error) {
    isGone = false;
    keeper.warn(
      path,
      `${path} ${damage.message} and cannot be moved: ${causeOf(error)}`,
    );
  }
  // Another program may have stored it anew since, with its blobs first.
  keeper.attempt(({ database }) =>
    deleteKey(database, key, () => isGone && blobs.isThere(reference))
  );
}
