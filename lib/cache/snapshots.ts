/**
 * The snapshots of code that records were made with: each text is kept once.
 *
 * @module
 */

import { sha256Hex } from "../value/sha256.ts";
import type { CacheDatabase } from "./database.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Keeps a snapshot; one that is there and damaged makes way. */
export function putSnapshot(
  database: CacheDatabase,
  digest: string,
  text: string,
): void {
  const name = Uint8Array.fromHex(digest);
  const bytes = encoder.encode(text);
  const inserted = database.statement(
    "INSERT OR IGNORE INTO snapshots (digest, text) VALUES (?, ?)",
  ).run(name, bytes).changes;
  if (inserted === 1) return;
  database.statement(
    "UPDATE snapshots SET text = ? WHERE digest = ? AND text <> ?",
  ).run(bytes, name, bytes);
}

/** The snapshot of a digest; `undefined` if there is none, or it is damaged. */
export function getSnapshot(
  database: CacheDatabase,
  digest: string,
): string | undefined {
  if (!/^[0-9a-f]{64}$/.test(digest)) return undefined;
  const row = database.statement(
    `SELECT text FROM ${database.schema}.snapshots WHERE digest = ?`,
  ).get(Uint8Array.fromHex(digest));
  const text = row?.text;
  return isSnapshot(digest, text) ? decoder.decode(text) : undefined;
}

/** Whether the bytes are what the digest says. */
export function isSnapshot(
  digest: string,
  text: unknown,
): text is Uint8Array<ArrayBuffer> {
  return text instanceof Uint8Array &&
    sha256Hex(text as Uint8Array<ArrayBuffer>) === digest;
}

/** The text of a snapshot that comes from elsewhere, if it is what the digest says. */
export function snapshotIfWhole(
  digest: string,
  text: string | undefined,
): string | undefined {
  return text !== undefined && isSnapshot(digest, encoder.encode(text))
    ? text
    : undefined;
}
