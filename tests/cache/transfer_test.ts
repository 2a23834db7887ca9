// Records that go out to a folder and in again are the same records.
import { assert, assertEquals, assertRejects } from "@std/assert";
import fc from "npm:fast-check@^4";
import * as hi from "@hither/hither";
import {
  captureWarnings,
  judge,
  keyOf,
  LAYOUTS,
  makeFolder,
  openStore,
  recordOf,
} from "./support.ts";
import {
  callsOf,
  damage,
  fails,
  fileIn,
  large,
  listing,
  total,
  twice,
  writes,
} from "./upstream_support.ts";

const echo = hi.func("transfer_echo", "1", (value: unknown) => value);

for (const layout of LAYOUTS) {
  Deno.test(`What was stored is the same after export and import (${layout})`, async () => {
    await using folder = await makeFolder();
    const { path } = folder;
    const numbers = Array.from({ length: 40 }, (_, n) => n);
    {
      using store = openStore(`${path}/a`, { layout });
      for (const n of numbers) await store.store(recordOf(n));
    }
    await using a = new hi.JobCache({ path: `${path}/a` });
    const report = await a.export(`${path}/b`);
    assertEquals([report.records, report.written, report.failed], [40, 40, 0]);
    assertEquals(report.blobs, 8);
    for (const target of LAYOUTS) {
      await using c = new hi.JobCache({
        path: `${path}/c ${target}`,
        layout: target,
      });
      const { imported, failed } = await c.import(`${path}/b`);
      assertEquals([imported, failed], [40, 0]);
      assertEquals((await c.import(`${path}/a`)).imported, 0);
    }
    for (const name of ["b", "c sqlite", "c files"]) {
      using store = openStore(`${path}/${name}`);
      for (const n of numbers) assertEquals(judge(store, n), "hit", `${n}`);
    }
  });

  Deno.test(`Any values are the same from an export, by any way (${layout})`, async () => {
    await using folder = await makeFolder();
    const { path } = folder;
    let round = 0;
    const values = fc.array(
      fc.anything({ withDate: true, withMap: true, withSet: true }),
      { maxLength: 4 },
    );
    await fc.assert(
      fc.asyncProperty(values, async (values) => {
        const at = `${path}/${round++}`;
        const jobs = () =>
          hi.wait().then(() => Promise.all(values.map((v) => echo.run(v))));
        const keep = async (jobCache: hi.JobCache) =>
          await hi.config({ jobCache }, async () => ({
            values: await jobs(),
            misses: jobCache.stats().misses,
          }));
        await using a = new hi.JobCache({ path: `${at}/a`, layout });
        const fresh = await keep(a);
        await a.export(`${at}/b`);
        await using b = new hi.JobCache({ path: `${at}/b` });
        await using c = new hi.JobCache({ path: `${at}/c` });
        await c.import(`${at}/b`);
        await using d = new hi.JobCache({
          path: `${at}/d`,
          layout,
          upstream: [`${at}/b`],
        });
        for (const cache of [b, c, d]) {
          assertEquals(await keep(cache), { values: fresh.values, misses: 0 });
        }
      }),
      { numRuns: 15 },
    );
  });

  Deno.test(`A second export writes what is new and touches nothing else (${layout})`, async () => {
    await using folder = await makeFolder();
    const { path } = folder;
    const to = `${path}/public`;
    await using cache = new hi.JobCache({ path: `${path}/cache`, layout });
    await hi.config({ jobCache: cache }, async () => {
      await total.run(large.run(1));
      await cache.export(to);
      await cache.export(`${path}/other`);
      // Long ago, so that a look would count as a use.
      const old = new Date(2020, 0);
      for (const line of listing(to)) {
        await Deno.utime(line.split(" ")[0]!, old, old);
      }
      const before = listing(to);
      const again = await cache.export(to);
      assertEquals([again.records, again.written, again.blobs], [2, 0, 0]);
      assertEquals(listing(to), before);

      await twice.run(1);
      const more = await cache.export(to);
      assertEquals([more.records, more.written, more.blobs], [3, 1, 0]);
      const kept = before.filter((line) =>
        /\/(jobs|blobs|snap)\w*\/../.test(line)
      );
      const now = new Set(listing(to));
      const isFile = (line: string) => /\/[0-9a-f]{62} /.test(line);
      assertEquals(kept.filter(isFile).filter((line) => !now.has(line)), []);

      // What was lost or damaged there is put back.
      damage(fileIn(`${to}/jobs`));
      await Deno.remove(fileIn(`${to}/blobs`));
      await Deno.remove(fileIn(`${to}/snapshots`));
      using _ = captureWarnings();
      const mended = await cache.export(to);
      assert(mended.written >= 1);
      assertEquals(mended.blobs, 1);
    });
    await using copy = new hi.JobCache({ path: to });
    const { badRecords, badBlobs, missingBlobs } = await copy.verify();
    assertEquals([badRecords, badBlobs, missingBlobs], [0, 0, 0]);
  });

  Deno.test(`An export counts as no use and changes nothing in the cache (${layout})`, async () => {
    await using folder = await makeFolder();
    const { path } = folder;
    await using cache = new hi.JobCache({ path: `${path}/cache`, layout });
    await hi.config({ jobCache: cache }, () => large.run(1).wait());
    await cache[Symbol.asyncDispose]();
    const before = listing(`${path}/cache`);
    await cache.export(`${path}/public`);
    assertEquals(listing(`${path}/cache`), before);
    assertEquals(cache.stats().saved, 0);
  });

  Deno.test(`Only what the filter chooses is exported, with the blobs that it needs (${layout})`, async () => {
    await using folder = await makeFolder();
    const { path } = folder;
    await using cache = new hi.JobCache({ path: `${path}/cache`, layout });
    await hi.config({ jobCache: cache, cacheFailing: true }, async () => {
      await large.run(1);
      await twice.run(2);
      await fails.run("kept").then(() => {}, () => {});
      await writes.run(`${path}/file.txt`);
    });
    const to = `${path}/public`;
    const first = await cache.export(to, {
      filter: { name: "upstream_twice" },
    });
    assertEquals([first.written, first.blobs], [1, 0]);
    const second = await cache.export(to, { filter: { status: "error" } });
    assertEquals([second.written, second.blobs], [1, 0]);
    const all = await cache.export(to);
    assertEquals([all.records, all.written, all.blobs], [4, 2, 2]);
  });

  Deno.test(`What is damaged is left out and counted (${layout})`, async () => {
    await using folder = await makeFolder();
    const { path } = folder;
    await using cache = new hi.JobCache({ path: `${path}/cache`, layout });
    await hi.config({ jobCache: cache }, async () => {
      await large.run(1);
      await twice.run(1);
    });
    await cache.export(`${path}/whole`);
    damage(fileIn(`${path}/cache/blobs`), 300);
    using _ = captureWarnings();
    const out = await cache.export(`${path}/public`);
    assertEquals([out.records, out.written, out.failed], [2, 1, 1]);
    await using other = new hi.JobCache({ path: `${path}/other`, layout });
    const into = await other.import(`${path}/cache`);
    assertEquals([into.records, into.imported, into.failed], [2, 1, 1]);
    const rest = await other.import(`${path}/whole`);
    assertEquals([rest.imported, rest.failed], [1, 0]);
    await hi.config({ jobCache: other }, async () => {
      assertEquals(
        await callsOf(() => Promise.all([large.run(1), twice.run(1)])),
        0,
      );
    });
  });

  Deno.test(`Both can be ended, and say where they are (${layout})`, async () => {
    await using folder = await makeFolder();
    const { path } = folder;
    {
      using store = openStore(`${path}/a`, { layout });
      for (let n = 0; n < 5; n++) await store.store(recordOf(n));
    }
    await using a = new hi.JobCache({ path: `${path}/a` });
    const reason = new Error("enough");
    const signal = AbortSignal.abort(reason);
    await assertRejects(
      () => a.export(`${path}/b`, { signal }),
      Error,
      "enough",
    );
    const told: number[] = [];
    const onProgress = (fraction: number) => told.push(fraction);
    await a.export(`${path}/b`, { onProgress });
    await using c = new hi.JobCache({ path: `${path}/c` });
    await assertRejects(
      () => c.import(`${path}/b`, { signal }),
      Error,
      "enough",
    );
    await c.import(`${path}/b`, { onProgress });
    assertEquals(told.filter((fraction) => fraction === 1).length, 2);
    assertEquals(keyOf(0).length, 32);
  });
}

