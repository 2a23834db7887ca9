/**
 * Damage to a cache in the portable layout. By default some bytes of each record are
 * flipped; with HITHER_TEST_FULL=1 every byte of every record is, one at a time.
 */

import { assert, assertEquals } from "@std/assert";
import type { Layout } from "../../lib/cache/folder.ts";
import {
  captureWarnings,
  filesOf,
  judge,
  keyOf,
  makeFolder,
  openStore,
  recordOf,
  seeded,
  type Verdict,
} from "./support.ts";

const RECORDS = 200;
const SEED = 20_261_124;
const FULL = Deno.env.get("HITHER_TEST_FULL") === "1";

/** Flips for each record where not every byte has its turn. */
const SAMPLE = 24;

const layout: Layout = "files";

async function fill(path: string, count = RECORDS): Promise<void> {
  using store = openStore(path, { layout });
  for (let n = 0; n < count; n++) await store.store(recordOf(n));
}

/** Which record each file is. */
function numbers(count: number): Map<string, number> {
  const result = new Map<string, number>();
  for (let n = 0; n < count; n++) {
    const hex = keyOf(n).toHex();
    result.set(`${hex.slice(0, 2)}/${hex.slice(2)}`, n);
  }
  return result;
}

function* positions(size: number): Iterable<number> {
  if (FULL) {
    for (let i = 0; i < size; i++) yield i;
    return;
  }
  const random = seeded(SEED + size);
  for (let i = 0; i < SAMPLE; i++) yield Math.floor(random() * size);
}

Deno.test("Each flipped byte of a record makes it a miss", async () => {
  await using folder = await makeFolder();
  using _quiet = captureWarnings();
  await fill(folder.path);
  const jobs = `${folder.path}/jobs`;
  // Read-only: what is damaged stays where it is and is mended here.
  using store = openStore(folder.path, { layout, readonly: true });
  const owners = numbers(RECORDS);
  const random = seeded(SEED);
  const verdicts = new Map<Verdict, number>();
  let flips = 0;
  for (const name of filesOf(jobs)) {
    const n = owners.get(name)!;
    using file = Deno.openSync(`${jobs}/${name}`, { read: true, write: true });
    const byte = new Uint8Array(1);
    for (const position of positions(file.statSync().size)) {
      const mask = 1 + Math.floor(random() * 255);
      file.seekSync(position, Deno.SeekMode.Start);
      file.readSync(byte);
      byte[0]! ^= mask;
      file.seekSync(position, Deno.SeekMode.Start);
      file.writeSync(byte);
      const verdict = judge(store, n);
      verdicts.set(verdict, (verdicts.get(verdict) ?? 0) + 1);
      flips++;
      byte[0]! ^= mask;
      file.seekSync(position, Deno.SeekMode.Start);
      file.writeSync(byte);
    }
    assertEquals(judge(store, n), "hit", name);
  }
  assertEquals([...verdicts], [["miss", flips]]);
  if (FULL) console.log(`${flips} flips of records, all noticed`);
  assert(flips >= RECORDS * SAMPLE);
});

for (
  const [what, damage] of [
    ["flipped", (path: string) => {
      const bytes = Deno.readFileSync(path);
      bytes[bytes.length >> 1]! ^= 0x10;
      Deno.writeFileSync(path, bytes);
    }],
    [
      "cut in half",
      (path: string) => Deno.truncateSync(path, Deno.statSync(path).size >> 1),
    ],
    ["emptied", (path: string) => Deno.truncateSync(path, 0)],
    ["deleted", (path: string) => Deno.removeSync(path)],
    [
      "made longer",
      (path: string) =>
        Deno.writeFileSync(path, new Uint8Array(5_000), { append: true }),
    ],
    ["replaced by a folder", (path: string) => {
      Deno.removeSync(path);
      Deno.mkdirSync(`${path}/inner`, { recursive: true });
    }],
  ] as const
) {
  Deno.test(`Files that are ${what} cost their own jobs, which are stored again`, async () => {
    await using folder = await makeFolder();
    using warnings = captureWarnings();
    const count = 30;
    await fill(folder.path, count);
    const files = filesOf(folder.path)
      .filter((name) => !/^(README\.md|\.gitignore)$/.test(name));
    for (const [i, name] of files.entries()) {
      if (i % 2 === 0) damage(`${folder.path}/${name}`);
    }
    const spared = new Set(
      files.filter((_, i) => i % 2 === 1).map((name) => name),
    );
    using store = openStore(folder.path, { layout });
    for (let n = 0; n < count; n++) {
      const hex = keyOf(n).toHex();
      const verdict = judge(store, n);
      const isSpared = spared.has(`jobs/${hex.slice(0, 2)}/${hex.slice(2)}`);
      if (!isSpared) assertEquals(verdict, "miss");
      else assert(verdict === "hit" || n % 10 >= 7 && verdict === "lost");
    }
    // Twice, as only a look at a record finds out that its blob is bad.
    for (const _ of [1, 2]) {
      for (let n = 0; n < count; n++) {
        if (judge(store, n) !== "hit") await store.store(recordOf(n));
      }
    }
    for (let n = 0; n < count; n++) assertEquals(judge(store, n), "hit");
    assert(
      warnings.lines.length > 0 || what === "deleted",
      `${warnings.lines}`,
    );
  });
}

for (
  const name of ["blobs", "tmp", "quarantine", "jobs", "totals", "jobs/*"]
) {
  Deno.test(`A file in the place of the folder ${name} gives no wrong answer, and makes way`, async () => {
    await using folder = await makeFolder();
    using _quiet = captureWarnings();
    const count = 12;
    await fill(folder.path, count);
    const shard = keyOf(1).toHex().slice(0, 2);
    const path = `${folder.path}/${name.replace("*", shard)}`;
    await Deno.remove(path, { recursive: true }).catch(() => {});
    await Deno.writeTextFile(path, "a file");
    using store = openStore(folder.path, { layout });
    for (let n = 0; n < count; n++) {
      assert(["hit", "miss", "lost"].includes(judge(store, n)));
    }
    for (let n = 0; n < count; n++) await store.store(recordOf(n));
    for (let n = 0; n < count; n++) {
      assertEquals(judge(store, n), "hit", `${n}`);
    }
  });
}

Deno.test("A record under the name of another key is not used", async () => {
  await using folder = await makeFolder();
  using warnings = captureWarnings();
  await fill(folder.path, 2);
  const [one, other] = [0, 1].map((n) => {
    const hex = keyOf(n).toHex();
    return `${folder.path}/jobs/${hex.slice(0, 2)}/${hex.slice(2)}`;
  });
  Deno.copyFileSync(one!, other!);
  using store = openStore(folder.path, { layout });
  assertEquals([judge(store, 0), judge(store, 1)], ["hit", "miss"]);
  assert(warnings.lines[0]!.includes("that of another key"));
  assertEquals(filesOf(`${folder.path}/quarantine`).length, 1);
});

Deno.test("A folder that is deleted under a program is made again", async () => {
  await using folder = await makeFolder();
  const path = `${folder.path}/cache`;
  using store = openStore(path, { layout });
  for (const n of [1, 8]) await store.store(recordOf(n));
  Deno.removeSync(path, { recursive: true });
  assertEquals([judge(store, 1), judge(store, 8)], ["miss", "miss"]);
  for (const n of [8, 1]) await store.store(recordOf(n));
  assertEquals([judge(store, 1), judge(store, 8)], ["hit", "hit"]);
  assert(filesOf(path).includes("layout"));
});
