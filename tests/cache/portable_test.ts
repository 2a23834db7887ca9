/** What those who look after a cache in the portable layout can do. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { dirname } from "jsr:@std/path@^1/dirname";
import { FileStore } from "../../lib/cache/file_store.ts";
import type { Limits } from "../../lib/cache/limits.ts";
import type { NewRecord } from "../../lib/cache/record.ts";
import { MemoryLeaf } from "../../lib/value/encoded.ts";
import { runChild, spawnChild } from "./children.ts";
import {
  captureWarnings,
  filesOf,
  functionOf,
  judge,
  keyOf,
  makeFolder,
  randomBytes,
  recordOf,
} from "./support.ts";

const COUNT = 30;
const DAY = 24 * 3_600_000;

function open(path: string, limits: Limits = {}): FileStore & Disposable {
  const store = new FileStore(path, { readonly: false, ...limits });
  return Object.assign(store, { [Symbol.dispose]: () => store.close() });
}

async function fill(store: FileStore, count = COUNT): Promise<void> {
  for (let n = 0; n < count; n++) await store.store(recordOf(n));
}

function pathOf(folder: string, n: number): string {
  const hex = keyOf(n).toHex();
  return `${folder}/jobs/${hex.slice(0, 2)}/${hex.slice(2)}`;
}

function blobPath(folder: string, digest: string): string {
  return `${folder}/blobs/${digest.slice(0, 2)}/${digest.slice(2)}`;
}

/** Makes files as old as if they had been written long ago. */
function age(folder: string, ms: number): void {
  const then = new Date(Date.now() - ms);
  for (const name of filesOf(folder)) {
    Deno.utimeSync(`${folder}/${name}`, then, then);
  }
}

/** A record with one large leaf, which may be that of another. */
function withLeaf(n: number, leaf: number): NewRecord {
  const record = recordOf(8);
  const leaves = [new MemoryLeaf(randomBytes(66_000, leaf))];
  const value = { bytes: Uint8Array.of(n), leaves };
  return {
    ...record,
    key: keyOf(n),
    outcome: { ...record.outcome, value },
  };
}

function blobsIn(folder: string): number {
  return filesOf(`${folder}/blobs`).length;
}

Deno.test("Records are listed, the latest first, by what is asked for", async () => {
  await using folder = await makeFolder();
  using store = open(folder.path);
  await fill(store);
  const keys = (filter: Parameters<typeof store.list>[0]) =>
    Array.from(store.list(filter), ({ key }) => key);
  const all = Array.from({ length: COUNT }, (_, n) => keyOf(n).toHex());
  assertEquals(keys({}), all.toReversed());
  assertEquals(keys({ limit: 2 }), all.toReversed().slice(0, 2));
  assertEquals(
    keys({ name: functionOf(1).name }),
    all.filter((_, n) => n % 3 === 1).toReversed(),
  );
  assertEquals(
    keys({ status: "error" }),
    all.filter((_, n) => n % 10 === 9).toReversed(),
  );
  for (const digits of [1, 2, 5]) {
    const keyPrefix = all[4]!.slice(0, digits);
    assertEquals(
      keys({ keyPrefix }),
      all.filter((key) => key.startsWith(keyPrefix)).toReversed(),
    );
  }
  assertEquals(keys({ version: "2" }), []);
  assertEquals(keys({ label: "none" }), []);
});

Deno.test("A record is described with all but its value", async () => {
  await using folder = await makeFolder();
  using store = open(folder.path);
  await fill(store, 9);
  const { preview, parts, upstream, outcome } = recordOf(8);
  const found = store.describe(keyOf(8))!;
  assertEquals(
    [found.preview, found.parts, found.upstream, found.console],
    [preview, parts, upstream, outcome.console],
  );
  assertEquals(found.startedAt, outcome.timing.startedAt);
  assertEquals(found.duration, outcome.timing.duration);
  assertEquals(found.blobs.map(({ bytes }) => bytes), [66_000]);
  assertEquals([found.status, found.pinned], ["finished", false]);
  assertEquals(store.describe(keyOf(20)), undefined);
});

