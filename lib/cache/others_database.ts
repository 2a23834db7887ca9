/**
 * A `cache.sqlite` that another program has made: it is refused, and stays as it is,
 * as nothing in it is ours to set aside or to delete.
 *
 * @module
 */

import defer * as sqlite from "node:sqlite";
import type { DatabaseSync } from "node:sqlite";
import type { CacheFolder } from "./folder.ts";
import { attachImmutable } from "./immutable.ts";
import { isOthers } from "./schema.ts";

/** The database is another program's; the message continues "... as ". */
export class OthersDatabaseError extends Error {
  constructor(path: string) {
    super(
      `${path} is a SQLite database of another program, of which nothing was changed: name another folder for the cache, or move that file away`,
    );
  }
}

type Looked = [connection: DatabaseSync, schema: "main" | "cache"];

/**
 * Looks at an open database before anything is written to it.
 *
 * @throws {OthersDatabaseError} if it is another program's.
 */
export function refuseOthers(
  connection: DatabaseSync,
  schema: "main" | "cache",
  { database }: CacheFolder,
): void {
  if (isOthers(connection, schema)) throw new OthersDatabaseError(database);
}

/**
 * Looks at the database so that whatever is beside it stays, too: who opens it to
 * write merges its write-ahead log, or undoes what a program that was killed had begun.
 *
 * @param mayWrite Whether SQLite may make files beside it, and remove them.
 * @throws {OthersDatabaseError} if it is another program's.
 */
export function refuseOthersAside(
  folder: CacheFolder,
  mayWrite: boolean,
): void {
  if (!folder.hasDatabase()) return;
  const hasJournal = folder.hasJournal();
  const readOnly = hasJournal || !mayWrite;
  const open = (): Looked => {
    folder.requireJournals();
    return [new sqlite.DatabaseSync(folder.database, { readOnly }), "main"];
  };
  const openImmutable = (): Looked => [attachImmutable(folder), "cache"];
  // What is in a write-ahead log is seen in the first way only, what a program that was
  // killed had begun to change is left alone in the second only.
  const ways = hasJournal || mayWrite
    ? [open, openImmutable]
    : [openImmutable, open];
  for (const open of ways) {
    try {
      const [connection, schema] = open();
      try {
        return refuseOthers(connection, schema, folder);
      } finally {
        connection.close();
      }
    } catch (error) {
      if (error instanceof OthersDatabaseError) throw error;
      // Busy, damaged, or not permitted: what it is turns out when it is opened.
    }
  }
}
