/**
 * Lists and describes the records of a database. What is damaged is left out, and
 * left to `verify`.
 *
 * @module
 */

import { distinctBlobs } from "./blob_links.ts";
import { usedAt } from "./last_use.ts";
import type { Opened } from "./opened.ts";
import type {
  RecordDescription,
  RecordFilter,
  RecordSummary,
} from "./report.ts";
import { type Body, decodeBody, decodeDetails, type Details } from "./row.ts";
import type { PinSet } from "./victims.ts";

/** Rows read at a time. */
const PAGE_ROWS = 256;

/** Reads from the database, whichever it is by now; `undefined` if there is none. */
export type Read = <R>(action: (opened: Opened) => R) => R | undefined;

type Row = Readonly<Record<string, unknown>>;

/** The records that a filter wants, the latest first. */
export function* listRecords(
  read: Read,
  filter: RecordFilter,
  pinsOf: (opened: Opened) => PinSet,
): Iterable<RecordSummary> {
  let left = filter.limit ?? Infinity;
  for (let before = Number.MAX_SAFE_INTEGER; left > 0;) {
    const page = read((opened) => {
      const pins = pinsOf(opened);
      return rowsOf(opened, filter, before).map((row) => ({
        id: Number(row.id),
        found: understand(opened, row, pins),
      }));
    });
    if (page === undefined || page.length === 0) return;
    for (const { id, found } of page) {
      before = id;
      if (found === undefined) continue;
      const { summary } = found;
      if (filter.status !== undefined && summary.status !== filter.status) {
        continue;
      }
      yield summary;
      if (--left === 0) return;
    }
  }
}

/** All that is known of the record of a key. */
export function describeRecord(
  opened: Opened,
  key: Uint8Array,
  pins: PinSet,
): RecordDescription | undefined {
  const { database } = opened;
  const row = database.statement(`${select(database.schema)} WHERE key = ?`)
    .get(key);
  const found = row && understand(opened, row, pins);
  if (found === undefined) return undefined;
  const { summary, body, details } = found;
  return {
    ...summary,
    parts: details.parts,
    upstream: details.upstream,
    startedAt: details.timing.startedAt,
    console: details.console,
    versions: opened.interned.originOf(Number(row!.origin)).versions,
    blobs: distinctBlobs(body).map(({ sha256, byteLength }) => ({
      digest: sha256,
      bytes: byteLength,
    })),
  };
}

function select(schema: string): string {
  return `SELECT records.*, day FROM ${schema}.records
    LEFT JOIN ${schema}.uses ON uses.id = records.id`;
}

function rowsOf(
  { database }: Opened,
  { name, version, label, keyPrefix }: RecordFilter,
  before: number,
): Row[] {
  const { schema } = database;
  const conditions = ["records.id < ?"];
  const values: (number | string | Uint8Array)[] = [before];
  const ofFunction = Object.entries({ name, version, label })
    .filter((entry): entry is [string, string] => entry[1] !== undefined);
  if (ofFunction.length > 0) {
    const wanted = ofFunction.map(([column]) => `${column} = ?`).join(" AND ");
    conditions.push(
      `fn IN (SELECT id FROM ${schema}.functions WHERE ${wanted})`,
    );
    values.push(...ofFunction.map(([, value]) => value));
  }
  if (keyPrefix !== undefined) {
    conditions.push("key BETWEEN ? AND ?");
    values.push(
      Uint8Array.fromHex(keyPrefix.padEnd(64, "0")),
      Uint8Array.fromHex(keyPrefix.padEnd(64, "f")),
    );
  }
  // With a prefix, few rows are found by the index of keys; the plus keeps SQLite
  // from walking all of them in the order of their numbers instead.
  const order = keyPrefix ? "+records.id" : "records.id";
  return database.statement(
    `${select(schema)} WHERE ${conditions.join(" AND ")}
    ORDER BY ${order} DESC LIMIT ${PAGE_ROWS}`,
  ).all(...values);
}

/** What a row says, if its checks are right. */
function understand(
  { interned }: Opened,
  row: Row,
  pins: PinSet,
): { summary: RecordSummary; body: Body; details: Details } | undefined {
  const { key, fn: id } = row;
  if (!(key instanceof Uint8Array)) return undefined;
  const body = decodeBody(key, id, row.body);
  const columns = {
    storedAt: row.stored_at,
    bytes: row.bytes,
    duration: row.duration,
    origin: row.origin,
  };
  const details = decodeDetails(key, columns, row.details);
  if (body === undefined || details === undefined) return undefined;
  const fn = interned.functionOf(id as number);
  if (fn === undefined) return undefined;
  const hex = key.toHex();
  const summary = {
    key: hex,
    fn,
    status: body.status,
    preview: details.preview,
    storedAt: Number(row.stored_at),
    usedAt: usedAt(row.stored_at, row.day),
    duration: details.timing.duration,
    bytes: Number(row.bytes),
    host: interned.originOf(Number(row.origin)).host,
    pinned: pins.has(hex, fn),
  };
  return { summary, body, details };
}