Deno.test("Verifying finds what is damaged, gone and unused, and sets it aside", async () => {
  await using folder = await makeFolder();
  using _quiet = captureWarnings();
  using store = open(folder.path);
  await fill(store);
  const whole = await store.verify({});
  const blobs = blobsIn(folder.path);
  assertEquals(whole.records, COUNT);
  assertEquals(whole.blobs, blobs);
  assertEquals(
    [whole.badRecords, whole.badBlobs, whole.missingBlobs, whole.unusedBlobs],
    [0, 0, 0, 0],
  );
  assert(whole.bytes > blobs * 66_000);

  Deno.writeTextFileSync(pathOf(folder.path, 1), "garbage");
  const [damaged, gone] = [8, 18]
    .map((n) =>
      blobPath(folder.path, recordOf(n).outcome.value.leaves[0]!.digest!)
    );
  Deno.writeFileSync(damaged!, new Uint8Array(66_000));
  Deno.removeSync(gone!);
  store.delete(keyOf(28));
  let last = 0;
  const report = await store.verify({ onProgress: (part) => last = part });
  assertEquals(last, 1);
  assertEquals(
    [
      report.badRecords,
      report.badBlobs,
      report.missingBlobs,
      report.unusedBlobs,
    ],
    [3, 1, 1, 1],
  );
  const lost = [1, 8, 18, 28];
  for (let n = 0; n < COUNT; n++) {
    assertEquals(judge(store, n), lost.includes(n) ? "miss" : "hit");
  }
  const again = await store.verify({});
  assertEquals([again.badRecords, again.badBlobs, again.missingBlobs], [
    0,
    0,
    0,
  ]);
  assertEquals(filesOf(`${folder.path}/quarantine`).length, 2);
});

Deno.test("Work is ended by its signal, with its reason", async () => {
  await using folder = await makeFolder();
  using store = open(folder.path);
  await fill(store);
  const signal = AbortSignal.abort(new Error("enough"));
  await assertRejects(() => store.verify({ signal }), Error, "enough");
  await assertRejects(() => store.collect({ signal }), Error, "enough");
});

Deno.test("What a deleted record named is collected at once; what none has named yet, when it is older than the grace period", async () => {
  await using folder = await makeFolder();
  using store = open(folder.path);
  const code = "ab".repeat(32);
  const fn = { ...functionOf(1), code };
  await store.store({ ...recordOf(8), fn, snapshot: "{}" });
  await store.store(recordOf(18));
  assertEquals(store.snapshot(code), "{}");
  const nameless = `${folder.path}/blobs/ab/${"cd".repeat(31)}`;
  Deno.mkdirSync(dirname(nameless), { recursive: true });
  Deno.writeTextFileSync(nameless, "of a writer that is not done yet");
  const kept = await store.collect({});
  assertEquals([kept.records, kept.blobs], [0, 0]);
  assertEquals(blobsIn(folder.path), 3);
  store.delete(keyOf(8));
  const deleted = await store.collect({});
  assertEquals([deleted.records, deleted.blobs], [0, 1]);
  assert(deleted.bytes >= 66_000);
  assertEquals(store.snapshot(code), "{}");
  age(`${folder.path}/blobs`, 2 * 3_600_000);
  age(`${folder.path}/snapshots`, 2 * 3_600_000);
  const report = await store.collect({});
  assertEquals([report.records, report.blobs], [0, 1]);
  assertEquals(store.snapshot(code), undefined);
  assertEquals(judge(store, 18), "hit");
  assertEquals(report.left, store.stats().bytes);
});

