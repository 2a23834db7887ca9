import { assert, assertEquals } from "@std/assert";
import type * as hi from "../../mod.ts";
import * as f from "./fixtures/functions.ts";
import { inPool } from "./pool.ts";

const LENGTH = 20_000; // 160 kB: a leaf of its own

for (const isolation of ["worker", "process"] as const) {
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
