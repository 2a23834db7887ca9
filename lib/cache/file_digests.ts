/**
 * The digests of large files, kept across programs: what makes `hi.file` quick on a file
 * that nobody has touched since.
 *
 * @module
 */

import type { DigestMemo, FileState } from "../value/file_digest.ts";
import { Checker } from "./check.ts";
import type { CacheDatabase } from "./database.ts";

/** So many files are remembered, those that were hashed last. */
const MOST_FILES = 65_536;

const CHECK_BYTES = 8;
const DIGEST_BYTES = 32;

const encoder = new TextEncoder();
const checker = new Checker();

/** Does something with the database, if it can be used just now. */
export type WithDatabase = <R>(
  action: (database: CacheDatabase) => R,
) => R | undefined;

/** The table `files`: for each path the SHA-256 of the content, behind a check over the path and the file's state as well. */
export class FileDigests implements DigestMemo {
  readonly #with: WithDatabase;

  constructor(withDatabase: WithDatabase) {
    this.#with = withDatabase;
  }

  get(path: string, state: FileState): string | undefined {
    return this.#with(({ connection, schema }) => {
      const row = connection.prepare(
        `SELECT entry FROM ${schema}.files WHERE path = ?`,
      ).get(path);
      return digestIn(row?.entry, path, state);
    });
  }

  set(path: string, state: FileState, digest: string): void {
    const sha256 = Uint8Array.fromHex(digest);
    const entry = new Uint8Array(CHECK_BYTES + DIGEST_BYTES);
    entry.set(checkOf(path, state, sha256));
    entry.set(sha256, CHECK_BYTES);
    this.#with(({ connection, writable }) => {
      if (!writable) return;
      const { lastInsertRowid } = connection.prepare(
        "INSERT OR REPLACE INTO files (path, entry) VALUES (?, ?)",
      ).run(path, entry);
      connection.prepare("DELETE FROM files WHERE id <= ?")
        .run(Number(lastInsertRowid) - MOST_FILES);
    });
  }
}

/** The digest of an entry that was made for this very state of the file. */
function digestIn(
  entry: unknown,
  path: string,
  state: FileState,
): string | undefined {
  if (
    !(entry instanceof Uint8Array) ||
    entry.length !== CHECK_BYTES + DIGEST_BYTES
  ) return undefined;
  const sha256 = entry.subarray(CHECK_BYTES);
  const check = checkOf(path, state, sha256);
  return check.every((byte, i) => byte === entry[i])
    ? sha256.toHex()
    : undefined;
}

function checkOf(
  path: string,
  { dev, ino, size, mtime, ctime }: FileState,
  sha256: Uint8Array,
): Uint8Array {
  const check = checker.start().bytes(encoder.encode(path)).number(dev)
    .number(ino).number(size).number(mtime).number(ctime).bytes(sha256)
    .finish();
  const bytes = new Uint8Array(CHECK_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, check[0]);
  view.setUint32(4, check[1]);
  return bytes;
}
