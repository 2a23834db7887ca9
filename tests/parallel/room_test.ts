import { assertEquals } from "@std/assert";
import { temporaryFolder } from "../house/run.ts";
import * as f from "./fixtures/functions.ts";
import { inPool, runProgram } from "./pool.ts";
import { makeTask, valueOf } from "./tasks.ts";

Deno.test("of any number of jobs that are sent to a busy worker and cancelled none is run", () =>
  inPool(
    { numWorkers: 1, jobsPerWorker: 2, isolation: "worker" },
    async (jobHandler) => {
      await using folder = await temporaryFolder({ "traces/none": "" });
      const busy = makeTask(f.spinsUntilFile, [folder.path]);
      const end = jobHandler.run(busy);
      await busy.hasStarted;
      const traces = `${folder.path}/traces`;
      for (let i = 0; i < 300; i++) {
        const dropped = makeTask(f.leavesTrace, [traces, i]);
        jobHandler.run(dropped);
        // The pool sends it to the worker.
        await new Promise((resolve) => setTimeout(resolve));
        jobHandler.cancel(dropped, new Error("enough"));
      }
      // There is no room for this one until the worker has seen the others.
      const last = jobHandler.run(makeTask(f.leavesTrace, [traces, 300]));
      await Deno.writeTextFile(`${folder.path}/go`, "");
      assertEquals(valueOf(await end), "gone");
      assertEquals(valueOf(await last), undefined);
      const names = [...Deno.readDirSync(traces)].map(({ name }) => name);
      assertEquals(names.sort(), ["300", "none"]);
    },
  ));

Deno.test("a program waits for a job that waits for room in its worker", async () => {
  const { code, stdout, stderr } = await runProgram({
    "main.ts": `
      import * as hi from "hither";
      const f = hi.func("f", "1", (x: number) => x);
      if (import.meta.main) {
        const inNewPool = () =>
          hi.setDefaults({
            jobHandler: new hi.ParallelJobHandler({ numWorkers: 1 }),
            jobCache: null,
          });
        inNewPool();
        await f.run(0);
        inNewPool();
        for (let i = 0; i < 64; i++) {
          const dropped = f.run(i);
          // The pool sends it to its worker, which is not ready yet.
          for (let turn = 0; turn < 20; turn++) await undefined;
          dropped.cancel();
        }
        f.run(64).then(console.log);
      }
    `,
  });
  assertEquals([code, stdout], [0, "64\n"], stderr);
});
