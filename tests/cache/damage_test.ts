import { assert, assertEquals, assertMatch } from "@std/assert";
import * as hi from "@hither/hither";
import { DatabaseSync } from "node:sqlite";
import { encodeBody } from "../../lib/cache/row.ts";
import {
  captureWarnings,
  filesOf,
  judge,
  keyOf,
  openStore,
  recordOf,
  seeded,
  type Verdict,
} from "./support.ts";

/** Every byte of the database in its turn, not a sample: that takes the better part of an hour. */
const FULL = Deno.env.get("HITHER_TEST_FULL") === "1";

const RECORDS = FULL ? 200 : 40;
const SEED = 20_261_123;
const ALL: readonly number[] = Array.from({ length: RECORDS }, (_, n) => n);
const PAGE_BYTES = 4_096;

// Thousands of folders are made: in memory where the system offers that.
const ROOT = Deno.makeTempDirSync({
  prefix: "hither_damage_",
  ...(isFolder("/dev/shm") ? { dir: "/dev/shm" } : {}),
});

addEventListener("unload", () => Deno.removeSync(ROOT, { recursive: true }));

/** A folder as it is after all programs have ended. */
const closed = await makeClosed(`${ROOT}/closed`);
/** A folder as a program leaves it that was killed: the newer records are in the write-ahead log. */
const killed = await makeKilled(`${ROOT}/killed`);

let cases = 0;

async function makeClosed(path: string): Promise<string> {
  using store = openStore(path);
  for (let n = 0; n < RECORDS; n++) await store.store(recordOf(n));
  return path;
}

async function makeKilled(path: string): Promise<string> {
  await makeClosed(`${path}_source`);
  using store = openStore(`${path}_source`);
  // Half of them again, so that both files matter.
  for (let n = 0; n < RECORDS; n += 2) await store.store(recordOf(n));
  copyFolder(`${path}_source`, path, (name) => !name.endsWith("-shm"));
  return path;
}

function copyFolder(
  from: string,
  to: string,
  wanted: (name: string) => boolean = () => true,
  copy: (from: string, to: string) => void = Deno.copyFileSync,
): void {
  Deno.mkdirSync(to);
  for (const { name, isDirectory } of Deno.readDirSync(from)) {
    if (!wanted(name)) continue;
    if (isDirectory) {
      copyFolder(`${from}/${name}`, `${to}/${name}`, wanted, copy);
    } else copy(`${from}/${name}`, `${to}/${name}`);
  }
}

/** As copyFolder, but the blobs are the same files: for damage elsewhere. */
function copyWithoutBlobs(from: string, to: string): void {
  copyFolder(from, to, (name) => name !== "blobs");
  copyFolder(`${from}/blobs`, `${to}/blobs`, undefined, Deno.linkSync);
}

function isFolder(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false;
  }
}

/** Verdicts on all records of a folder, after somebody has damaged a copy of it. */
async function examine(
  source: string,
  damage: (path: string) => void,
  heal = true,
  copy: (from: string, to: string) => void = copyFolder,
  first: readonly number[] = ALL,
): Promise<Verdict[]> {
  const path = `${ROOT}/case_${cases++}`;
  copy(source, path);
  using _quiet = captureWarnings();
  try {
    damage(path);
    const verdicts: Verdict[] = [];
    {
      using store = openStore(path);
      // Blobs are read where all is looked at; elsewhere what refers to them is compared.
      for (const n of first) verdicts.push(judge(store, n, first === ALL));
      if (verdicts.some((verdict) => verdict !== "hit")) {
        for (const n of ALL) {
          if (!first.includes(n)) verdicts.push(judge(store, n, false));
        }
      }
      // What was lost is computed again, also what only a later look found lost.
      for (let round = 0; heal && round < 2; round++) {
        for (let n = 0; n < RECORDS; n++) {
          const verdict = judge(store, n);
          if (verdict.startsWith("wrong")) verdicts.push(verdict);
          if (verdict !== "hit") await store.store(recordOf(n));
        }
      }
    }
    if (heal) {
      using store = openStore(path);
      for (let n = 0; n < RECORDS; n++) {
        const verdict = judge(store, n);
        if (verdict !== "hit") verdicts.push(`wrong: ${verdict} in the end`);
      }
    }
    return verdicts;
  } finally {
    Deno.removeSync(path, { recursive: true });
  }
}