Deno.test("A writer that finds its blob there makes it young again", async () => {
  await using folder = await makeFolder();
  using store = open(folder.path);
  await store.store(withLeaf(1, 1));
  store.delete(keyOf(1));
  age(`${folder.path}/blobs`, 2 * 3_600_000);
  await store.store(withLeaf(2, 1));
  store.delete(keyOf(2));
  await store.collect({});
  assertEquals(blobsIn(folder.path), 1);
});

Deno.test("A writer whose blob is swept away meanwhile writes it again", async () => {
  await using folder = await makeFolder();
  using store = open(folder.path);
  const record = recordOf(8);
  const [leaf] = record.outcome.value.leaves;
  let swept = false;
  const lease = { key: record.key, owner: "me", token: 1 };
  // The last thing before the record is in place: somebody collects.
  Object.assign(store.leases!, {
    holds: () => {
      if (!swept) Deno.removeSync(blobPath(folder.path, leaf!.digest!));
      swept = true;
      return true;
    },
  });
  await store.store({ ...record, lease });
  assert(swept);
  assertEquals(judge(store, 8), "hit");
});

Deno.test("A record whose lease was taken over is not stored", async () => {
  await using folder = await makeFolder();
  using store = open(folder.path);
  const claim = store.leases!.claim(keyOf(1));
  if (claim.kind !== "granted") throw new Error(claim.kind);
  const { lease } = claim;
  assertEquals(store.leases!.claim(keyOf(1)).kind, "held");
  await store.store({
    ...recordOf(1),
    lease: { ...lease, owner: crypto.randomUUID() },
  });
  assertEquals(judge(store, 1), "miss");
  await store.store({ ...recordOf(1), lease });
  assertEquals(judge(store, 1), "hit");
  assertEquals(store.leases!.claim(keyOf(1)).kind, "stored");
});

Deno.test("Collecting keeps what is pinned and what is worth most", async () => {
  await using folder = await makeFolder();
  using store = open(folder.path, { keep: { labels: ["gold"] } });
  for (let n = 0; n < 10; n++) {
    const record = withLeaf(n, n);
    const { outcome, fn } = record;
    await store.store({
      ...record,
      fn: n === 0 ? { ...fn, label: "gold" } : fn,
      outcome: {
        ...outcome,
        timing: { startedAt: 1, duration: n < 5 ? 10 : 60_000 },
      },
    });
  }
  assert(store.pin({ kind: "key", value: keyOf(1).toHex() }));
  assert(!store.pin({ kind: "key", value: keyOf(1).toHex() }));
  const pinned = Array.from(store.list({})).filter(({ pinned }) => pinned);
  assertEquals(
    pinned.map(({ key }) => key),
    [1, 0].map((n) => keyOf(n).toHex()),
  );
  const report = await store.collect({ maxSize: 7 * 68_000 });
  assertEquals([report.records, report.blobs], [3, 3]);
  assert(report.left <= 7 * 68_000);
  assertEquals(report.left, store.stats().bytes);
  const left = Array.from({ length: 10 }, (_, n) => n)
    .filter((n) => store.lookup(keyOf(n)) !== undefined);
  assertEquals(left, [0, 1, 5, 6, 7, 8, 9]);
  assert(store.unpin({ kind: "key", value: keyOf(1).toHex() }));
  assertEquals(store.pins(), []);
});

Deno.test("A gc that is killed leaves hardly a blob without its record, and costs no record later", async () => {
  await using folder = await makeFolder();
  const count = 20, killedAfter = 8, each = 68_000;
  {
    using store = open(folder.path);
    for (let n = 0; n < count; n++) await store.store(withLeaf(n, n));
  }
  // It looks when it begins, after it has read each record, and after it has deleted each.
  const looks = 1 + count + killedAfter;
  const child = spawnChild(
    ["collect", folder.path, `${each}`, `${looks}`],
    { layout: "files" },
  );
  const { signal } = await child.output();
  await child.stdin.close();
  assertEquals(signal, "SIGKILL");
  const maxSize = (count - killedAfter + 4) * each;
  using store = open(folder.path, { maxSize });
  const { records, unusedBlobs } = await store.verify({});
  assertEquals(records, count - killedAfter);
  assert(unusedBlobs <= 1, `${unusedBlobs}`);
  for (const n of [100, 101]) await store.store(withLeaf(n, n));
  await store.settled();
  assertEquals(store.stats().records, count - killedAfter + 2);
});

