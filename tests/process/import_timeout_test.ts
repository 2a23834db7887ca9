import { assertEquals, assertStringIncludes } from "@std/assert";
import { runProgram } from "../parallel/pool.ts";

const IN_WORKER = `!import.meta.main && "WorkerGlobalScope" in globalThis`;

/** What a module does when a worker imports it. */
const IMPORTS: Record<string, string> = {
  "never ends": `if (${IN_WORKER}) await new Promise(() => {});`,
  "computes for ever": `if (${IN_WORKER}) while (true);`,
};

for (const isolation of ["worker", "process"]) {
  Deno.test(`in a ${isolation}, no function is called whose module was not done in time`, async () => {
    const { code, stdout, stderr } = await runProgram({
      "main.ts": `
        import * as hi from "hither";
        let ready = "no";
        export const g = hi.func("g", "1", () => ready);
        if (${IN_WORKER}) await new Promise(() => {});
        ready = "yes";
        if (import.meta.main) {
          await using jobHandler = new hi.ParallelJobHandler({ numWorkers: 1, isolation: "${isolation}" });
          await hi.config({ jobHandler, jobCache: null, importTimeout: 300 }, async () => {
            try { console.log(await g.run()); } catch (error) { console.log(error.name); }
          });
        }
      `,
    });
    assertEquals([code, stdout], [0, "ImportTimeoutError\n"], stderr);
  });

  for (const [does, code] of Object.entries(IMPORTS)) {
    Deno.test(`in a ${isolation}, an import that ${does} fails its jobs, and no others`, async () => {
      const { code: exit, stdout, stderr } = await runProgram({
        "bad.ts": `
          import * as hi from "hither";
          ${code}
          export const bad = hi.func("bad", "1", () => 1);
        `,
        "good.ts": `
          import * as hi from "hither";
          export const good = hi.func("good", "1", (x: number) => x);
        `,
        "main.ts": `
          import * as hi from "hither";
          import { bad } from "./bad.ts";
          import { good } from "./good.ts";
          const jobHandler = new hi.ParallelJobHandler({ numWorkers: 1, isolation: "${isolation}" });
          hi.setDefaults({ jobHandler, jobCache: null });
          const jobs = [bad.with({ importTimeout: 300 }).run(), good.run(5)];
          await Promise.allSettled(jobs);
          console.log(jobs[0].error.name, jobs[0].error.message);
          console.log(jobs[1].getResult());
          try { await bad.with({ importTimeout: 300 }).run(); } catch (error) {
            console.log(error.name);
          }
          await jobHandler[Symbol.asyncDispose]();
          const busy = ${isolation === "worker" && does !== "never ends"};
          console.log(jobHandler.abandoned === (busy ? 2 : 0));
        `,
      });
      const [first, ...others] = stdout.trim().split("\n");
      assertEquals(
        [exit, ...others],
        [0, "5", "ImportTimeoutError", "true"],
        stderr,
      );
      for (const text of ["ImportTimeoutError", "bad 1", "bad.ts", "300 ms"]) {
        assertStringIncludes(first!, text);
      }
    });
  }
}