function flip(path: string, position: number, mask: number): void {
  using file = Deno.openSync(path, { read: true, write: true });
  const byte = new Uint8Array(1);
  file.seekSync(position, Deno.SeekMode.Start);
  file.readSync(byte);
  byte[0]! ^= mask;
  file.seekSync(position, Deno.SeekMode.Start);
  file.writeSync(byte);
}

function wrongOnes(verdicts: readonly Verdict[]): Verdict[] {
  return verdicts.filter((verdict) => verdict.startsWith("wrong"));
}

/** Flips bytes one at a time, each in a fresh copy. */
async function flipEach(
  source: string,
  file: string,
  positions: Iterable<number>,
  healEvery: number,
  readers: (page: number) => readonly number[] = () => ALL,
): Promise<{ flips: number; affected: number; lost: number }> {
  const random = seeded(SEED);
  let affected = 0, lost = 0, i = 0;
  for (const position of positions) {
    const mask = 1 + Math.floor(random() * 255);
    const heals = i++ % healEvery === 0;
    const verdicts = await examine(
      source,
      (path) => flip(`${path}/${file}`, position, mask),
      heals,
      copyWithoutBlobs,
      heals ? ALL : readers(Math.floor(position / PAGE_BYTES)),
    );
    assertEquals(
      wrongOnes(verdicts),
      [],
      `byte ${position} of ${file} xor ${mask}`,
    );
    const bad = verdicts.filter((verdict) => verdict !== "hit").length;
    if (bad > 0) affected++;
    lost += bad;
  }
  return { flips: i, affected, lost };
}

/**
 * The records whose lookup reads a page of the database. A byte of it can do nothing
 * to others, as long as none of these is noticed to be damaged.
 */
function readersOf(source: string, page: number): number[] {
  const path = `${ROOT}/readers`;
  copyWithoutBlobs(source, path);
  using _quiet = captureWarnings();
  try {
    const bytes = Deno.readFileSync(`${path}/cache.sqlite`);
    bytes.fill(0xff, page * PAGE_BYTES, (page + 1) * PAGE_BYTES);
    Deno.writeFileSync(`${path}/cache.sqlite`, bytes);
    return ALL.filter((n) => {
      // Each with a store of its own: after damage a read-only one gives up.
      using store = openStore(path, { readonly: true });
      return judge(store, n, false) !== "hit";
    });
  } finally {
    Deno.removeSync(path, { recursive: true });
  }
}

function* range(from: number, to: number): Iterable<number> {
  for (let i = from; i < to; i++) yield i;
}

function* randomPositions(size: number, count: number): Iterable<number> {
  const random = seeded(SEED + size);
  for (let i = 0; i < count; i++) yield Math.floor(random() * size);
}

function memo<R>(fn: (n: number) => R): (n: number) => R {
  const known = new Map<number, R>();
  return (n) => {
    if (!known.has(n)) known.set(n, fn(n));
    return known.get(n)!;
  };
}

function sizeOf(path: string): number {
  return Deno.statSync(path).size;
}

Deno.test("The judge sees a wrong answer where the check is made to fit it (negative control)", async () => {
  const verdicts = await examine(closed, (path) => {
    using db = new DatabaseSync(`${path}/cache.sqlite`);
    const { fn } = db.prepare("SELECT fn FROM records WHERE key = ?")
      .get(keyOf(1)) as { fn: number };
    const { contribution } = recordOf(1).outcome as {
      contribution: Uint8Array;
    };
    const body = encodeBody(keyOf(1), fn, {
      status: "finished",
      contribution,
      leaves: [],
      document: Uint8Array.of(1, 2, 3),
    });
    db.prepare("UPDATE records SET body = ? WHERE key = ?").run(body, keyOf(1));
  }, false);
  assertEquals(wrongOnes(verdicts), ["wrong: document"]);
});

