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
