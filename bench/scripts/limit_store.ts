/**
 * The least that a cache of small records on SQLite can do: SHA-256 of 100 bytes
 * and one prepared statement with 300 bytes. `fill` stores COUNT rows, each in a
 * transaction of its own; `hit` reads them. Prints the µs for each.
 */

import { hash } from "node:crypto";
import { DatabaseSync } from "node:sqlite";

const [verb, file = "", total] = Deno.args;
const count = Number(total);
const db = new DatabaseSync(file, { timeout: 5_000 });
db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
db.exec(
  "CREATE TABLE IF NOT EXISTS record (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID",
);
const select = db.prepare("SELECT value FROM record WHERE key = ?");
const insert = db.prepare("INSERT INTO record VALUES (?, ?)");
const call = new Uint8Array(100);
const value = new Uint8Array(300);
const numbers = new DataView(call.buffer);

const start = performance.now();
for (let i = 0; i < count; i++) {
  numbers.setUint32(0, i);
  const key = hash("sha256", call, "buffer");
  if (verb === "fill") insert.run(key, value);
  else if (select.get(key) === undefined) throw new Error("a row is gone");
}
console.log((performance.now() - start) * 1_000 / count);
db.close();