Deno.test("An undamaged copy hits every time", async () => {
  for (const source of [closed, killed]) {
    const verdicts = await examine(source, () => {});
    assertEquals(verdicts.filter((verdict) => verdict !== "hit"), []);
  }
});

Deno.test("No flipped byte of the first page gives a wrong answer", async () => {
  const { affected } = await flipEach(
    closed,
    "cache.sqlite",
    range(0, 4_096),
    16,
  );
  assert(affected > 50, `only ${affected} flips did something`);
});

Deno.test("No flipped byte of the write-ahead log's header and first frame gives a wrong answer", async () => {
  await flipEach(killed, "cache.sqlite-wal", range(0, 56), 1);
});

for (
  const [what, source, count] of [
    ["the database", closed, 600],
    ["a database with a write-ahead log", killed, FULL ? 4_000 : 600],
  ] as const
) {
  const file = "cache.sqlite";
  const size = sizeOf(`${source}/${file}`);
  // In four parts, which `--filter` can give to several processors.
  const all = FULL && source === closed;
  const parts = all ? 4 : 1;
  for (let part = 0; part < parts; part++) {
    const name = all ? `${what} (part ${part + 1} of ${parts})` : what;
    Deno.test(`No flipped byte of ${name} gives a wrong answer`, async () => {
      const positions = all
        ? range(
          Math.floor(part / parts * size),
          Math.floor((part + 1) / parts * size),
        )
        : randomPositions(size, count);
      const { flips, affected, lost } = await flipEach(
        source,
        file,
        positions,
        FULL ? 64 : 4,
        all ? memo((page) => readersOf(source, page)) : undefined,
      );
      if (FULL) console.log(`${flips} flips, ${affected} noticed, none wrong`);
      // What is in the write-ahead log too does not matter here.
      if (source === closed) {
        assert(affected > 50, `only ${affected} flips did something`);
      }
      // A damaged page costs what was on it, not the cache; those that all need are in the first part.
      assert(
        all || lost / affected < RECORDS / 2,
        `${lost / affected} lost for a flip`,
      );
    });
  }
}

Deno.test("No flipped byte of the write-ahead log gives a wrong answer", async () => {
  const file = "cache.sqlite-wal";
  const positions = randomPositions(
    sizeOf(`${killed}/${file}`),
    FULL ? 4_000 : 500,
  );
  await flipEach(killed, file, positions, 4);
});

Deno.test("A flipped byte of a blob costs its own job only", async () => {
  const blobs = filesOf(`${closed}/blobs`);
  const random = seeded(SEED);
  for (let i = 0; i < 400; i++) {
    const blob = blobs[i % blobs.length]!;
    const position = Math.floor(random() * sizeOf(`${closed}/blobs/${blob}`));
    const verdicts = await examine(
      closed,
      (path) => flip(`${path}/blobs/${blob}`, position, 1 + i % 255),
      i % 8 === 0,
    );
    assertEquals(verdicts.filter((verdict) => verdict !== "hit"), ["lost"]);
  }
});

