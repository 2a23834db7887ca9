// Workers in which jobs wait for theirs are given their next jobs ahead, too.
import { assertEquals } from "@std/assert";
import * as hi from "../../mod.ts";
import * as fns from "./fixtures/nested.ts";
import { inPool, numbers } from "./pool.ts";

for (const isolation of ["worker", "process"] as const) {
  Deno.test(`in one slot runs one job at a time, whatever waits in the worker: ${isolation}`, () =>
    inPool(
      { numWorkers: 1, isolation },
      () =>
        hi.config({ jobCache: null }, async () => {
          const xs = numbers(10);
          await Promise.all(fns.alone.map(xs));
          const jobs = numbers(3).flatMap((i) => [
            fns.mostAlone.run(1, 1_000 * i),
            fns.alone.run(-1 - i),
          ]);
          assertEquals(await Promise.all(jobs), Array(6).fill(1));
          // No slot was lost, and none is there twice.
          const counts = await Promise.all(
            fns.alone.map(xs.map((x) => -x - 10)),
          );
          assertEquals(counts, Array(10).fill(1));
        }),
    ));

  Deno.test(`a job does not hold the slot of the jobs for whose end it waits: ${isolation}`, () =>
    inPool(
      { numWorkers: 1, isolation },
      () =>
        hi.config({ jobCache: null }, async () => {
          const xs = numbers(10);
          await Promise.all(fns.alone.map(xs));
          await Promise.all(xs.map((x) => fns.entersThrough.run(x, true)));
          await fns.opens.run(1);
          // Each by itself: such as travel together are not given ahead.
          const { signal } = new AbortController();
          const enters = fns.entersThrough.with({ signal });
          const jobs = [
            fns.opens.run(4),
            ...xs.map((x) => enters.run(x, false)),
          ];
          assertEquals(await Promise.all(jobs), [4, ...xs]);
        }),
    ));
}
