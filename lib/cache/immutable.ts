/**
 * A database read as a file that nobody changes.
 *
 * @module
 */

import defer * as sqlite from "node:sqlite";
import type { DatabaseSync } from "node:sqlite";
import { fileUrl } from "../value/given_path.ts";
import type { CacheFolder } from "./folder.ts";

/** Attaches the database as `cache`: SQLite makes no file beside it, and sees nothing of what is there. */
// The constructor takes paths only; a URI can be attached. Deno allows that to
// programs with all permissions.
export function attachImmutable(folder: CacheFolder): DatabaseSync {
  const connection = new sqlite.DatabaseSync(":memory:");
  const uri = `${fileUrl(folder.database).href}?immutable=1&mode=ro`;
  try {
    connection.prepare("ATTACH DATABASE ? AS cache").run(uri);
  } catch (error) {
    connection.close();
    throw error;
  }
  return connection;
}