Deno.test("An index that leads searches astray is replaced at the next store", async () => {
  const sorted = Array.from({ length: RECORDS }, (_, n) => n)
    .toSorted((a, b) => keyOf(a).toHex() < keyOf(b).toHex() ? -1 : 1);
  // Where a binary search begins; it becomes larger than all others.
  const middle = keyOf(sorted[RECORDS / 2 - 1]!);
  const path = `${ROOT}/astray`;
  copyFolder(closed, path);
  const bytes = Deno.readFileSync(`${path}/cache.sqlite`);
  const INDEX_LEAF = 0x0a;
  for (let page = 0; page < bytes.length; page += 4_096) {
    if (bytes[page] !== INDEX_LEAF) continue;
    const at = bytes.subarray(page, page + 4_096).toHex().indexOf(
      middle.toHex(),
    );
    if (at >= 0) {
      flip(`${path}/cache.sqlite`, page + at / 2, 0xff ^ middle[0]!);
    }
  }
  using warnings = captureWarnings();
  using store = openStore(path);
  const verdicts = sorted.map((n) => judge(store, n));
  const lost = sorted.filter((_, i) => verdicts[i] !== "hit");
  assert(lost.length > 1, `${lost.length} lost`);
  assertEquals(warnings.lines, []);
  await store.store(recordOf(lost[0]!));
  assertEquals(sorted.filter((n) => judge(store, n) !== "hit"), []);
  assertEquals(warnings.lines.length, 1);
});

for (
  const [what, damage] of [
    [
      "truncated to half",
      (path: string) => Deno.truncateSync(path, sizeOf(path) >> 1),
    ],
    [
      "cut by a byte",
      (path: string) => Deno.truncateSync(path, sizeOf(path) - 1),
    ],
    ["emptied", (path: string) => Deno.truncateSync(path, 0)],
    ["deleted", (path: string) => Deno.removeSync(path)],
    ["replaced by a folder", (path: string) => {
      Deno.removeSync(path);
      Deno.mkdirSync(`${path}/inner`, { recursive: true });
    }],
    [
      "made longer",
      (path: string) =>
        Deno.writeFileSync(path, new Uint8Array(5_000), { append: true }),
    ],
    [
      "overwritten with text",
      (path: string) =>
        Deno.writeTextFileSync(path, "not what it was ".repeat(1_000)),
    ],
  ] as const
) {
  Deno.test(`A file that is ${what} gives no wrong answer`, async () => {
    for (const source of [closed, killed]) {
      for (const file of filesOf(source)) {
        const verdicts = await examine(
          source,
          (path) => damage(`${path}/${file}`),
        );
        assertEquals(wrongOnes(verdicts), [], file);
        if (file.startsWith("blobs/")) {
          const bad = verdicts.filter((verdict) => verdict !== "hit");
          assertEquals(bad, ["lost"], file);
        }
      }
    }
  });
}

for (const folder of ["blobs", "tmp", "quarantine", "blobs/*"]) {
  Deno.test(`A file in the place of the folder ${folder} gives no wrong answer`, async () => {
    const name = folder === "blobs/*"
      ? `blobs/${[...Deno.readDirSync(`${closed}/blobs`)][0]!.name}`
      : folder;
    const verdicts = await examine(closed, (path) => {
      if (isFolder(`${path}/${name}`)) {
        Deno.removeSync(`${path}/${name}`, { recursive: true });
      }
      Deno.writeTextFileSync(`${path}/${name}`, "a file");
    });
    assertEquals(wrongOnes(verdicts), []);
  });
}

Deno.test("A database that is gone from beside its write-ahead log is told once", () => {
  const path = `${ROOT}/gone`;
  copyFolder(killed, path);
  Deno.removeSync(`${path}/cache.sqlite`);
  using warnings = captureWarnings();
  using store = openStore(path);
  for (const n of ALL) assertEquals(judge(store, n), "miss");
  assertEquals(warnings.lines.length, 1);
  assertMatch(warnings.lines[0]!, /gone\): .* was moved to .*\/quarantine\//);
  assert(filesOf(`${path}/quarantine`).some((name) => name.endsWith("-wal")));
});

