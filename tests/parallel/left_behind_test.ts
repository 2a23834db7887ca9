// What a job leaves behind may keep its worker busy for ever: what comes next is not to wait for that.
import { assertEquals, assertMatch } from "@std/assert";
import { runProgram } from "./pool.ts";

for (const isolation of ["worker", "process"]) {
  for (
    const what of [
      "the next job",
      "jobs that travel together",
      "a job with a timeout",
      "jobs with megabytes for arguments",
      "the first job of a function",
    ]
  ) {
    const together = what === "jobs that travel together";
    const large = what === "jobs with megabytes for arguments";
    const timeout = what === "a job with a timeout" ? 10_000 : null;
    Deno.test(`a timer that loops for ever does not hold up ${what}: ${isolation}`, async () => {
      const { code, stdout, stderr } = await runProgram({
        "main.ts": `
          import * as hi from "hither";
          const leaves = hi.func("leaves", "1", (x: number) => {
            setTimeout(() => {
              while (true);
            }, 20);
            return x;
          });
          const add = hi.func("add", "1", (x: number | Float64Array) => typeof x === "number" ? x + 1 : x.length);
          if (import.meta.main) {
            const jobHandler = new hi.ParallelJobHandler({ numWorkers: 1, isolation: "${isolation}" });
            await hi.config({ jobHandler, jobCache: null }, async () => {
              ${
          what === "the first job of a function"
            ? ""
            : "await Promise.all(add.map([1, 2, 3, 4]));"
        }
              console.log(await leaves.run(7));
              await new Promise((resolve) => setTimeout(resolve, 200));
              const jobs = add.with({ timeout: ${timeout} }).map(${
          together
            ? "Array.from({ length: 100 }, (_, i) => i)"
            : large
            ? "[new Float64Array(1_000_000)]"
            : "[1]"
        });
              console.log((await Promise.all(jobs)).length, jobs.every(({ attempts }) => attempts === 1));
            });
            Deno.exit();
          }
        `,
      });
      assertEquals([code, stdout], [0, `7\n${together ? 100 : 1} true\n`]);
      assertMatch(
        stderr,
        /^hither: a worker did not begin with add 1, as something that an earlier job has started keeps it busy.*\n$/,
      );
    });
  }
}

Deno.test("a job that computes for long is not taken for something left behind, nor is what waits beside it", async () => {
  for (const isolation of ["worker", "process"]) {
    const { code, stdout, stderr } = await runProgram({
      "main.ts": `
        import * as hi from "hither";
        const computes = hi.func("computes", "1", (ms: number) => {
          for (const end = performance.now() + ms; performance.now() < end;);
          return ms;
        });
        if (import.meta.main) {
          await using jobHandler = new hi.ParallelJobHandler({ numWorkers: 1, jobsPerWorker: 2, isolation: "${isolation}" });
          await hi.config({ jobHandler, jobCache: null }, async () => {
            const jobs = computes.map([1, 7_000, 2]);
            console.log((await Promise.all(jobs)).join(), jobs.map(({ attempts }) => attempts).join());
          });
        }
      `,
    });
    assertEquals([code, stdout, stderr], [0, "1,7000,2 1,1,1\n", ""]);
  }
});