Deno.test("Blobs of nobody that gc has to spare cost no record", async () => {
  await using folder = await makeFolder();
  const count = 10, maxSize = 14 * 68_000;
  using store = open(folder.path, { maxSize });
  for (let n = 0; n < count; n++) await store.store(withLeaf(n, n));
  const minuteAgo = new Date(Date.now() - 60_000);
  for (let n = 0; n < 20; n++) {
    const path = blobPath(folder.path, keyOf(1_000 + n).toHex());
    Deno.mkdirSync(dirname(path), { recursive: true });
    Deno.writeFileSync(path, new Uint8Array(66_000));
    Deno.utimeSync(path, minuteAgo, minuteAgo);
  }
  const report = await store.collect({});
  assertEquals([report.records, report.blobs], [0, 0]);
  assertEquals(report.left, store.stats().bytes);
  for (const n of [100, 101]) await store.store(withLeaf(n, n));
  await store.settled();
  assertEquals(store.stats().records, count + 2);
  age(`${folder.path}/blobs`, 2 * 3_600_000);
  assertEquals((await store.collect({})).blobs, 20);
});

Deno.test("What was not used for long is collected by age; a hit counts as use", async () => {
  await using folder = await makeFolder();
  using store = open(folder.path);
  const { now } = Date;
  const long = 10 * DAY;
  Date.now = () => now() - long;
  try {
    for (const n of [1, 2]) await store.store(recordOf(n));
  } finally {
    Date.now = now;
  }
  age(`${folder.path}/jobs`, long);
  assertEquals(judge(store, 1), "hit");
  const used = [...store.list({})];
  assert(used.some(({ usedAt }) => now() - usedAt <= 2 * DAY));
  for (const { usedAt, storedAt } of used) {
    assert(usedAt === storedAt || usedAt > storedAt && usedAt % DAY === 0);
  }
  const { records } = await store.collect({ maxAge: 5 * DAY });
  assertEquals(records, 1);
  assertEquals([judge(store, 1), judge(store, 2)], ["hit", "miss"]);
});

Deno.test("A cache with a limit stays below it while it is written, and spares what is pinned", async () => {
  await using folder = await makeFolder();
  const maxSize = 2_000_000;
  {
    using store = open(folder.path, { maxSize });
    await store.store(withLeaf(0, 0));
    store.pin({ kind: "key", value: keyOf(0).toHex() });
    for (let n = 1; n < 100; n++) {
      await store.store(withLeaf(n, n));
      await store.settled();
      const { bytes } = store.stats();
      assert(bytes <= maxSize, `${bytes} after ${n}`);
    }
    for (let n = 0; n < 500; n++) store.store(recordOf(n * 10 + 1));
    await store.settled();
    assert(store.lookup(keyOf(0)) !== undefined);
  }
  using store = open(folder.path, { maxSize });
  const { records, bytes } = store.stats();
  assert(bytes <= maxSize, `${bytes}`);
  // Many small ones stay for each large one that goes.
  assert(records > 400, `${records}`);
  const report = await store.verify({});
  assertEquals([report.badRecords, report.missingBlobs], [0, 0]);
});

