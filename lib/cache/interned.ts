/**
 * Functions and origins (machine and versions) of records: each is one row,
 * which records refer to by number.
 *
 * @module
 */

import type { CacheDatabase } from "./database.ts";
import type { FunctionInfo } from "./record.ts";
import { hostName, versionsHere } from "./host.ts";
import { internedDigest } from "./row.ts";
import { putSnapshot } from "./snapshots.ts";

/** Where and with what a record was made. */
export interface Origin {
  readonly host: string;
  readonly versions: string;
}

const UNKNOWN: Origin = { host: "", versions: "" };

/** One table of texts under numbers that follow from the texts. */
class InternedTable {
  readonly #database: CacheDatabase;
  readonly #table: "functions" | "origins";
  readonly #columns: readonly string[];
  readonly #texts = new Map<number, readonly string[]>();
  readonly #ids = new Map<string, number>();

  constructor(
    database: CacheDatabase,
    table: "functions" | "origins",
    columns: readonly string[],
  ) {
    this.#database = database;
    this.#table = table;
    this.#columns = columns;
  }

  /** The number of texts that are known to be there. */
  get size(): number {
    return this.#ids.size;
  }

  /** The texts of a number; `undefined` if their row is gone or damaged. */
  texts(id: number): readonly string[] | undefined {
    return this.#texts.get(id) ?? this.read(id);
  }

  /** The same, as it is in the database now. */
  read(id: number): readonly string[] | undefined {
    const row = this.#database.connection.prepare(
      `SELECT ${
        this.#columns.join(", ")
      }, digest FROM ${this.#database.schema}.${this.#table} WHERE id = ?`,
    ).get(id);
    this.#texts.delete(id);
    if (row === undefined) return undefined;
    const texts = this.#columns.map((column) => String(row[column]));
    if (!isDigest(row.digest, internedDigest(id, texts))) return undefined;
    this.#texts.set(id, texts);
    return texts;
  }

  /** The number of texts, which are stored if they are new. */
  id(given: readonly string[]): number {
    // SQLite keeps UTF-8, which has no lone surrogates, and ends a text at a NUL.
    const texts = given.map((text) =>
      text.toWellFormed().replaceAll("\0", "\ufffd")
    );
    const name = JSON.stringify(texts);
    const known = this.#ids.get(name);
    if (known !== undefined) return known;
    // The number is a digest of 31 bits, so it is never given to other texts later;
    // where two collide, the second takes the next one.
    const digest = internedDigest(0, texts);
    let id = new DataView(digest.buffer).getUint32(0) >>> 1;
    while (!this.#claim(id, texts)) id++;
    this.#ids.set(name, id);
    return id;
  }

  /** Looks again at the next use of a number whether its row is there. */
  forget(): void {
    this.#ids.clear();
  }

  #claim(id: number, texts: readonly string[]): boolean {
    const { connection, schema } = this.#database;
    const insert = connection.prepare(
      `INSERT OR IGNORE INTO ${schema}.${this.#table} VALUES (?, ${
        texts.map(() => "?").join(", ")
      }, ?)`,
    );
    insert.run(id, ...texts, internedDigest(id, texts));
    const found = this.texts(id);
    if (found === undefined) {
      // What is there is damaged, so it is nobody's.
      connection.prepare(`DELETE FROM ${schema}.${this.#table} WHERE id = ?`)
        .run(id);
      insert.run(id, ...texts, internedDigest(id, texts));
      this.#texts.set(id, texts);
      return true;
    }
    return found.every((text, i) => text === texts[i]);
  }
}

/** The functions and origins of one open database. */
export class Interned {
  readonly #database: CacheDatabase;
  readonly #functions: InternedTable;
  readonly #origins: InternedTable;
  readonly #infos = new Map<number, FunctionInfo>();
  #functionIds = new WeakMap<FunctionInfo, number>();
  #here: number | undefined;
  #added = 0;

  constructor(database: CacheDatabase) {
    this.#database = database;
    this.#functions = new InternedTable(database, "functions", [
      "name",
      "version",
      "source",
      "module",
      "code",
      "label",
    ]);
    this.#origins = new InternedTable(database, "origins", [
      "host",
      "versions",
    ]);
  }

  /** A number that grows when functions, or snapshots of code, may have come into the database. */
  get added(): number {
    return this.#added;
  }

  /** The function of a number, always the same object; `undefined` if it is lost. */
  functionOf(id: number): FunctionInfo | undefined {
    const known = this.#infos.get(id);
    if (known !== undefined) return known;
    const texts = this.#functions.texts(id);
    if (texts === undefined) return undefined;
    const [
      name = "",
      version = "",
      source = "",
      module = "",
      code = "",
      label = "",
    ] = texts;
    const info = { name, version, source, module, code, label };
    this.#infos.set(id, info);
    return info;
  }

  /** Whether the row of a function is sound now. */
  hasFunction(id: number): boolean {
    const isSound = this.#functions.read(id) !== undefined;
    if (!isSound) this.#infos.delete(id);
    return isSound;
  }

  /** Whether the row of an origin is sound now. */
  hasOrigin(id: number): boolean {
    return this.#origins.read(id) !== undefined;
  }

  /** Looks at the next store whether the rows it refers to are there, its snapshot too. */
  forget(): void {
    this.#functionIds = new WeakMap();
    this.#here = undefined;
    this.#functions.forget();
    this.#origins.forget();
  }

  /** The number of a function; where it is new here, the snapshot of its code is kept with it. */
  functionId(info: FunctionInfo, snapshot?: string): number {
    const known = this.#functionIds.get(info);
    if (known !== undefined) return known;
    const { name, version, source, module, code, label } = info;
    const { size } = this.#functions;
    const id = this.#functions.id([
      name,
      version,
      source,
      module,
      code,
      label,
    ]);
    if (snapshot !== undefined && code !== "") {
      putSnapshot(this.#database, code, snapshot);
      this.#added++;
    } else if (this.#functions.size > size) this.#added++;
    this.#functionIds.set(info, id);
    if (!this.#infos.has(id)) this.#infos.set(id, info);
    return id;
  }

  /** The origin of a number; empty texts if it is lost. */
  originOf(id: number): Origin {
    const texts = this.#origins.texts(id);
    if (texts === undefined) return UNKNOWN;
    const [host = "", versions = ""] = texts;
    return { host, versions };
  }

  /** The number of a machine and versions. */
  originId({ host, versions }: Origin): number {
    return this.#origins.id([host, versions]);
  }

  /** The number of this machine and these versions. */
  hereId(): number {
    return this.#here ??= this.#origins.id([hostName(), versionsHere()]);
  }
}

function isDigest(found: unknown, right: Uint8Array): boolean {
  return found instanceof Uint8Array && found.length === right.length &&
    found.every((byte, i) => byte === right[i]);
}
