/** The limits of a cache, kept while it is written to. */

import { assert, assertEquals } from "@std/assert";
import * as hi from "../../mod.ts";
import type { Layout } from "../../lib/cache/folder.ts";
import {
  bytesIn,
  captureWarnings,
  filesOf,
  makeFolder,
  testBoth,
} from "./support.ts";

const DAY = 24 * 3_600_000;

const text = hi.func(
  "limits_text",
  "1",
  (n: number, length: number) => `${n}`.padEnd(length, "."),
);
const array = hi.func(
  "limits_array",
  "1",
  (n: number) => new Float64Array(10_000).fill(n),
);
const kept = hi.func("limits_kept", "1", (n: number) => n, { label: "paper" });
const paper = hi.func("limits_paper", "1", (n: number) => -n, {
  label: "paper",
});

const slow = hi.func("limits_slow", "1", (n: number) => {
  const start = performance.now();
  while (performance.now() - start < 40);
  return n;
});

/** Does something while the clock of this program is set back. */
async function ago(ms: number, action: () => Promise<unknown>): Promise<void> {
  const { now } = Date;
  Date.now = () => now() - ms;
  try {
    await action();
  } finally {
    Date.now = now;
  }
}

/** Makes the files of records as old as what they hold. */
function age(path: string, layout: Layout, ms: number): void {
  if (layout === "sqlite") return;
  const then = new Date(Date.now() - ms);
  for (const name of filesOf(`${path}/jobs`)) {
    Deno.utimeSync(`${path}/jobs/${name}`, then, then);
  }
}

testBoth(
  "What took long to compute stays where room is made by what is quick to compute again",
  async (layout) => {
    await using folder = await makeFolder();
    const { path } = folder;
    await using jobCache = new hi.JobCache({ path, layout, maxSize: 500_000 });
    await hi.config({ jobCache }, async () => {
      const numbers = Array.from({ length: 10 }, (_, n) => n);
      await Promise.all(numbers.map((n) => slow.run(n)));
      for (let n = 0; n < 3_000; n++) await text.run(n, 50);
      const { records } = jobCache.stats();
      assert(records < 2_000, `${records} records`);
      const jobs = numbers.map((n) => slow.run(n));
      await hi.wait();
      assertEquals(jobs.filter((job) => job.cached).length, 10);
    });
  },
);

testBoth(
  "A cache stays within maxSize while it is written to, and keeps what is pinned and what is kept",
  async (layout) => {
    await using folder = await makeFolder();
    const { path } = folder;
    const maxSize = 1_500_000;
    const options = { path, layout, maxSize, keep: { labels: ["paper"] } };
    await using jobCache = new hi.JobCache(options);
    await hi.config({ jobCache }, async () => {
      await Promise.all([kept.run(1), paper.run(1)]);
      const { job } = { job: array.run(-1) };
      await job;
      jobCache.pin({ kind: "key", value: job.key! });
      for (let n = 0; n < 60; n++) {
        await array.run(n);
        for (let i = 0; i < 20; i++) await text.run(20 * n + i, 2_000);
      }
    });
    await jobCache[Symbol.asyncDispose]();
    const bytes = bytesIn(path, layout);
    assert(bytes <= maxSize && bytes > maxSize / 2, `${bytes} bytes`);
    const { badRecords, missingBlobs } = await jobCache.verify();
    assertEquals([badRecords, missingBlobs], [0, 0]);
    await hi.config({ jobCache }, async () => {
      const jobs = [kept.run(1), paper.run(1), array.run(-1)];
      await hi.wait();
      assertEquals(jobs.map((job) => job.cached), [true, true, true]);
    });
  },
);

testBoth(
  "Records that were not used for longer than maxAge go as others are stored",
  async (layout) => {
    await using folder = await makeFolder();
    const { path } = folder;
    {
      await using jobCache = new hi.JobCache({ path, layout });
      await ago(20 * DAY, () =>
        hi.config({ jobCache }, async () => {
          for (let n = 0; n < 60; n++) await text.run(n, 10);
          await array.run(0);
          await kept.run(2);
        }));
    }
    age(path, layout, 20 * DAY);
    {
      // A hit counts as use.
      await using jobCache = new hi.JobCache({ path, layout });
      await hi.config({ jobCache }, () => text.run(7, 10));
    }
    const keep = { functions: ["limits_kept"] };
    await using jobCache = new hi.JobCache({
      path,
      layout,
      maxAge: 10 * DAY,
      keep,
    });
    await hi.config({ jobCache }, async () => {
      for (let n = 0; n < 128; n++) await text.run(n, 11);
    });
    const old = Array.from(jobCache.records())
      .filter(({ storedAt }) => storedAt < Date.now() - 10 * DAY)
      .map(({ fn, preview }) => `${fn.name}(${preview})`);
    assertEquals(old.sort(), ["limits_kept(2)", "limits_text(7, 10)"]);
    assertEquals(filesOf(`${path}/blobs`), []);
  },
);

