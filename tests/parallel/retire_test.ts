import { assertEquals, assertInstanceOf } from "@std/assert";
import * as hi from "../../mod.ts";
import * as f from "./fixtures/functions.ts";
import { inPool } from "./pool.ts";
import { makeTask, valueOf } from "./tasks.ts";

// The neighbour outlasts the grace of what the exiting job may have left behind.
for (const how of ["ends", "is cancelled"]) {
  Deno.test(`a worker that is to retire is not given up when its last job ${how} in order`, () =>
    inPool({ numWorkers: 1, jobsPerWorker: 2 }, async (jobHandler) => {
      const neighbour = makeTask(
        how === "ends" ? f.takesItsTime : f.untilAborted,
        [] as [],
      );
      const end = jobHandler.run(neighbour);
      await neighbour.hasStarted;
      const exits = await jobHandler.run(makeTask(f.exits, []));
      assertInstanceOf(valueOf(exits), hi.JobExitError);
      if (how === "ends") assertEquals(valueOf(await end), "in order");
      else {
        // In the new worker.
        await jobHandler.run(makeTask(f.takesItsTime, []));
        jobHandler.cancel(neighbour, new Error("enough"));
      }
      await jobHandler[Symbol.asyncDispose]();
      assertEquals(jobHandler.abandoned, 0);
    }));
}

for (const isolation of ["worker", "process"] as const) {
  Deno.test(`a worker is replaced after the jobs that it may run (${isolation})`, () =>
    inPool(
      { numWorkers: 1, isolation, maxJobsPerWorker: 3 },
      async () => {
        const count = f.countCalls.with({ cache: false });
        const counts: number[] = [];
        for (let i = 0; i < 7; i++) counts.push(await count.run());
        assertEquals(counts, [1, 2, 3, 1, 2, 3, 1]);
        const many = await Promise.all(
          Array.from({ length: 30 }, () => count.run()),
        );
        assertEquals(Math.max(...many), 3);
        assertEquals(many.filter((n) => n === 2).length, 10);
      },
    ));
}
