/**
 * `verify` of a cache in a database: reads all of it, and quarantines what is wrong.
 *
 * @module
 */

import defer * as crypto from "node:crypto";
import { NotAFile, requireFile } from "../value/file_digest.ts";
import type { BlobReference } from "./blob_reference.ts";
import {
  type BlobHome,
  deleteRecord,
  distinctBlobs,
  infoOf,
  sweepBlobs,
} from "./blob_links.ts";
import type { CacheDatabase } from "./database.ts";
import { DamageError } from "./failure.ts";
import type { Maintained } from "./maintenance.ts";
import type { Opened } from "./opened.ts";
import { recountReferences } from "./recount.ts";
import type { VerifyReport, WorkOptions } from "./report.ts";
import { type Body, decodeBody, decodeDetails } from "./row.ts";
import { isSnapshot } from "./snapshots.ts";
import { TABLE_NAMES } from "./schema.ts";
import { countRecords } from "./sqlite_totals.ts";
import { Work } from "./work.ts";

/** Rows read in one turn. */
const ROWS = 256;

/** Bytes of a blob hashed in one turn. */
const PIECE_BYTES = 4_194_304;

/** Databases that are replaced in the course of one `verify`. */
const MAX_ROUNDS = 3;

type Row = Readonly<Record<string, unknown>>;
type Counts = { -readonly [K in keyof VerifyReport]: number };
type BlobState = "sound" | "damaged" | "missing";

/** Reads everything, quarantines what is wrong. */
export async function verify(
  store: Maintained,
  options: WorkOptions,
): Promise<VerifyReport> {
  const { records, blobs } = store.change(({ database }) =>
    countRecords(database)
  );
  const work = new Work(options, records / ROWS + blobs + TABLE_NAMES.length);
  let lost = 0;
  for (let round = 0;; round++) {
    const check = new Check(store, work);
    try {
      await check.run();
      check.counts.badRecords += lost;
      check.counts.badDatabases = store.takeDamaged();
      work.finish();
      return check.counts;
    } catch (error) {
      if (!(error instanceof ReplacedError) || round === MAX_ROUNDS) {
        throw error;
      }
      const kept = store.change(({ database }) => countRecords(database));
      lost = Math.max(records - kept.records, 0);
    }
  }
}

/** Another database stands in the place of the one that was looked at. */
class ReplacedError extends Error {
  override message = "its database is damaged again and again";
}

/** One walk through one database. */
class Check {
  readonly counts: Counts = {
    records: 0,
    blobs: 0,
    bytes: 0,
    badDatabases: 0,
    badRecords: 0,
    badBlobs: 0,
    missingBlobs: 0,
    unusedBlobs: 0,
  };
  readonly #store: Maintained;
  readonly #work: Work;
  readonly #blobs = new Map<string, BlobState>();
  /** Blobs that records name and that are gone. */
  readonly #missing = new Set<string>();
  #database: CacheDatabase | undefined;

  constructor(store: Maintained, work: Work) {
    this.#store = store;
    this.#work = work;
  }

  async run(): Promise<void> {
    for (const table of TABLE_NAMES) {
      this.#change(({ database }) => quickCheck(database, table));
      await this.#work.step();
    }
    this.#change(deleteBadTexts);
    for (let after = 0;;) {
      const rows = this.#change(({ database }) =>
        database.statement(
          "SELECT * FROM records WHERE id > ? ORDER BY id LIMIT ?",
        ).all(after, ROWS)
      );
      if (rows.length === 0) break;
      for (const row of rows) await this.#checkRow(row);
      after = Number(rows.at(-1)!.id);
      await this.#work.step();
    }
    await recountReferences(this.#store, this.#work);
    this.#change(({ database }) =>
      database.patiently(() => forgetMissing(database, this.#store))
    );
    await this.#countUnused();
    this.counts.missingBlobs = this.#missing.size;
  }

  async #checkRow(row: Row): Promise<void> {
    this.counts.records++;
    const found = this.#change((opened) => understand(opened, row));
    if (typeof found === "string") {
      this.#discard(row, found);
      return;
    }
    this.counts.bytes += (row.body as Uint8Array).length +
      (row.details as Uint8Array).length;
    for (const blob of distinctBlobs(found)) {
      const state = this.#blobs.get(blob.sha256) ?? await this.#checkBlob(blob);
      if (state === "sound") continue;
      const isDiscarded = this.#discard(
        row,
        `its blob ${blob.sha256} is ${state}`,
        () =>
          state === "damaged" || !isFile(this.#store.folder.blob(blob.sha256)),
      );
      // With a record that was deleted since its row was read, its blobs may go.
      if (isDiscarded && state === "missing") this.#missing.add(blob.sha256);
      return;
    }
  }

