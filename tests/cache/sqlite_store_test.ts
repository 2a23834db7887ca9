import { assert, assertEquals } from "@std/assert";
import {
  captureWarnings,
  filesOf,
  judge,
  keyOf,
  makeFolder,
  openStore,
  recordOf,
} from "./support.ts";

Deno.test("A database of another format is set aside, not destroyed", async () => {
  await using folder = await makeFolder();
  {
    using store = openStore(folder.path);
    store.store(recordOf(1));
  }
  const { DatabaseSync } = await import("node:sqlite");
  {
    using db = new DatabaseSync(`${folder.path}/cache.sqlite`);
    db.exec("PRAGMA user_version = 99");
  }
  using warnings = captureWarnings();
  using store = openStore(folder.path);
  assertEquals(judge(store, 1), "miss");
  assertEquals(warnings.lines.length, 1);
  assert(warnings.lines[0]!.includes("format 99"));
  store.store(recordOf(2));
  assertEquals(judge(store, 2), "hit");
  const [kept] = filesOf(`${folder.path}/quarantine`);
  using db = new DatabaseSync(`${folder.path}/quarantine/${kept}`);
  assertEquals(db.prepare("SELECT count(*) AS n FROM records").get()?.n, 1);
});

Deno.test("What a damaged row held is kept for who wants to look", async () => {
  await using folder = await makeFolder();
  const { DatabaseSync } = await import("node:sqlite");
  {
    using store = openStore(folder.path);
    store.store(recordOf(1));
    store.store(recordOf(2));
  }
  {
    using db = new DatabaseSync(`${folder.path}/cache.sqlite`);
    db.prepare("UPDATE records SET bytes = bytes + 1 WHERE key = ?").run(
      keyOf(1),
    );
    db.prepare("UPDATE records SET body = zeroblob(30) WHERE key = ?").run(
      keyOf(2),
    );
  }
  using warnings = captureWarnings();
  using store = openStore(folder.path);
  assertEquals(judge(store, 1), "hit without details");
  assertEquals(judge(store, 2), "miss");
  assertEquals([judge(store, 1), judge(store, 2)], ["miss", "miss"]);
  const rows = Deno.readTextFileSync(`${folder.path}/quarantine/rows.jsonl`)
    .trim().split("\n").map((line) => JSON.parse(line).key);
  assertEquals(rows, [keyOf(1).toHex(), keyOf(2).toHex()]);
  assertEquals(warnings.lines.length, 1);
});
