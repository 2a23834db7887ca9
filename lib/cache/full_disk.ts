/**
 * How records can be deleted on a full disk, where SQLite can write no log of what it
 * changes: in place, with the way back in memory, while nobody else has the database.
 *
 * Who is killed in that moment may leave a damaged database, which is salvaged; so
 * this is only for what a user asks for, where there is no other way.
 *
 * @module
 */

import { CacheDatabase, connectWarily } from "./database.ts";
import { isFull } from "./failure.ts";
import type { CacheFolder } from "./folder.ts";
import { join } from "../value/paths.ts";

/** What a change of the database takes at least: a shared index, and some pages. */
const LEAST_BYTES = 65_536;

/** Whether there is no room for a small file in a folder. */
export function isDiskFull({ path }: CacheFolder): boolean {
  const probe = join(path, `room-${crypto.randomUUID()}`);
  try {
    Deno.writeFileSync(probe, new Uint8Array(LEAST_BYTES));
    return false;
  } catch (error) {
    return isFull(error);
  } finally {
    try {
      Deno.removeSync(probe);
    } catch {
      // It could not even be made.
    }
  }
}

/**
 * Opens a sound database so that to delete needs no room.
 *
 * @throws if others have it open, or its write-ahead log cannot be merged.
 */
export function openInPlace(
  folder: CacheFolder,
  patience: number,
): CacheDatabase {
  using _lock = folder.lock(true, patience);
  // Locked before the first look: else SQLite makes a file for a shared index.
  const connection = connectWarily(
    folder,
    patience,
    "PRAGMA temp_store = MEMORY; PRAGMA locking_mode = EXCLUSIVE",
  );
  try {
    const mode = connection.prepare("PRAGMA journal_mode = MEMORY").get();
    if (mode?.journal_mode !== "memory") {
      throw new Error("its write-ahead log cannot be merged");
    }
    return new CacheDatabase(connection, "main", true, folder.identity(), true);
  } catch (error) {
    connection.close();
    throw error;
  }
}