  async #checkBlob(blob: BlobReference): Promise<BlobState> {
    const path = this.#store.folder.blob(blob.sha256);
    const digest = await this.#digest(path);
    // Looked for again for each record: it may be written anew.
    if (digest === undefined) return "missing";
    let state: BlobState = "sound";
    this.counts.blobs++;
    if (digest !== blob.sha256) {
      state = "damaged";
      this.counts.badBlobs++;
      this.#store.blobs.setAside(blob);
    }
    this.#blobs.set(blob.sha256, state);
    return state;
  }

  /** The digest of a file; `undefined` if there is none. */
  async #digest(path: string): Promise<string | undefined> {
    let file: Deno.FsFile;
    try {
      requireFile(path);
      file = Deno.openSync(path);
    } catch (error) {
      if (error instanceof NotAFile) return "";
      if (
        error instanceof Deno.errors.NotFound ||
        error instanceof Deno.errors.NotADirectory
      ) return undefined;
      throw error;
    }
    using _ = file;
    const hash = crypto.createHash("sha256");
    const piece = new Uint8Array(PIECE_BYTES);
    for (let count; (count = file.readSync(piece)) !== null;) {
      hash.update(piece.subarray(0, count));
      this.counts.bytes += count;
      await this.#work.step();
    }
    return hash.digest("hex");
  }

  /** Deletes a bad record, if it is there still; whether it was. */
  #discard(
    row: Row,
    what: string,
    isStill: () => boolean = () => true,
  ): boolean {
    const { folder, warn } = this.#store;
    const discarded = this.#change(({ database }) =>
      database.patiently(() =>
        database.transact(() => {
          const there = database.statement("SELECT * FROM records WHERE id = ?")
            .get(row.id as number);
          if (there === undefined || !sameRow(there, row) || !isStill()) {
            return false;
          }
          folder.keepRow(row);
          deleteRecord(database, { id: row.id as number });
          return true;
        })
      )
    );
    if (!discarded) return false;
    this.counts.badRecords++;
    warn(
      `a record of the cache in ${folder.path} was moved to ${folder.quarantine}: ${what}`,
    );
    return true;
  }

  async #countUnused(): Promise<void> {
    for (const { digest } of this.#store.blobs.files()) {
      const row = this.#change(({ database }) =>
        database.statement("SELECT refs FROM blobs WHERE digest = ?")
          .get(Uint8Array.fromHex(digest))
      );
      if (row === undefined || row.refs === 0) this.counts.unusedBlobs++;
      await this.#work.step();
    }
  }

  /** Does something with the database, as long as it is the same. */
  #change<R>(action: (opened: Opened) => R): R {
    let isAnother = false;
    const result = this.#store.change((opened) => {
      this.#database ??= opened.database;
      isAnother = this.#database !== opened.database;
      return isAnother ? undefined : action(opened);
    });
    // Thrown here, as what is thrown in there is told to the user.
    if (isAnother) throw new ReplacedError();
    return result as R;
  }
}

/** Deletes the rows of blobs that no record refers to and whose files are gone. */
function forgetMissing(database: CacheDatabase, home: BlobHome): void {
  const unused = database.statement("SELECT digest FROM blobs WHERE refs = 0")
    .all().map(({ digest }) => digest as Uint8Array);
  const missing = unused.filter((digest) =>
    infoOf(home.folder.blob(digest.toHex())) === undefined
  );
  sweepBlobs(database, missing, home);
}

/** Lets SQLite look at the pages of a table and its indices. */
function quickCheck({ connection }: CacheDatabase, table: string): void {
  const [first] = connection.prepare(`PRAGMA quick_check(${table})`).all();
  const verdict = String(first?.quick_check);
  if (verdict !== "ok") throw new DamageError(verdict);
}

/** Deletes what records share and is damaged; the next store of it writes it anew. */
function deleteBadTexts({ database, interned }: Opened): void {
  interned.forget();
  for (const id of idsOf(database, "origins")) {
    if (!interned.hasOrigin(id)) {
      deleteRow(database, "origins", id);
    }
  }
  for (const id of idsOf(database, "functions")) {
    if (!interned.hasFunction(id)) {
      deleteRow(database, "functions", id);
    }
  }
  for (const id of idsOf(database, "snapshots")) {
    const row = database.statement(
      "SELECT digest, text FROM snapshots WHERE id = ?",
    ).get(id);
    const { digest, text } = row ?? {};
    if (
      !(digest instanceof Uint8Array) || !isSnapshot(digest.toHex(), text)
    ) deleteRow(database, "snapshots", id);
  }
}

type Texts = "origins" | "functions" | "snapshots";

function idsOf(database: CacheDatabase, table: Texts): number[] {
  return database.statement(`SELECT id FROM ${table}`).all()
    .map(({ id }) => Number(id));
}

function deleteRow(database: CacheDatabase, table: Texts, id: number): void {
  database.statement(`DELETE FROM ${table} WHERE id = ?`).run(id);
}

/** What a row refers to, or what is wrong with it. */
function understand({ database, interned }: Opened, row: Row): Body | string {
  const { id, key, fn, stored_at, bytes, duration, origin, details } = row;
  const columns = { storedAt: stored_at, bytes, duration, origin };
  if (!(key instanceof Uint8Array)) return "its key is damaged";
  const body = decodeBody(key, fn, row.body);
  if (body === undefined) return "it is damaged";
  if (decodeDetails(key, columns, details) === undefined) {
    return "its details are damaged";
  }
  if (interned.functionOf(fn as number) === undefined) {
    return "the row of its function is damaged";
  }
  // In one statement: records come and go, and their numbers are given again.
  const now = database.statement(
    `SELECT key, (SELECT id FROM records WHERE key = ?1) AS found
    FROM records WHERE id = ?2`,
  ).get(key, id as number);
  const isSame = now?.key instanceof Uint8Array &&
    now.key.toHex() === key.toHex();
  if (isSame && now.found !== id) throw new DamageError("its index of keys");
  return body;
}

function sameRow(a: Row, b: Row): boolean {
  return ["key", "body", "details"].every((column) => {
    const [left, right] = [a[column], b[column]];
    return left instanceof Uint8Array && right instanceof Uint8Array
      ? left.toHex() === right.toHex()
      : left === right;
  });
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
