/**
 * Counts the references to blobs anew.
 *
 * Records come and go meanwhile, so all is counted in one view of the database: a
 * read transaction on a connection of its own. Whoever stores or deletes changes
 * what is counted and what is noted by the same, so the difference stays true, and
 * is added afterwards. Of two programs that count at once, one may add it.
 *
 * @module
 */

import defer * as sqlite from "node:sqlite";
import type { DatabaseSync } from "node:sqlite";
import { distinctBlobs } from "./blob_links.ts";
import { failureOf } from "./failure.ts";
import type { Maintained } from "./maintenance.ts";
import { decodeBody } from "./row.ts";
import { REFERS_TO_BLOBS } from "./sqlite_candidates.ts";
import { addToTotal, setTotal } from "./sqlite_totals.ts";
import type { Work } from "./work.ts";

/** Numbers of records looked at in one turn. */
const IDS = 16_384;

/** A count that is wrong by so much. */
interface Difference {
  readonly digest: Uint8Array;
  readonly bytes: number;
  readonly refs: number;
}

/** Puts the counts of references right where they are wrong, and the sums that follow from them. */
export async function recountReferences(
  store: Maintained,
  work: Work,
): Promise<void> {
  // Another connection cannot look at a database that is changed in place.
  if (store.change(({ database }) => database.isInPlace)) return;
  let seen: { round: number; differences: Difference[] };
  try {
    seen = await compare(store, work);
  } catch (error) {
    if (failureOf(error) !== "damage") throw error;
    // Salvage counts references as it copies records.
    let isTold = false;
    store.change(() => {
      if (isTold) return;
      isTold = true;
      throw error;
    });
    return;
  }
  store.change(({ database }) =>
    database.patiently(() =>
      database.transact(() => {
        const { connection } = database;
        if (seen.differences.length > 0) {
          if (roundOf(connection) !== seen.round) return;
          addToTotal(database, "recounts", 1);
        }
        for (const { digest, bytes, refs } of seen.differences) {
          database.statement(
            `INSERT INTO blobs VALUES (?, ?, max(?, 0))
            ON CONFLICT (digest) DO UPDATE SET bytes = excluded.bytes, refs = max(refs + ?, 0)`,
          ).run(digest, bytes, refs, refs);
        }
        const sums = connection.prepare(
          `SELECT sum(bytes) AS bytes, sum(iif(refs = 0, bytes, 0)) AS unused FROM blobs`,
        ).get();
        setTotal(database, "blob_bytes", Number(sums?.bytes ?? 0));
        setTotal(database, "unused_bytes", Number(sums?.unused ?? 0));
      })
    )
  );
}

/** Compares what is noted with what records say. */
async function compare(
  store: Maintained,
  work: Work,
): Promise<{ round: number; differences: Difference[] }> {
  using connection = new sqlite.DatabaseSync(store.folder.database, {
    readOnly: true,
  });
  connection.exec("BEGIN");
  const round = roundOf(connection);
  const counted = await count(connection, work);
  const differences: Difference[] = [];
  const noted = connection.prepare("SELECT digest, bytes, refs FROM blobs");
  for (const { digest, bytes, refs } of noted.iterate()) {
    const name = (digest as Uint8Array).toHex();
    const right = counted.get(name);
    counted.delete(name);
    const missing = (right?.refs ?? 0) - Number(refs);
    if (missing === 0 && (right === undefined || right.bytes === bytes)) {
      continue;
    }
    differences.push({
      digest: digest as Uint8Array,
      bytes: right?.bytes ?? Number(bytes),
      refs: missing,
    });
  }
  for (const [name, { bytes, refs }] of counted) {
    differences.push({ digest: Uint8Array.fromHex(name), bytes, refs });
  }
  return { round, differences };
}

/** The references of all records, by digest. */
async function count(
  connection: DatabaseSync,
  work: Work,
): Promise<Map<string, { bytes: number; refs: number }>> {
  const counted = new Map<string, { bytes: number; refs: number }>();
  const { last } = connection.prepare("SELECT max(id) AS last FROM records")
    .get() as { last: number | null };
  const select = connection.prepare(
    `SELECT key, fn, body FROM records
    WHERE id > ? AND id <= ? AND ${REFERS_TO_BLOBS}`,
  );
  for (let from = 0; from < (last ?? 0); from += IDS) {
    for (const { key, fn, body } of select.iterate(from, from + IDS)) {
      const decoded = decodeBody(key as Uint8Array, fn, body);
      if (decoded === undefined) continue;
      for (const { sha256, byteLength } of distinctBlobs(decoded)) {
        const entry = counted.get(sha256) ?? { bytes: byteLength, refs: 0 };
        entry.refs++;
        counted.set(sha256, entry);
      }
    }
    await work.step();
  }
  return counted;
}

/** How often counts were put right. */
function roundOf(connection: DatabaseSync): number {
  return Number(
    connection.prepare("SELECT value FROM totals WHERE name = 'recounts'")
      .get()?.value ?? 0,
  );
}
