import { assertEquals } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import type { FileState } from "../../lib/value/file_digest.ts";
import { makeFolder, openStore } from "./support.ts";

const STATE: FileState = {
  dev: 1,
  ino: 2,
  size: 100_000,
  mtime: 1_700_000_000_123,
  ctime: 1_700_000_000_000,
};
const DIGEST = "ab".repeat(32);

Deno.test("The digest of a file is kept for the very state that it was in", async () => {
  await using folder = await makeFolder();
  {
    using store = openStore(folder.path);
    store.fileDigests!.set("/a ünï", STATE, DIGEST);
  }
  using store = openStore(folder.path);
  const digests = store.fileDigests!;
  assertEquals(digests.get("/a ünï", STATE), DIGEST);
  assertEquals(digests.get("/b", STATE), undefined);
  for (const name of Object.keys(STATE) as (keyof FileState)[]) {
    const other = { ...STATE, [name]: STATE[name] + 1 };
    assertEquals(digests.get("/a ünï", other), undefined, name);
  }
  digests.set("/a ünï", { ...STATE, ino: 3 }, "cd".repeat(32));
  assertEquals(digests.get("/a ünï", STATE), undefined);
});

Deno.test("A damaged digest of a file is no digest", async () => {
  await using folder = await makeFolder();
  {
    using store = openStore(folder.path);
    store.fileDigests!.set("/a", STATE, DIGEST);
  }
  const database = new DatabaseSync(`${folder.path}/cache.sqlite`);
  const { entry } = database.prepare("SELECT entry FROM files").get() as {
    entry: Uint8Array;
  };
  for (let i = 0; i < entry.length; i++) {
    const damaged = entry.slice();
    damaged[i]! ^= 1;
    database.prepare("UPDATE files SET entry = ?").run(damaged);
    using store = openStore(folder.path);
    assertEquals(store.fileDigests!.get("/a", STATE), undefined);
  }
  database.close();
});

Deno.test("Of very many files the digests of those hashed last are kept", async () => {
  await using folder = await makeFolder();
  {
    using store = openStore(folder.path);
    store.fileDigests!.set("/first", STATE, DIGEST);
    store.fileDigests!.set("/second", STATE, DIGEST);
  }
  const database = new DatabaseSync(`${folder.path}/cache.sqlite`);
  database.exec("INSERT INTO files VALUES (65536, '/many more', x'')");
  database.close();
  using store = openStore(folder.path);
  const digests = store.fileDigests!;
  digests.set("/last", STATE, DIGEST);
  assertEquals(digests.get("/first", STATE), undefined);
  assertEquals(digests.get("/second", STATE), DIGEST);
  assertEquals(digests.get("/last", STATE), DIGEST);
});

Deno.test("A read-only cache knows digests and keeps none", async () => {
  await using folder = await makeFolder();
  {
    using store = openStore(folder.path);
    store.fileDigests!.set("/a", STATE, DIGEST);
  }
  using store = openStore(folder.path, { readonly: true });
  assertEquals(store.fileDigests!.get("/a", STATE), DIGEST);
  store.fileDigests!.set("/b", STATE, DIGEST);
  assertEquals(store.fileDigests!.get("/b", STATE), undefined);
});
