import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { MemoryLeaf } from "../../lib/value/encoded.ts";
import type { FunctionInfo } from "../../lib/cache/record.ts";
import { ResultLostError } from "../../lib/errors.ts";
import {
  bytesIn,
  captureWarnings,
  filesOf,
  functionOf,
  judge,
  keyOf,
  makeFolder,
  openStore,
  randomBytes,
  recordOf,
  same,
  testBoth,
} from "./support.ts";

const KINDS = 12;

testBoth(
  "What was stored comes back whole, here and in a later program",
  async (layout) => {
    await using folder = await makeFolder();
    {
      using store = openStore(folder.path, { layout });
      for (let n = 0; n < KINDS; n++) {
        assertEquals(judge(store, n), "miss");
        await store.store(recordOf(n));
        assertEquals(judge(store, n), "hit");
      }
    }
    using store = openStore(folder.path, { layout });
    for (let n = 0; n < KINDS; n++) assertEquals(judge(store, n), "hit");
    assertEquals(judge(store, KINDS), "miss");
  },
);

testBoth(
  "The details tell when, where and with what a record was made",
  async (layout) => {
    await using folder = await makeFolder();
    using store = openStore(folder.path, { layout });
    const before = Date.now();
    store.store(recordOf(1));
    const details = store.lookup(keyOf(1))!.details()!;
    assert(details.storedAt >= before && details.storedAt <= Date.now());
    assertEquals(details.bytes, recordOf(1).outcome.value.bytes.length);
    assertEquals(details.host, Deno.hostname());
    assert(details.versions.startsWith(`deno ${Deno.version.deno}, hither `));
  },
);

testBoth(
  "A record without leaves is stored in the same turn",
  async (layout) => {
    await using folder = await makeFolder();
    using store = openStore(folder.path, { layout });
    assertStrictEquals(store.store(recordOf(1)), undefined);
    assertEquals(judge(store, 1), "hit");
  },
);

testBoth(
  "A record with leaves resolves to one whose leaves are on disk",
  async (layout) => {
    await using folder = await makeFolder();
    using store = openStore(folder.path, { layout });
    const record = recordOf(8);
    const stored = await store.store(record);
    const [leaf] = stored!.outcome.value.leaves;
    const [given] = record.outcome.value.leaves;
    assert(!(leaf instanceof MemoryLeaf));
    assert(same(leaf!.read(), given!.read()));
    // Each read is a buffer of its own: nothing is kept in memory.
    assert(leaf!.peek().buffer !== leaf!.peek().buffer);
  },
);

testBoth(
  "A blob stands under the SHA-256 of its bytes, once",
  async (layout) => {
    await using folder = await makeFolder();
    using store = openStore(folder.path, { layout });
    const bytes = randomBytes(70_000, 1);
    const { outcome } = recordOf(8);
    for (const n of [1, 2]) {
      await store.store({
        ...recordOf(8),
        key: keyOf(n),
        outcome: {
          ...outcome,
          value: {
            bytes: Uint8Array.of(n),
            leaves: [new MemoryLeaf(bytes), new MemoryLeaf(bytes)],
          },
        },
      });
    }
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes))
      .toHex();
    assertEquals(filesOf(`${folder.path}/blobs`), [
      `${digest.slice(0, 2)}/${digest.slice(2)}`,
    ]);
    assertEquals(filesOf(`${folder.path}/tmp`), []);
    assertEquals(store.stats().blobs, 1);
  },
);

testBoth(
  "One function is one object, so it can be compared by identity",
  async (layout) => {
    await using folder = await makeFolder();
    {
      using store = openStore(folder.path, { layout });
      for (const n of [0, 1, 3]) store.store(recordOf(n));
    }
    using store = openStore(folder.path, { layout });
    const [a, b, c] = [0, 1, 3].map((n) => store.lookup(keyOf(n))!.fn);
    assertStrictEquals(a, c);
    assertEquals(a, functionOf(0));
    assertEquals(b, functionOf(1));
  },
);

testBoth(
  "A second store of a key takes the place of the first",
  async (layout) => {
    await using folder = await makeFolder();
    using store = openStore(folder.path, { layout });
    store.store({ ...recordOf(2), key: keyOf(1) });
    store.store(recordOf(1));
    assertEquals(judge(store, 1), "hit");
    assertEquals(store.stats().records, 1);
  },
);

