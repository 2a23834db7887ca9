/**
 * How many records refer to each blob, and when a blob's file may go.
 *
 * 1. A blob's file is written, or found, before a row of a record names it.
 * 2. The transaction that stores a record adds 1 to `refs` of each of its blobs.
 *    Where there was no row, or `refs` was 0, it looks whether the file is there;
 *    if it is not, nothing is stored, and all begins anew at 1.
 * 3. The transaction that deletes a record takes 1 away. A row with `refs` 0 stays,
 *    and so does its file.
 * 4. A later transaction that writes, and sees `refs` 0, deletes the file, then the
 *    row. One transaction writes at a time. So 2 comes before it, and `refs` is not
 *    0; or after it, and sees that the file is gone.
 * 5. Who is killed within 4 leaves a row with `refs` 0 and no file: what 2 looks for.
 * 6. 3 and 4 are never one transaction: were that undone after the file was deleted,
 *    the record would come back without it.
 * 7. A file without a row is of a writer that died between 1 and 2, or that is there
 *    now. Who deletes it does so as in 4, and 2 notices.
 * 8. Who has looked up a record before 3, and reads its blobs after 4, finds them
 *    gone: `ResultLostError`, and the job runs again.
 *
 * @module
 */

import type { BlobReference } from "./blob_reference.ts";
import type { CacheDatabase } from "./database.ts";
import type { BlobFiles } from "./blobs.ts";
import type { CacheFolder } from "./folder.ts";
import { blobsOf, type Body, decodeBody } from "./row.ts";
import { addToTotal, setTotal } from "./sqlite_totals.ts";

/** The blobs that a body refers to, each once. */
export function distinctBlobs(body: Body): BlobReference[] {
  const blobs = blobsOf(body);
  if (blobs.length < 2) return blobs;
  return [...new Map(blobs.map((blob) => [blob.sha256, blob])).values()];
}

/**
 * Counts a new record's references, within the transaction that stores it.
 *
 * @param folder Where the files are looked for; without it, they are not.
 * @returns Whether all files are there; if not, the transaction must be undone.
 */
export function link(
  database: CacheDatabase,
  body: Body,
  folder?: CacheFolder,
): boolean {
  for (const blob of distinctBlobs(body)) {
    const digest = blob.bytes.subarray(0, 32);
    const row = database.statement(
      "UPDATE blobs SET refs = refs + 1 WHERE digest = ? RETURNING refs",
    ).get(digest);
    if (row !== undefined && Number(row.refs) > 1) continue;
    const { byteLength } = blob;
    if (
      folder !== undefined && !isThere(folder.blob(blob.sha256), byteLength)
    ) {
      return false;
    }
    if (row === undefined) {
      database.statement("INSERT INTO blobs VALUES (?, ?, 1)")
        .run(digest, byteLength);
      addToTotal(database, "blob_bytes", byteLength);
    } else addToTotal(database, "unused_bytes", -byteLength);
  }
  return true;
}

/** Takes a record's references away, within the transaction that deletes it; the blobs that no record refers to now. */
export function unlink(database: CacheDatabase, body: Body): Uint8Array[] {
  const unused: Uint8Array[] = [];
  for (const blob of distinctBlobs(body)) {
    const digest = blob.bytes.subarray(0, 32);
    const row = database.statement(
      "UPDATE blobs SET refs = refs - 1 WHERE digest = ? AND refs > 0 RETURNING refs, bytes",
    ).get(digest);
    if (row === undefined || Number(row.refs) > 0) continue;
    addToTotal(database, "unused_bytes", Number(row.bytes));
    unused.push(digest);
  }
  return unused;
}

/** What must be known of a record to delete it; what is not known is looked up. */
export interface Doomed {
  readonly id: number;
  /** Whether it refers to blobs. */
  readonly refers?: boolean;
  /** Whether there is a row of `uses`. */
  readonly isUsed?: boolean;
}

/** Deletes a record with all that belongs to it, within a transaction; the blobs that no record refers to now. */
export function deleteRecord(
  database: CacheDatabase,
  { id, refers = true, isUsed = true }: Doomed,
): Uint8Array[] {
  const body = refers ? readBody(database, id) : undefined;
  const { changes } = database.statement("DELETE FROM records WHERE id = ?")
    .run(id);
  if (isUsed) database.statement("DELETE FROM uses WHERE id = ?").run(id);
  return body === undefined || changes === 0 ? [] : unlink(database, body);
}

/** Deletes records, within a transaction: those without blobs in one statement, as they are many; the blobs that no record refers to now. */
export function deleteRecords(
  database: CacheDatabase,
  doomed: readonly Required<Doomed>[],
): Uint8Array[] {
  const ids = (some: readonly Doomed[]) =>
    JSON.stringify(some.map(({ id }) => id));
  const plain = doomed.filter(({ refers }) => !refers);
  database.statement(
    "DELETE FROM records WHERE id IN (SELECT value FROM json_each(?))",
  ).run(ids(plain));
  const used = plain.filter(({ isUsed }) => isUsed);
  if (used.length > 0) {
    database.statement(
      "DELETE FROM uses WHERE id IN (SELECT value FROM json_each(?))",
    ).run(ids(used));
  }
  return doomed.filter(({ refers }) => refers)
    .flatMap((one) => deleteRecord(database, one));
}

