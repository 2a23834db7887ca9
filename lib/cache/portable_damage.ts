/**
 * What becomes of damaged records and blobs of a cache of files: they are set aside,
 * and one warning tells of it.
 *
 * @module
 */

import type { ResultLostError } from "../errors.ts";
import type { BlobReference } from "./blob_reference.ts";
import type { BlobDamage, BlobFiles } from "./blobs.ts";
import { causeOf } from "./failure.ts";
import type { CacheFolder } from "./folder.ts";
import { infoOf, type PortableFolder, remove } from "./portable_folder.ts";
import type { PortableKeeper } from "./portable_keeper.ts";
import { type PortableRecords, RecordDamage } from "./portable_records.ts";

/** A cache with damage. */
export interface DamagedFiles {
  readonly keeper: PortableKeeper;
  readonly folder: CacheFolder;
  readonly files: PortableFolder;
  readonly records: PortableRecords;
  readonly blobs: BlobFiles;
}

/** Sets a bad blob aside, and deletes the record that needs it; what is thrown to who asked for it. */
export function loseBlob(
  cache: DamagedFiles,
  hex: string,
  reference: BlobReference,
  damage: BlobDamage,
): ResultLostError {
  const path = cache.blobs.path(reference);
  dropBlob(cache, hex, reference, path, damage);
  return damage.lossOf(path);
}

function dropBlob(
  { keeper, records, blobs }: DamagedFiles,
  hex: string,
  reference: BlobReference,
  path: string,
  damage: BlobDamage,
): void {
  // Another program has put it back since it was looked at.
  if (!damage.present && blobs.isThere(reference)) return;
  // Or has deleted the record, and the blob with it: a miss like others.
  const isDeleted = !damage.present &&
    keeper.attempt(() => infoOf(records.path(hex)) === undefined);
  if (isDeleted) return;
  if (keeper.open() !== "writable") {
    keeper.warn(path, `${path} ${damage.message}: its record is not used`);
    return;
  }
  try {
    const target = damage.present ? blobs.setAside(reference) : undefined;
    const moved = target === undefined ? "" : ` and was moved to ${target}`;
    keeper.warn(
      path,
      `${path} ${damage.message}${moved}: its job is run again`,
    );
  } catch (error) {
    keeper.warn(
      path,
      `${path} ${damage.message} and cannot be moved: ${causeOf(error)}`,
    );
  }
  keeper.attempt(() => remove(records.path(hex)));
}

/** Sets aside what is not the record of a key. */
export function refuseRecord(
  { keeper, folder, files, records }: DamagedFiles,
  hex: string,
  error: unknown,
): void {
  const { path } = folder;
  const record = `a record of the cache in ${path} is not used`;
  if (error instanceof RecordDamage && error.foreign) {
    keeper.warn("format", `${record}: it ${error.message}`);
    return;
  }
  const isDamaged = error instanceof RecordDamage;
  const what = isDamaged ? `it ${error.message}` : causeOf(error);
  if (keeper.state !== "writable") {
    keeper.warn("record", `${record}: ${what}`);
    return;
  }
  try {
    const file = records.path(hex);
    if (!isDamaged) {
      if (!files.evictIntruders(file)) keeper.warnUnreadable(error);
    } else if (folder.setFileAside(file, hex) !== undefined) {
      keeper.warn(
        "record",
        `${record} and was moved to ${folder.quarantine}: ${what}`,
      );
    }
  } catch (moving) {
    keeper.warn(
      "record",
      `${record} and cannot be moved (${causeOf(moving)}): ${what}`,
    );
  }
}