testBoth(
  "Names with any character come back, as far as the layout can say them",
  async (layout) => {
    await using folder = await makeFolder();
    const names = ["größe", "名前", 'a"b\\c', "a\tb", "nul\0nul", "lone\ud800"];
    {
      using store = openStore(folder.path, { layout });
      for (const [n, name] of names.entries()) {
        store.store({
          ...recordOf(1),
          key: keyOf(n),
          fn: { ...functionOf(1), name },
        });
      }
    }
    using store = openStore(folder.path, { layout });
    const found = names.map((_, n) => store.lookup(keyOf(n))!.fn.name);
    assertEquals(found.slice(0, 4), names.slice(0, 4));
    assertEquals(
      found.slice(4),
      layout === "sqlite" ? ["nul\ufffdnul", "lone\ufffd"] : names.slice(4),
    );
  },
);

testBoth(
  "Console text comes back to the last lone surrogate",
  async (layout) => {
    await using folder = await makeFolder();
    using store = openStore(folder.path, { layout });
    const console = [
      {
        stream: "stdout" as const,
        text: "\ud800 \0 \u2028 \x1b[31mred\n",
        time: 1.5,
      },
      { stream: "stderr" as const, text: "x".repeat(200_000), time: 2 },
    ];
    const { outcome } = recordOf(1);
    store.store({ ...recordOf(1), outcome: { ...outcome, console } });
    assertEquals(store.lookup(keyOf(1))!.outcome.console, console);
  },
);

testBoth("A deleted record is a miss", async (layout) => {
  await using folder = await makeFolder();
  using store = openStore(folder.path, { layout });
  store.store(recordOf(1));
  store.store(recordOf(2));
  assert(store.delete(keyOf(1)));
  assert(!store.delete(keyOf(1)));
  assertEquals([judge(store, 1), judge(store, 2)], ["miss", "hit"]);
});

testBoth(
  "Clearing removes records and blobs, and no file of somebody else",
  async (layout) => {
    await using folder = await makeFolder();
    using store = openStore(folder.path, { layout });
    for (let n = 0; n < KINDS; n++) await store.store(recordOf(n));
    const theirs = ["notes.txt", "blobs/notes.txt", "blobs/ab/notes.txt"];
    Deno.mkdirSync(`${folder.path}/blobs/ab`, { recursive: true });
    for (const name of theirs) {
      Deno.writeTextFileSync(`${folder.path}/${name}`, "");
    }
    store.clear();
    const { records, blobs } = store.stats();
    assertEquals([records, blobs], [0, 0]);
    assertEquals(
      filesOf(folder.path).filter((name) => theirs.includes(name)),
      theirs.toSorted(),
    );
    await store.store(recordOf(8));
    assertEquals(judge(store, 8), "hit");
  },
);

testBoth(
  "Clearing spares what another program is writing, not what a dead one left",
  async (layout) => {
    await using folder = await makeFolder();
    using store = openStore(folder.path, { layout });
    await store.store(recordOf(8));
    const [writing, left] = [crypto.randomUUID(), crypto.randomUUID()];
    for (const name of [writing, left]) {
      Deno.writeTextFileSync(`${folder.path}/tmp/${name}`, "half of a blob");
    }
    const yesterday = new Date(Date.now() - 24 * 3_600_000);
    Deno.utimeSync(`${folder.path}/tmp/${left}`, yesterday, yesterday);
    store.clear();
    assertEquals(filesOf(`${folder.path}/tmp`), [writing]);
  },
);

testBoth(
  "The statistics count what is there and what was asked for",
  async (layout) => {
    await using folder = await makeFolder();
    using store = openStore(folder.path, { layout });
    for (let n = 0; n < KINDS; n++) await store.store(recordOf(n));
    judge(store, 0);
    judge(store, 1);
    judge(store, KINDS);
    const { records, blobs, bytes, hits, misses } = store.stats();
    assertEquals([records, blobs, hits, misses], [KINDS, 2, 2, 1]);
    assertEquals(bytes, bytesIn(folder.path, layout));
  },
);

