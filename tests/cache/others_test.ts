/** A `cache.sqlite` that another program has made. */

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import * as hi from "@hither/hither";
import { sha256Hex } from "../../lib/value/sha256.ts";
import {
  captureWarnings,
  filesOf,
  judge,
  makeFolder,
  openStore,
  recordOf,
} from "./support.ts";

const plain = hi.func("others_plain", "1", (x: number) => x + 1, {
  code: "version",
});
const large = hi.func(
  "others_large",
  "1",
  (length: number) => new Float64Array(length).fill(1),
  { code: "version" },
);

/** What other programs leave in a folder. Some of their tables have names of ours. */
const KINDS: Readonly<Record<string, (db: DatabaseSync) => void>> = {
  "with a rollback journal": (db) => db.exec("PRAGMA journal_mode = DELETE"),
  "with a write-ahead log": (db) => db.exec("PRAGMA journal_mode = WAL"),
  "with a mark of its own": (db) => db.exec("PRAGMA application_id = 1234567"),
  "in another encoding": (db) =>
    db.exec("PRAGMA encoding = 'UTF-16le'; PRAGMA page_size = 1024"),
};

function makeOthers(path: string, prepare: (db: DatabaseSync) => void): void {
  using db = new DatabaseSync(`${path}/cache.sqlite`);
  prepare(db);
  db.exec(
    `CREATE TABLE records (id INTEGER PRIMARY KEY, title TEXT);
    CREATE TABLE notes (text TEXT);
    INSERT INTO notes VALUES ('dear diary')`,
  );
}

/** Names and contents of all files but SQLite's shared index and an empty log, which whoever reads may leave. */
function contentsOf(path: string): string[] {
  return filesOf(path).filter((name) =>
    !name.endsWith("-shm") &&
    !(name.endsWith("-wal") && Deno.statSync(`${path}/${name}`).size === 0)
  ).map((name) => `${name} ${sha256Hex(Deno.readFileSync(`${path}/${name}`))}`);
}

async function useAndRefuse(path: string): Promise<void> {
  const before = contentsOf(path);
  using warnings = captureWarnings();
  {
    await using jobCache = new hi.JobCache({ path });
    await hi.config({ jobCache }, async () => {
      assertEquals(await plain.run(1), 2);
      assertEquals((await large.run(20_000)).length, 20_000);
    });
    assertEquals(warnings.lines.length, 1);
    assert(
      warnings.lines[0]!.includes(`${path}/cache.sqlite is a SQLite database`),
      warnings.lines[0],
    );
    assert(warnings.lines[0]!.includes("name another folder"));
  }
  const refused = [hi.CacheError, `${path}/cache.sqlite is a SQLite`] as const;
  for (
    const ask of [
      (cache: hi.JobCache) => cache.clear(),
      (cache: hi.JobCache) => cache.pin({ kind: "label", value: "a" }),
      (cache: hi.JobCache) => cache.delete("ab".repeat(32)),
    ]
  ) {
    await using jobCache = new hi.JobCache({ path });
    assertThrows(() => ask(jobCache), ...refused);
  }
  await using from = await makeFolder();
  {
    await using source = new hi.JobCache({ path: from.path });
    await hi.config({ jobCache: source }, () => plain.run(1));
  }
  for (
    const ask of [
      (cache: hi.JobCache) => cache.gc(),
      (cache: hi.JobCache) => cache.verify(),
      (cache: hi.JobCache) => cache.import(from.path),
      (cache: hi.JobCache) => cache.export(`${from.path}/public`),
    ]
  ) {
    await using jobCache = new hi.JobCache({ path });
    await assertRejects(() => ask(jobCache), ...refused);
  }
  {
    await using jobCache = new hi.JobCache({ path: from.path });
    await assertRejects(() => jobCache.import(path), ...refused);
  }
  {
    await using jobCache = new hi.JobCache({ path, readonly: true });
    assertEquals([...jobCache.records()], []);
  }
  assertEquals(contentsOf(path), before);
  assertEquals(warnings.lines.length, 1);
}

for (const [kind, prepare] of Object.entries(KINDS)) {
  Deno.test(`The database of another program ${kind} is refused by name, and nothing in its folder changes`, async () => {
    await using folder = await makeFolder();
    makeOthers(folder.path, prepare);
    await useAndRefuse(folder.path);
  });
}

Deno.test("What another program has left in its write-ahead log, or has open, stays there", async () => {
  await using folder = await makeFolder();
  await using killed = await makeFolder();
  makeOthers(folder.path, (db) => db.exec("PRAGMA journal_mode = WAL"));
  using db = new DatabaseSync(`${folder.path}/cache.sqlite`);
  db.exec("INSERT INTO notes VALUES ('newer')");
  for (const name of ["cache.sqlite", "cache.sqlite-wal"]) {
    Deno.copyFileSync(`${folder.path}/${name}`, `${killed.path}/${name}`);
  }
  assert(Deno.statSync(`${killed.path}/cache.sqlite-wal`).size > 0);
  await useAndRefuse(folder.path);
  await useAndRefuse(killed.path);
});

Deno.test("The database of another program in a folder that was a cache before is refused, too", async () => {
  await using folder = await makeFolder();
  {
    using store = openStore(folder.path);
    store.store(recordOf(1));
  }
  Deno.removeSync(`${folder.path}/cache.sqlite`);
  makeOthers(folder.path, (db) => db.exec("PRAGMA journal_mode = WAL"));
  await useAndRefuse(folder.path);
});

Deno.test("A cache whose mark is damaged is still a cache, and its records are kept", async () => {
  for (let position = 68; position < 72; position++) {
    await using folder = await makeFolder();
    using warnings = captureWarnings();
    {
      using store = openStore(folder.path);
      for (let n = 0; n < 5; n++) store.store(recordOf(n));
    }
    {
      using file = Deno.openSync(`${folder.path}/cache.sqlite`, {
        write: true,
      });
      file.seekSync(position, Deno.SeekMode.Start);
      file.writeSync(Uint8Array.of(0));
    }
    using store = openStore(folder.path);
    for (let n = 0; n < 5; n++) assertEquals(judge(store, n), "hit");
    assert(warnings.lines[0]!.includes("5 of its records were kept"));
  }
});
