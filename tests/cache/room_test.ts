/** Results that a limit leaves no room for, and the jobs that have them. */

import {
  assert,
  assertEquals,
  assertStrictEquals,
  assertStringIncludes,
} from "@std/assert";
import type { Layout } from "../../lib/cache/folder.ts";
import { BlobReference } from "../../lib/cache/blob_reference.ts";
import { LiveBlobs } from "../../lib/cache/live_blobs.ts";
import * as hi from "../../mod.ts";
import { bytesIn, captureWarnings, makeFolder, testBoth } from "./support.ts";

const BYTES = 200_000;

let ran = 0;

/** A cache in a folder of its own. */
async function openCache(
  layout: Layout,
  options: Omit<hi.JobCacheOptions, "path" | "layout"> = {},
) {
  const folder = await makeFolder();
  const { path } = folder;
  const jobCache = new hi.JobCache({ path, layout, ...options });
  return {
    jobCache,
    /** What it takes, as the files say. */
    bytes: () => bytesIn(path, layout),
    async [Symbol.asyncDispose]() {
      await jobCache[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

async function warningsOf(action: () => Promise<unknown>): Promise<string[]> {
  using captured = captureWarnings();
  await action();
  return captured.lines;
}

const big = hi.func("room_big", "1", (n: number) => {
  ran++;
  return new Uint8Array(200_000).fill(n);
});
const long = hi.func("room_long", "1", (n: number) => `${n}`.repeat(200_000));
const kept = hi.func(
  "room_kept",
  "1",
  (n: number) => new Uint8Array(200_000).fill(n + 100),
);
const small = hi.func("room_small", "1", (text: string) => text);
const first = hi.func("room_first", "1", (x: Uint8Array) => x[0]!);
const sum = hi.func(
  "room_sum",
  "1",
  (xs: Uint8Array[]) => xs.reduce((total, x) => total + x[0]!, 0),
);

const TEN = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];

testBoth(
  "A result that is larger than maxSize is given all the same, with one warning",
  async (layout) => {
    await using cache = await openCache(layout, { maxSize: BYTES / 2 });
    const { jobCache } = cache;
    await using jobHandler = new hi.ParallelJobHandler({ numWorkers: 1 });
    const warnings = await warningsOf(() =>
      hi.config({ jobCache }, async () => {
        assertEquals((await big.run(1))[0], 1);
        assertEquals((await long.run(2)).length, BYTES);
        assertEquals(await first.run(big.run(3)), 3);
        assertEquals(await first.with({ jobHandler }).run(big.run(4)), 4);
      })
    );
    assertEquals(warnings.length, 1);
    assertStringIncludes(warnings[0]!, "a result of room_big is not kept");
    assert(cache.bytes() <= BYTES / 2);
  },
);

testBoth(
  "A result for which what is kept leaves no room is given all the same, with one warning",
  async (layout) => {
    const maxSize = 1_000_000;
    await using cache = await openCache(layout, {
      maxSize,
      keep: { functions: ["room_kept"] },
    });
    const { jobCache } = cache;
    const warnings = await warningsOf(() =>
      hi.config({ jobCache }, async () => {
        for (const n of [1, 2, 3, 4]) await kept.run(n);
        for (const n of TEN) assertEquals((await big.run(n))[0], n);
        assertEquals(await sum.run(big.map([21, 22, 23])), 66);
        const job = kept.run(1);
        assertEquals([(await job)[0], job.cached], [101, true]);
      })
    );
    assertEquals(warnings.length, 1);
    assertStringIncludes(
      warnings[0]!,
      "leaves no room for it: the rest is pinned",
    );
    assert(cache.bytes() <= maxSize);
  },
);

testBoth(
  "Results that jobs still have are not lost to the limit, nor computed twice",
  async (layout) => {
    const maxSize = 1_000_000;
    await using cache = await openCache(layout, { maxSize });
    const { jobCache } = cache;
    ran = 0;
    const warnings = await warningsOf(() =>
      hi.config({ jobCache }, async () => {
        const jobs = big.map(TEN);
        const { finished } = await hi.wait();
        assertEquals(finished, 10);
        assertEquals(jobs.map((job) => job.getResult()[0]), TEN);
        assertEquals(await sum.run(jobs), 55);
        assertEquals(await sum.run(big.map(TEN.map((n) => n + 20))), 255);
      })
    );
    assertEquals(warnings, []);
    assertEquals(ran, 20);
    await jobCache[Symbol.asyncDispose]();
    assert(cache.bytes() <= maxSize);
  },
);

testBoth(
  "Results that jobs still have are not lost to gc",
  async (layout) => {
    await using cache = await openCache(layout);
    const { jobCache } = cache;
    await hi.config({ jobCache }, async () => {
      const jobs = big.map(TEN);
      await hi.wait();
      await warningsOf(() => jobCache.gc({ maxSize: 1, grace: 0 }));
      assertEquals(jobCache.stats().blobs, 0);
      assertEquals(jobs.map((job) => job.getResult()[0]), TEN);
    });
  },
);

testBoth(
  "A cache never takes more than maxSize between two jobs, and stats say what it takes",
  async (layout) => {
    const maxSize = 1_000_000;
    await using cache = await openCache(layout, { maxSize });
    const { jobCache } = cache;
    await hi.config({ jobCache }, async () => {
      for (let n = 0; n < 40; n++) {
        await big.run(n);
        const bytes = cache.bytes();
        assert(bytes <= maxSize, `${bytes} bytes after ${n + 1} stores`);
        assertEquals(jobCache.stats().bytes, bytes);
      }
    });
    assert(jobCache.stats().blobs >= 3);
  },
);

testBoth(
  "Small records and new functions take a cache beyond maxSize at no time",
  async (layout) => {
    const maxSize = 400_000;
    await using cache = await openCache(layout, { maxSize });
    const { jobCache } = cache;
    const lengths = [10, 3_990, 100, 2_100, 4_040, 30_000, 300, 7_900];
    await hi.config({ jobCache }, async () => {
      for (let n = 0; n < 480; n++) {
        const length = lengths[Math.floor(n / 20) % lengths.length]!;
        // The row of a function holds its version.
        const version = `${layout} ${n} `.padEnd(60_000, ".");
        const fn = n % 100 === 47
          ? hi.func("room_new", version, (text: string) => text)
          : small;
        await fn.run(`${n}`.padEnd(length, "."));
        const bytes = cache.bytes();
        assert(bytes <= maxSize, `${bytes} bytes after ${n + 1} stores`);
      }
    });
    assert(jobCache.stats().bytes > maxSize / 2);
  },
);

testBoth(
  "What a deleted record took is free after gc, in either layout",
  async (layout) => {
    await using cache = await openCache(layout);
    const { jobCache } = cache;
    await hi.config({ jobCache }, async () => {
      const job = big.run(1);
      await job;
      jobCache.delete(job);
    });
    assertEquals((await jobCache.gc()).blobs, 1);
    assertEquals(jobCache.stats().blobs, 0);
  },
);

testBoth("gc tells that a limit cannot be kept, and why", async (layout) => {
  await using cache = await openCache(layout);
  const { jobCache } = cache;
  await hi.config({ jobCache }, () => kept.run(1));
  jobCache.pin({ kind: "function", value: "room_kept" });
  const warnings = await warningsOf(async () => {
    const { left } = await jobCache.gc({ maxSize: 100_000 });
    assert(left > 100_000);
  });
  assertEquals(warnings.length, 1);
  assertStringIncludes(
    warnings[0]!,
    "more than maxSize (100000 bytes): the rest is pinned",
  );
});

Deno.test("Of what the limits cost, only so much comes into memory", () => {
  const live = new LiveBlobs(100);
  const reference = (n: number) =>
    BlobReference.of(`${n}`.repeat(64), undefined, 40);
  const read = () => new Uint8Array(40);
  const held = [1, 2, 3].map((n) => live.hold(reference(n)));
  assertStrictEquals(live.hold(reference(1)), held[0]);
  const released = [1, 2, 3, 4].map((n) =>
    live.release(`${n}`.repeat(64), read)
  );
  // Nobody holds the last one.
  assertEquals(released, [true, true, false, true]);
  assertEquals(held.map(({ bytes }) => bytes?.length), [40, 40, undefined]);
});