testBoth(
  "The nearest record of a function shares the most parts, and is not the one excepted",
  async (layout) => {
    await using folder = await makeFolder();
    using store = openStore(folder.path, { layout });
    const part = (path: string, digit: string) => ({
      path,
      digest: digit.repeat(16),
    });
    const shapes = [
      [part("a", "1"), part("b", "1"), part("c", "1")],
      [part("a", "1"), part("b", "2"), part("c", "1")],
      [part("a", "2"), part("b", "2"), part("c", "2")],
    ];
    const fn = functionOf(0);
    for (const [n, parts] of shapes.entries()) {
      store.store({ ...recordOf(1), key: keyOf(n), fn, parts });
    }
    store.store({
      ...recordOf(1),
      key: keyOf(9),
      fn: functionOf(1),
      parts: shapes[0]!,
    });
    const farther = new Set<string>();
    const distanceOf = (made: FunctionInfo) =>
      Number(farther.has(made.version));
    const nearest = (parts: typeof shapes[0], except = "") =>
      store.nearest(fn.name, { parts, distanceOf }, except, Date.now())?.key;
    assertEquals(nearest(shapes[0]!), keyOf(0).toHex());
    assertEquals(nearest(shapes[0]!, keyOf(0).toHex()), keyOf(1).toHex());
    assertEquals(
      nearest([part("a", "3"), part("b", "2"), part("c", "2")]),
      keyOf(2).toHex(),
    );
    // Nothing in common: the latest.
    assertEquals(nearest([part("z", "3")]), keyOf(2).toHex());
    // One part more is farther than nothing more; another version is nearer than that.
    const [a, b, c] = shapes[0]!;
    const longer = { ...recordOf(1), key: keyOf(10), fn };
    store.store({ ...longer, parts: [a!, b!, c!, part("d", "1")] });
    assertEquals(nearest(shapes[0]!), keyOf(0).toHex());
    farther.add(fn.version);
    store.store({
      ...recordOf(1),
      key: keyOf(11),
      fn: { ...fn, version: "another" },
      parts: shapes[0]!,
    });
    assertEquals(nearest(shapes[0]!), keyOf(11).toHex());
    assertEquals(
      store.nearest(
        "another",
        { parts: shapes[0]!, distanceOf },
        "",
        Date.now(),
      ),
      undefined,
    );
  },
);

testBoth(
  "The nearest record is one that was there at the time asked about",
  async (layout) => {
    await using folder = await makeFolder();
    using store = openStore(folder.path, { layout });
    const { parts } = recordOf(1);
    const { name } = functionOf(1);
    const [earlier, later] = [1_000, 2_000];
    const { now } = Date;
    try {
      Date.now = () => earlier;
      store.store({ ...recordOf(4), parts: [] });
      Date.now = () => later;
      store.store(recordOf(1));
    } finally {
      Date.now = now;
    }
    const nearest = (before: number) =>
      store.nearest(name, { parts, distanceOf: () => 0 }, "", before)?.key;
    assertEquals(nearest(later), keyOf(1).toHex());
    assertEquals(nearest(later - 1), keyOf(4).toHex());
    assertEquals(nearest(earlier), keyOf(4).toHex());
    assertEquals(nearest(earlier - 1), undefined);
  },
);

testBoth(
  "A blob that is damaged while the cache is open costs its own job, once",
  async (layout) => {
    await using folder = await makeFolder();
    using warnings = captureWarnings();
    using store = openStore(folder.path, { layout });
    for (const n of [7, 8, 18]) await store.store(recordOf(n));
    const found = store.lookup(keyOf(8))!;
    await store.prepare(found);
    const [leaf] = found.outcome.value.leaves;
    const { digest } = leaf!;
    const path = `${folder.path}/blobs/${digest!.slice(0, 2)}/${
      digest!.slice(2)
    }`;
    const bytes = Deno.readFileSync(path);
    bytes[40_000]! ^= 1;
    Deno.writeFileSync(path, bytes);
    let error: unknown;
    try {
      leaf!.read();
    } catch (thrown) {
      error = thrown;
    }
    assert(error instanceof ResultLostError);
    assertEquals([7, 8, 18].map((n) => judge(store, n)), [
      "hit",
      "miss",
      "hit",
    ]);
    assertEquals(warnings.lines.length, 1);
    assert(warnings.lines[0]!.includes(path));
    const quarantined = filesOf(`${folder.path}/quarantine`);
    assert(quarantined.length === 1 && quarantined[0]!.endsWith(digest!));
    await store.store(recordOf(8));
    assertEquals(judge(store, 8), "hit");
  },
);

testBoth("A cache without XXH3 verifies by SHA-256", async (layout) => {
  await using folder = await makeFolder();
  using store = openStore(folder.path, { layout });
  const { BlobFiles } = await import("../../lib/cache/blobs.ts");
  const { BlobReference } = await import("../../lib/cache/blob_reference.ts");
  const { CacheFolder } = await import("../../lib/cache/folder.ts");
  await store.store(recordOf(8));
  const blobs = new BlobFiles(new CacheFolder(folder.path));
  const [leaf] = recordOf(8).outcome.value.leaves;
  const reference = BlobReference.of(
    leaf!.digest!,
    undefined,
    leaf!.byteLength,
  );
  assert(same(blobs.read(reference), leaf!.peek()));
  Deno.writeFileSync(blobs.path(reference), new Uint8Array(leaf!.byteLength));
  let message = "";
  try {
    blobs.read(reference);
  } catch (error) {
    message = (error as Error).message;
  }
  assertEquals(message, "is damaged");
});
