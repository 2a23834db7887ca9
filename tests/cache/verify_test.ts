/** `verify` of a database: beside others that write, and where the database itself is damaged. */

import { assert, assertEquals } from "@std/assert";
import { dirname } from "jsr:@std/path@^1/dirname";
import { MemoryLeaf } from "../../lib/value/encoded.ts";
import { TABLE_NAMES } from "../../lib/cache/schema.ts";
import { JobCache, recordStoreOf } from "../../lib/cache/job_cache.ts";
import {
  captureWarnings,
  filesOf,
  judge,
  keyOf,
  makeFolder,
  openStore,
  randomBytes,
  recordOf,
} from "./support.ts";

/** The number of a record that refers to a blob. */
const WITH_BLOB = 8;

/** Opens a cache as a user does, and its store. */
function open(path: string) {
  const jobCache = new JobCache({ path });
  return { jobCache, store: recordStoreOf(jobCache) };
}

Deno.test("Records that are replaced while they are verified are no damage", async () => {
  await using folder = await makeFolder();
  const { jobCache, store } = open(folder.path);
  await using _ = jobCache;
  for (const n of [WITH_BLOB, 1, 2, 3]) await store.store(recordOf(n));
  using warnings = captureWarnings();
  using other = openStore(folder.path);
  // Asked while the blob of the first row is read: the other rows are read by then, but not looked at.
  let isDone = false;
  const { signal } = new AbortController();
  signal.throwIfAborted = () => {
    if (isDone || other.lookup(keyOf(3)) === undefined) return;
    if (++asked <= TABLE_NAMES.length) return;
    other.delete(keyOf(3));
    // Takes the number of the row that has just gone.
    other.store(recordOf(4));
    isDone = true;
  };
  let asked = 0;
  const report = await jobCache.verify({ signal });
  assert(isDone);
  assertEquals(report.badRecords, 0);
  assertEquals(warnings.lines, []);
  assertEquals([1, 2, 3, 4].map((n) => judge(store, n)), [
    "hit",
    "hit",
    "miss",
    "hit",
  ]);
});

/** A signal whose nth look, from 0, does something. */
function signalThat(actions: Readonly<Record<number, () => void>>) {
  const { signal } = new AbortController();
  let looks = 0;
  signal.throwIfAborted = () => actions[looks++]?.();
  return signal;
}

Deno.test("Records that go with their blobs while they are verified are no damage (sqlite)", async () => {
  await using folder = await makeFolder();
  const { jobCache, store } = open(folder.path);
  await using _ = jobCache;
  for (const n of [WITH_BLOB, WITH_BLOB + 10]) await store.store(recordOf(n));
  using warnings = captureWarnings();
  using other = openStore(folder.path);
  // The first row's blob is read by then, and the second row, but not its blob.
  const first = 1 + TABLE_NAMES.length;
  const signal = signalThat({ [first]: () => other.clear() });
  const report = await jobCache.verify({ signal });
  assertEquals([report.records, report.blobs], [2, 1]);
  assertEquals([report.badRecords, report.missingBlobs], [0, 0]);
  assertEquals(warnings.lines, []);
  assertEquals(judge(store, WITH_BLOB + 10), "miss");
});

Deno.test("Records that go with their blobs while they are verified are no damage (files)", async () => {
  await using folder = await makeFolder();
  await using twin = await makeFolder();
  const record = recordOf(WITH_BLOB);
  const leaves = [1, 2].map((n) => new MemoryLeaf(randomBytes(66_000, n)));
  {
    using prepared = openStore(twin.path, { layout: "files" });
    const value = { bytes: Uint8Array.of(1), leaves };
    await prepared.store({ ...record, outcome: { ...record.outcome, value } });
  }
  const jobCache = new JobCache({ path: folder.path, layout: "files" });
  await using _ = jobCache;
  await recordStoreOf(jobCache).store(record);
  using other = openStore(folder.path, { layout: "files" });
  const signal = signalThat({
    // The blob of the record is read: another takes its place, with two blobs.
    1: () => {
      for (const name of filesOf(twin.path)) {
        if (!/^(jobs|blobs)/.test(name)) continue;
        const target = `${folder.path}/${name}`;
        Deno.mkdirSync(dirname(target), { recursive: true });
        Deno.copyFileSync(`${twin.path}/${name}`, target);
      }
    },
    // Its first blob is read, and the second is not.
    2: () => other.clear(),
  });
  const report = await jobCache.verify({ signal });
  assertEquals([report.records, report.blobs], [1, 2]);
  assertEquals([report.badRecords, report.missingBlobs], [0, 0]);
});

Deno.test("Verifying a database whose pages are damaged counts what was lost, and keeps the rest", async () => {
  await using folder = await makeFolder();
  const count = 40;
  {
    using store = openStore(folder.path);
    for (let n = 0; n < count; n++) await store.store(recordOf(n));
  }
  // The last leaf of the table of records, which nothing but a look at all of it reads.
  const path = `${folder.path}/cache.sqlite`;
  const bytes = Deno.readFileSync(path);
  const TABLE_LEAF = 0x0d;
  let page = bytes.length - 4_096;
  while (bytes[page] !== TABLE_LEAF) page -= 4_096;
  bytes.fill(0xa5, page, page + 4_096);
  Deno.writeFileSync(path, bytes);
  using warnings = captureWarnings();
  const { jobCache, store } = open(folder.path);
  await using _ = jobCache;
  const report = await jobCache.verify();
  assert(report.badRecords > 0 && report.badRecords < count);
  assertEquals(report.records, count - report.badRecords);
  assertEquals(warnings.lines.length, 1);
  const verdicts = Array.from({ length: count }, (_, n) => judge(store, n));
  assertEquals(
    verdicts.filter((verdict) => verdict !== "hit"),
    Array(report.badRecords).fill("miss"),
  );
  assertEquals((await jobCache.verify()).badRecords, 0);
});

Deno.test("A database that is lost as a whole counts as damage, once", async () => {
  for (const harm of ["its head", "its second half"]) {
    await using folder = await makeFolder();
    {
      using store = openStore(folder.path);
      for (let n = 0; n < 40; n++) await store.store(recordOf(n));
    }
    const path = `${folder.path}/cache.sqlite`;
    const bytes = Deno.readFileSync(path);
    if (harm === "its head") bytes.fill(0x58, 0, 16);
    const length = harm === "its head" ? bytes.length : bytes.length / 2;
    Deno.writeFileSync(path, bytes.subarray(0, length));
    using _warnings = captureWarnings();
    const { jobCache } = open(folder.path);
    await using _ = jobCache;
    assertEquals((await jobCache.verify()).badDatabases, 1, harm);
    assertEquals((await jobCache.verify()).badDatabases, 0, harm);
  }
});

Deno.test("After verify, blobs that are gone are not counted any more", async () => {
  await using folder = await makeFolder();
  const { jobCache, store } = open(folder.path);
  await using _ = jobCache;
  for (const n of [WITH_BLOB, WITH_BLOB + 10, 1]) {
    await store.store(recordOf(n));
  }
  const [gone] = filesOf(`${folder.path}/blobs`);
  const { size } = Deno.statSync(`${folder.path}/blobs/${gone}`);
  Deno.removeSync(`${folder.path}/blobs/${gone}`);
  const before = jobCache.stats();
  using _warnings = captureWarnings();
  assertEquals((await jobCache.verify()).missingBlobs, 1);
  const after = jobCache.stats();
  assertEquals([before.blobs, after.blobs], [2, 1]);
  assert(after.bytes <= before.bytes - size + 4_096);
  assertEquals((await jobCache.gc()).blobs, 0);
});
