// Functions of a module that a worker has imported, while it imports another one.
import { assertEquals } from "@std/assert";
import { runProgram } from "./pool.ts";

for (const isolation of ["worker", "process"]) {
  Deno.test(`a function that is there is called while another module is imported (${isolation})`, async () => {
    const { code, stdout, stderr } = await runProgram({
      "quick.ts": `
        import * as hi from "hither";
        export const quick = hi.func("quick", "1", (n: number) => n + 1);
      `,
      "slow.ts": `
        import * as hi from "hither";
        if (!import.meta.main) await new Promise((resolve) => setTimeout(resolve, 100));
        export const slow = hi.func("slow", "1", (n: number) => n + 2);
      `,
      "main.ts": `
        import * as hi from "hither";
        import { quick } from "./quick.ts";
        import { slow } from "./slow.ts";
        await using jobHandler = new hi.ParallelJobHandler({
          numWorkers: 1,
          jobsPerWorker: 2,
          isolation: "${isolation}",
        });
        await hi.config({ jobHandler, jobCache: null }, async () => {
          await quick.run(0);
          const jobs = [slow.run(1), quick.run(2), quick.run(3)];
          console.log((await Promise.all(jobs)).join(" "));
        });
      `,
    });
    assertEquals([code, stdout], [0, "3 3 4\n"], stderr);
  });
}

for (const isolation of ["worker", "process"]) {
  Deno.test(`a job that was cancelled during an import which takes too long does not hold up what comes next (${isolation})`, async () => {
    const { code, stdout, stderr } = await runProgram({
      "quick.ts": `
        import * as hi from "hither";
        export const quick = hi.func("quick", "1", (n: number) => n + 1);
      `,
      "never.ts": `
        import * as hi from "hither";
        if ("name" in globalThis && globalThis.name === "hither") {
          await new Promise((resolve) => setTimeout(resolve, 100_000));
        }
        export const never = hi.func("never", "1", () => 1);
      `,
      "main.ts": `
        import * as hi from "hither";
        import { quick } from "./quick.ts";
        import { never } from "./never.ts";
        await using jobHandler = new hi.ParallelJobHandler({ numWorkers: 1, isolation: "${isolation}" });
        await hi.config({ jobHandler, jobCache: null, importTimeout: 200 }, async () => {
          await quick.run(0);
          const job = never.run();
          await new Promise((resolve) => setTimeout(resolve, 100));
          job.cancel();
          await Promise.allSettled([job]);
          // Its worker gives up the import while it has nothing else.
          await new Promise((resolve) => setTimeout(resolve, 500));
          console.log(await quick.run(1), await quick.run(2), job.attempts);
        });
      `,
    });
    assertEquals([code, stdout], [0, "2 3 0\n"], stderr);
  });
}