/** The body of a record; `undefined` if it is gone or damaged, and what it refers to is not known: `gc` counts anew. */
function readBody(database: CacheDatabase, id: number): Body | undefined {
  const row = database.statement(
    "SELECT key, fn, body FROM records WHERE id = ?",
  ).get(id);
  return row?.key instanceof Uint8Array
    ? decodeBody(row.key, row.fn, row.body)
    : undefined;
}

/** Deletes the record of a key; whether there was one. */
export function deleteKey(
  database: CacheDatabase,
  key: Uint8Array,
  unless: () => boolean = () => false,
): boolean {
  return database.transact(() => {
    if (unless()) return false;
    const row = database.statement(
      "SELECT id FROM records WHERE key = ?",
    ).get(key);
    if (row === undefined) return false;
    deleteRecord(database, { id: Number(row.id) });
    return true;
  });
}

/** Deletes all records and what belongs to them, then all rows of blobs; their files are left to the caller. */
export function deleteAll(database: CacheDatabase): void {
  database.transact(() => {
    for (const table of ["records", "uses", "snapshots", "blobs"]) {
      database.connection.exec(`DELETE FROM ${table}`);
    }
    setTotal(database, "blob_bytes", 0);
    setTotal(database, "unused_bytes", 0);
  });
}

/** Blobs of a record that is being stored are gone: they must be written again. */
export class BlobsGoneError extends Error {}

/**
 * Stores a row and counts its references, in the place of an older one of its key.
 *
 * @throws {BlobsGoneError} if a blob is not there; nothing is stored then.
 */
export function putRow(
  database: CacheDatabase,
  body: Body,
  columns: readonly [
    key: Uint8Array,
    fn: number,
    body: Uint8Array,
    ...others: (number | Uint8Array)[],
  ],
  folder: CacheFolder,
): void {
  const insert = database.insert!;
  const isSmall = blobsOf(body).length === 0;
  if (isSmall && insert.run(...columns).changes === 1) return;
  database.transact(() => {
    deleteKey(database, columns[0]);
    if (!link(database, body, folder)) throw new BlobsGoneError();
    insert.run(...columns);
  });
}

/** Where blobs are, and who needs them. */
export interface BlobHome {
  readonly folder: CacheFolder;
  readonly blobs: BlobFiles;
}

/**
 * Deletes the files of blobs that no record refers to, in a transaction of its own, and
 * their rows; the number of files that were there, and the bytes freed. A blob that
 * jobs of this program need, and that is too much for memory, stays for the next time.
 */
export function sweepBlobs(
  database: CacheDatabase,
  digests: Iterable<Uint8Array>,
  { folder, blobs }: BlobHome,
): { count: number; bytes: number } {
  if (!isCurrent(database, folder)) return { count: 0, bytes: 0 };
  return database.transact(() => {
    let count = 0, bytes = 0;
    for (const digest of digests) {
      const row = database.statement(
        "SELECT bytes FROM blobs WHERE digest = ? AND refs = 0",
      ).get(digest);
      if (row === undefined) continue;
      const hex = digest.toHex();
      const path = folder.blob(hex);
      const isThere = infoOf(path) !== undefined;
      if (isThere && !blobs.release(hex) || !remove(path)) continue;
      database.statement("DELETE FROM blobs WHERE digest = ?").run(digest);
      addToTotal(database, "blob_bytes", -Number(row.bytes));
      addToTotal(database, "unused_bytes", -Number(row.bytes));
      bytes += Number(row.bytes);
      if (isThere) count++;
    }
    return { count, bytes };
  });
}

/** The same for all blobs that no record refers to. */
export function sweepUnused(
  database: CacheDatabase,
  home: BlobHome,
): { count: number; bytes: number } {
  const unused = database.statement("SELECT digest FROM blobs WHERE refs = 0")
    .all().map(({ digest }) => digest as Uint8Array);
  return sweepBlobs(database, unused, home);
}

/**
 * Deletes files that no row names, in a transaction of its own.
 *
 * @param isOld Whether a file may go.
 */
export function sweepFiles(
  database: CacheDatabase,
  files: Iterable<{ digest: string; path: string }>,
  folder: CacheFolder,
  isOld: (info: Deno.FileInfo) => boolean,
): { count: number; bytes: number } {
  if (!isCurrent(database, folder)) return { count: 0, bytes: 0 };
  return database.transact(() => {
    let count = 0, bytes = 0;
    for (const { digest, path } of files) {
      const row = database.statement("SELECT 1 FROM blobs WHERE digest = ?")
        .get(Uint8Array.fromHex(digest));
      const info = row === undefined ? infoOf(path) : undefined;
      if (info === undefined || !isOld(info) || !remove(path)) continue;
      bytes += info.size;
      count++;
    }
    return { count, bytes };
  });
}

/** Whether a database is that of its folder still: the records of a successor refer to the same files. */
function isCurrent(database: CacheDatabase, folder: CacheFolder): boolean {
  return folder.identity() === database.identity;
}

/** What is known of a file; `undefined` if it is gone. */
export function infoOf(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.statSync(path);
  } catch {
    return undefined;
  }
}

/** Whether a file of the right length is there. */
function isThere(path: string, byteLength: number): boolean {
  const info = infoOf(path);
  return info?.isFile === true && info.size === byteLength;
}

/** Deletes a file; whether it is gone now. */
export function remove(path: string): boolean {
  try {
    Deno.removeSync(path);
    return true;
  } catch (error) {
    return error instanceof Deno.errors.NotFound;
  }
}
