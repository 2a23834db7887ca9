import { assert, assertEquals } from "@std/assert";
import * as hi from "../../mod.ts";
import { temporaryFolder } from "../house/run.ts";
import * as f from "./fixtures/functions.ts";
import { inPool } from "./pool.ts";

const LENGTH = 20_000; // 160 kB: a leaf of its own

Deno.test("a job and its function know one key, whether a cache asks for it or not", async () => {
  await using folder = await temporaryFolder();
  const jobCache = new hi.JobCache({ path: folder.path });
  for (const args of [[], [1], ["two", -3.5, null, true], [[4]]]) {
    await inPool({ numWorkers: 1 }, async () => {
      const plain = f.ownKey.run(...args);
      assertEquals(await plain, plain.key);
      const cached = f.ownKey.with({ jobCache }).run(...args);
      assertEquals(cached.key, plain.key);
      assertEquals(await cached, plain.key);
      // Many in one message.
      const many = [5, 6, 7, 8, 9].map((x) => f.ownKey.run(...args, x));
      for (const job of many) assertEquals(await job, job.key);
    });
  }
  await jobCache[Symbol.asyncDispose]();
});

Deno.test("identical jobs share one run, one of them with its arguments from jobs", () =>
  inPool({ numWorkers: 1 }, async () => {
    const one = f.same.run(1);
    await one;
    const busy = f.sum.run(new Float64Array(LENGTH));
    const jobs = [f.ownKey.run(1), f.ownKey.run(one as hi.Job<unknown>)];
    const cancelled = f.ownKey.run(1);
    cancelled.cancel();
    assertEquals(await jobs[0], await jobs[1]);
    assertEquals(jobs[0]!.key, jobs[1]!.key);
    assertEquals(cancelled.key, jobs[0]!.key);
    await busy;
  }));

for (const isolation of ["worker", "process"] as const) {
  Deno.test(`jobs that take the same large array each have their own, as it was when they were submitted (${isolation})`, () =>
    inPool({ numWorkers: 2, isolation }, async () => {
      const values = new Float64Array(LENGTH).fill(1);
      const jobs = Array.from(
        { length: 12 },
        (_, i) => f.addsOne.run(values, i),
      );
      assertEquals(await Promise.all(jobs), jobs.map(() => 1));
      assertEquals(values[0], 1);
      // Once more, and written to in between; the busy one keeps what is shared.
      const waits = f.untilAborted.run();
      const before = Array.from(
        { length: 6 },
        (_, i) => f.addsOne.run(values, i),
      );
      await Promise.all(before);
      values[LENGTH - 1] = 5;
      const after = Array.from(
        { length: 6 },
        (_, i) => f.addsOne.run(values, LENGTH - 6 + i),
      );
      assertEquals(await Promise.all(after), [1, 1, 1, 1, 1, 5]);
      waits.cancel();
      await Promise.allSettled([waits]);
    }));

  Deno.test(`a large result that many jobs take reaches each of them (${isolation})`, () =>
    inPool({ numWorkers: 2, isolation }, async () => {
      const table = f.tableOf.run();
      const jobs = Array.from(
        { length: 12 },
        (_, i) => f.addsOne.run(table, i),
      );
      assertEquals(await Promise.all(jobs), jobs.map(() => 1));
      assertEquals((await table)[0], 1);
    }));

  Deno.test(`large arrays reach the worker, and stay with the caller (${isolation})`, () =>
    inPool({ numWorkers: 1, isolation }, async () => {
      const values = Float64Array.from({ length: LENGTH }, (_, i) => i);
      assertEquals(await f.sum.run(values), LENGTH * (LENGTH - 1) / 2);
      assertEquals(values.length, LENGTH);
      assertEquals(values[7], 7);
    }));

  Deno.test(`a function that returns the same array twice returns it whole twice (${isolation})`, () =>
    inPool({ numWorkers: 1, isolation }, async () => {
      for (let i = 0; i < 2; i++) {
        const table = await f.tableOf.with({ cache: false }).run();
        assertEquals(table.length, LENGTH);
        assert(table.every((x) => x === 1));
      }
    }));

  Deno.test(`values come through a worker as they are (${isolation})`, () =>
    inPool({ numWorkers: 2, isolation }, async () => {
      const values = [
        undefined,
        null,
        -0,
        NaN,
        12n,
        "\ud800",
        new Date(NaN),
        new Map<unknown, unknown>([[{ a: 1 }, new Set([1])]]),
        [1, , 3],
        new Uint8Array(100_000).fill(7),
        new RangeError("as data"),
      ];
      const results = await Promise.all(f.same.map(values));
      assertEquals(results, values);
      assert(Object.is(results[2], -0));
      assert(!(1 in (results[8] as unknown[])));
    }));

  Deno.test(`a result goes from worker to worker as an argument (${isolation})`, () =>
    inPool({ numWorkers: 2, isolation }, async () => {
      const table = f.same.run(new Float64Array(LENGTH).fill(2));
      const sums = [1, 2].map(() =>
        f.sum.with({ cache: false }).run(table as hi.Job<Float64Array>)
      );
      assertEquals(await Promise.all(sums), [2 * LENGTH, 2 * LENGTH]);
    }));

  Deno.test(`a worker imports a module once, and keeps it for the next jobs (${isolation})`, () =>
    inPool({ numWorkers: 1, isolation }, async () => {
      const first = await f.countCalls.with({ cache: false }).run();
      const second = await f.countCalls.with({ cache: false }).run();
      assertEquals([first, second], [1, 2]);
    }));
}