testBoth(
  "What gc deletes in any case costs no records beside it",
  async (layout) => {
    await using folder = await makeFolder();
    await using jobCache = new hi.JobCache({ path: folder.path, layout });
    await hi.config({ jobCache }, async () => {
      const jobs = Array.from({ length: 10 }, (_, n) => array.run(n));
      await hi.wait();
      const { bytes } = jobCache.stats();
      for (const job of jobs.slice(0, 5)) jobCache.delete(job);
      // Room for 4: the blobs of the 5 that were deleted go, and one more record.
      const report = await jobCache.gc({ maxSize: bytes - 5.5 * 80_000 });
      assertEquals([report.records, report.blobs], [1, 6]);
      assertEquals(jobCache.stats().records, 4);
    });
  },
);

testBoth(
  "gc deletes what a killed program left that tried whether the disk is full, once it is old",
  async (layout) => {
    await using folder = await makeFolder();
    const { path } = folder;
    await using jobCache = new hi.JobCache({ path, layout });
    await hi.config({ jobCache }, () => kept.run(3));
    const left = () =>
      Array.from(Deno.readDirSync(path), ({ name }) => name)
        .filter((name) => name.startsWith("room-")).sort();
    const names = ["room-1 is mine", `room-${crypto.randomUUID()}`];
    for (const name of names) Deno.writeTextFileSync(`${path}/${name}`, "");
    await jobCache.gc();
    assertEquals(left(), names.sort());
    const then = new Date(Date.now() - 2 * 3_600_000);
    for (const name of names) Deno.utimeSync(`${path}/${name}`, then, then);
    await jobCache.gc();
    assertEquals(left(), ["room-1 is mine"]);
  },
);

testBoth(
  "gc deletes no more than it must",
  async (layout) => {
    await using folder = await makeFolder();
    await using jobCache = new hi.JobCache({ path: folder.path, layout });
    await hi.config({ jobCache }, async () => {
      for (let n = 0; n < 4_000; n++) {
        await text.run(n, n % 7 === 0 ? 1_500 : n % 300);
      }
    });
    for (const part of [0.8, 0.5]) {
      const maxSize = Math.floor(jobCache.stats().bytes * part);
      const { left } = await jobCache.gc({ maxSize });
      assertEquals(left, bytesIn(folder.path, layout));
      assert(
        left <= maxSize && left > 0.98 * maxSize,
        `${left} bytes of ${maxSize}`,
      );
    }
  },
);

let runs = 0;
const large = hi.func("limits_large", "1", (n: number, length: number) => {
  runs++;
  return new Float64Array(length).fill(n);
});

testBoth(
  "A limit that is too small for the results of a program costs none of them",
  async (layout) => {
    await using folder = await makeFolder();
    using warnings = captureWarnings();
    const options = { path: folder.path, layout, maxSize: 1_000_000 };
    await using jobCache = new hi.JobCache(options);
    await hi.config({ jobCache }, async () => {
      const numbers = Array.from({ length: 20 }, (_, n) => n);
      runs = 0;
      const results = await Promise.all(
        numbers.map((n) => large.run(n, 50_000)),
      );
      assertEquals(results.map((result) => result[49_999]), numbers);
      // Pushed out before they were read, none had to be computed again.
      assertEquals(runs, 20);
      assertEquals(warnings.lines, []);
      await jobCache[Symbol.asyncDispose]();
      const bytes = bytesIn(folder.path, layout);
      assert(bytes <= 1_000_000 && bytes > 300_000, `${bytes} bytes`);
      // Hits that others push out before they are read are computed again.
      const jobs = numbers.map((n) => large.run(n, 50_000));
      await hi.wait();
      for (const [n, job] of jobs.entries()) {
        assertEquals((await job)[49_999], n);
      }
    });
  },
);

testBoth(
  "A result that is larger than maxSize stays in memory, and pushes nothing out",
  async (layout) => {
    await using folder = await makeFolder();
    using warnings = captureWarnings();
    const options = { path: folder.path, layout, maxSize: 1_000_000 };
    await using jobCache = new hi.JobCache(options);
    await hi.config({ jobCache }, async () => {
      await large.run(1, 50_000);
      const jobs = [large.run(2, 200_000)];
      await hi.wait();
      for (const _ of [1, 2]) assertEquals((await jobs[0]!)[7], 2);
      assertEquals(jobs[0]!.getResult()[7], 2);
      await jobCache[Symbol.asyncDispose]();
      const again = [large.run(1, 50_000)];
      await hi.wait();
      assertEquals(again[0]!.cached, true);
    });
    assertEquals(warnings.lines.length, 1);
    assert(/16000\d\d bytes .* maxSize is 1000000/.test(warnings.lines[0]!));
  },
);

testBoth(
  "A hit that another program deletes before it is read is run again without a word",
  async (layout) => {
    await using folder = await makeFolder();
    const options = { path: folder.path, layout };
    await using other = new hi.JobCache(options);
    await hi.config({ jobCache: other }, () => large.run(3, 50_000));
    using warnings = captureWarnings();
    await using jobCache = new hi.JobCache(options);
    await hi.config({ jobCache }, async () => {
      const job = large.run(3, 50_000);
      await hi.wait();
      assert(job.cached);
      runs = 0;
      other.clear();
      assertEquals((await job)[7], 3);
      assertEquals(runs, 1);
    });
    assertEquals(warnings.lines, []);
  },
);