Deno.test("What verify sets aside of an export is written anew by the next one", async () => {
  await using folder = await makeFolder();
  using _warnings = captureWarnings();
  const { path } = folder;
  await using cache = new hi.JobCache({ path: `${path}/cache` });
  await hi.config({ jobCache: cache }, () => large.run(1).wait());
  await cache.export(`${path}/to`);
  damage(fileIn(`${path}/to/blobs`));
  const { blobs } = await cache.export(`${path}/to`);
  assertEquals(blobs, 0);
  await using published = new hi.JobCache({ path: `${path}/to` });
  assertEquals((await published.verify()).badBlobs, 1);
  const again = await cache.export(`${path}/to`);
  assertEquals([again.written, again.blobs], [1, 1]);
  assertEquals((await published.verify()).badBlobs, 0);
});

Deno.test("What cannot be done is told with its place", async () => {
  await using folder = await makeFolder();
  const { path } = folder;
  await using cache = new hi.JobCache({ path: `${path}/cache` });
  await assertRejects(
    () => cache.export(`${path}/to`),
    hi.CacheError,
    `as there is no cache in ${path}/cache`,
  );
  await hi.config({ jobCache: cache }, () => twice.run(1).wait());
  await assertRejects(
    () => cache.export(`${path}/cache`),
    hi.CacheError,
    "as that is the cache itself",
  );
  await assertRejects(
    () => cache.import(`${path}/none`),
    hi.CacheError,
    `as there is no cache in ${path}/none`,
  );
  await using other = new hi.JobCache({ path: `${path}/sqlite` });
  await hi.config({ jobCache: other }, () => twice.run(1).wait());
  await assertRejects(
    () => cache.export(`${path}/sqlite`),
    hi.CacheError,
    "it is kept in one SQLite file",
  );
  await Deno.writeTextFile(`${path}/file`, "");
  await assertRejects(() => cache.export(`${path}/file`), hi.CacheError);
  await assertRejects(
    () => cache.export(`${path}/to`, { filter: { nme: "a" } as never }),
    TypeError,
    "no nme",
  );
  await assertRejects(
    () => cache.export(`${path}/to`, { name: "a" } as never),
    TypeError,
    "no option name: it is a part of the option filter",
  );
  await assertRejects(
    () => cache.import(`${path}/sqlite`, { function: "a" } as never),
    TypeError,
    "no option function",
  );
  await using closed = new hi.JobCache({ path: `${path}/c`, readonly: true });
  await assertRejects(
    () => closed.import(`${path}/cache`),
    hi.CacheError,
    "made with readonly: true",
  );
});