Deno.test("A program that was killed while it made a database has lost nothing, of which nobody is told", () => {
  const ways = [true, false].flatMap((isNew) =>
    [true, false].map((hasHeader) => ({ isNew, hasHeader }))
  );
  for (const { isNew, hasHeader } of ways) {
    const told = isNew ? 0 : 1;
    const path = `${ROOT}/begun_${isNew}_${hasHeader}`;
    copyFolder(killed, path);
    Deno.truncateSync(`${path}/cache.sqlite`);
    Deno.removeSync(`${path}/cache.sqlite-wal`);
    if (hasHeader) {
      using db = new DatabaseSync(`${path}/cache.sqlite`);
      db.exec("PRAGMA journal_mode = WAL");
    }
    if (isNew) Deno.writeTextFileSync(`${path}/cache.sqlite-new`, "");
    using warnings = captureWarnings();
    using store = openStore(path);
    for (const n of ALL) assertEquals(judge(store, n), "miss");
    assertEquals(warnings.lines.length, told, `${warnings.lines}`);
    assert(!filesOf(path).includes("cache.sqlite-new"));
  }
});

for (const layout of ["sqlite", "files"] as const) {
  Deno.test(`What stands in the place of a file or folder is told once, and kept (${layout})`, async () => {
    const name = `damage_intruders_${layout}`;
    const path = `${ROOT}/${name}`;
    const seven = hi.func(name, "1", () => 7);
    const run = async () => {
      await using jobCache = new hi.JobCache({ path, layout });
      return await hi.config({ jobCache }, () => seven.run());
    };
    await run();
    const intruders = ["tmp", "owners", "wake", "waits", "quarantine"];
    if (layout === "files") {
      intruders.push("leases", "snapshots", "totals", "pins");
    }
    for (const name of intruders) {
      if (isFolder(`${path}/${name}`)) {
        Deno.removeSync(`${path}/${name}`, { recursive: true });
      }
      Deno.writeTextFileSync(`${path}/${name}`, `instead of ${name}`);
    }
    if (layout === "sqlite") {
      Deno.removeSync(`${path}/lock`);
      for (const name of ["lock", "cache.sqlite-wal"]) {
        Deno.mkdirSync(`${path}/${name}`);
        Deno.writeTextFileSync(`${path}/${name}/inner`, `instead of ${name}`);
        intruders.push(name);
      }
    }
    using warnings = captureWarnings();
    {
      await using jobCache = new hi.JobCache({ path, layout });
      const eight = hi.func(name + "_other", "1", () => 8);
      assertEquals(await hi.config({ jobCache }, () => eight.run()), 8);
      jobCache.pin({ kind: "function", value: name });
      assertEquals(await hi.config({ jobCache }, () => seven.run()), 7);
    }
    const told = warnings.lines.map((line) =>
      new RegExp(
        `^hither: ${path}/(\\S+) is not a (?:file|folder) and was moved to (.*)$`,
      )
        .exec(line)!
    );
    assertEquals(
      told.map(([, name]) => name!).sort(),
      intruders.toSorted(),
      `${warnings.lines}`,
    );
    for (const [, name, target] of told) {
      const file = isFolder(target!) ? `${target}/inner` : target!;
      assertEquals(Deno.readTextFileSync(file), `instead of ${name}`);
    }
  });
}

Deno.test("A database beside an older write-ahead log gives no wrong answer", async () => {
  const verdicts = await examine(closed, (path) => {
    Deno.copyFileSync(`${killed}/cache.sqlite-wal`, `${path}/cache.sqlite-wal`);
  });
  assertEquals(wrongOnes(verdicts), []);
});

Deno.test("Several damages at once give no wrong answer", async () => {
  const random = seeded(SEED + 1);
  for (let i = 0; i < 150; i++) {
    const verdicts = await examine(killed, (path) => {
      for (let j = 0; j < 1 + i; j++) {
        const file = random() < 0.5 ? "cache.sqlite" : "cache.sqlite-wal";
        const position = Math.floor(random() * sizeOf(`${path}/${file}`));
        flip(`${path}/${file}`, position, 1 + Math.floor(random() * 255));
      }
    });
    assertEquals(wrongOnes(verdicts), [], `round ${i}`);
  }
});