Deno.test("Eviction does not touch a blob that another record names", async () => {
  await using folder = await makeFolder();
  using store = open(folder.path, { maxSize: 1_000_000 });
  const { timing, ...rest } = recordOf(8).outcome;
  for (const n of [0, 1]) {
    const record = withLeaf(n, 1_000);
    await store.store(
      n === 0 ? record : {
        ...record,
        outcome: {
          ...record.outcome,
          timing: { ...timing, duration: 3_600_000 },
        },
      },
    );
  }
  assert(rest.status === "finished");
  store.pin({ kind: "key", value: keyOf(1).toHex() });
  for (let n = 2; n < 40; n++) await store.store(withLeaf(n, n));
  await store.settled();
  assertEquals(store.lookup(keyOf(0)), undefined);
  const kept = store.lookup(keyOf(1))!;
  await store.prepare(kept);
  assertEquals(kept.outcome.value.leaves[0]!.read().length, 66_000);
});

Deno.test("Two writers of one blob at the same time share it", async () => {
  await using folder = await makeFolder();
  using store = open(folder.path, { maxSize: 1_000_000 });
  // Neither sees the blob of the other before it writes its own.
  await Promise.all([0, 1].map((n) => store.store(withLeaf(n, 1_000))));
  assertEquals(blobsIn(folder.path), 1);
  store.pin({ kind: "key", value: keyOf(1).toHex() });
  for (let n = 2; n < 40; n++) await store.store(withLeaf(n, n));
  await store.settled();
  assertEquals(store.lookup(keyOf(0)), undefined);
  const kept = store.lookup(keyOf(1))!;
  await store.prepare(kept);
  assertEquals(kept.outcome.value.leaves[0]!.read().length, 66_000);
});

for (
  const [who, finds] of [
    ["a reader", (store: FileStore) => {
      const found = store.lookup(keyOf(8))!;
      found.outcome.value.leaves[0]!.read();
    }],
    ["verify", async (store: FileStore) => {
      const { badRecords, missingBlobs } = await store.verify({});
      assertEquals([badRecords, missingBlobs], [0, 0]);
    }],
    ["gc", (store: FileStore) => store.collect({})],
  ] as const
) {
  Deno.test(`A blob that a killed program had moved away to look whether it is needed is found by ${who}`, async () => {
    await using folder = await makeFolder();
    using store = open(folder.path);
    await store.store(recordOf(8));
    const digest = recordOf(8).outcome.value.leaves[0]!.digest!;
    const aside = `${folder.path}/tmp/aside-${digest}`;
    Deno.renameSync(blobPath(folder.path, digest), aside);
    await finds(store);
    assertEquals(judge(store, 8), "hit");
    assertEquals(filesOf(`${folder.path}/tmp`), []);
  });
}

Deno.test("Programs that collect beside others that store lose nothing of them", async () => {
  await using folder = await makeFolder();
  using store = open(folder.path);
  const children = [[0, 120], [100, 220]].map(([from, to]) =>
    runChild(["store", folder.path, `${from}`, `${to}`], { layout: "files" })
  );
  let running = true;
  const all = Promise.all(children).finally(() => running = false);
  while (running) {
    await store.collect({});
    await store.verify({});
  }
  for (const { answer, stderr } of await all) {
    assertEquals(new Set(answer as string[]), new Set(["hit"]));
    assertEquals(stderr, "");
  }
  for (let n = 0; n < 220; n++) assertEquals(judge(store, n), "hit");
});

Deno.test("The totals of many programs are folded, and the time saved is kept", async () => {
  await using folder = await makeFolder();
  for (let n = 0; n < 40; n++) {
    using store = open(folder.path);
    store.store(recordOf(n * 10 + 1));
    store.lookup(keyOf(1));
  }
  const files = () => filesOf(`${folder.path}/totals`).length;
  assertEquals(files(), 40);
  const saved = 40 * recordOf(1).outcome.timing.duration;
  age(`${folder.path}/totals`, 2 * 3_600_000);
  {
    using store = open(folder.path);
    assertEquals(store.stats().saved, saved);
    store.store(recordOf(401));
  }
  assertEquals(files(), 1);
  using store = open(folder.path);
  assertEquals(store.stats().saved, saved);
  const { left } = await store.collect({});
  assertEquals(left, store.stats().bytes);
  assertEquals(store.stats().saved, saved);
});
