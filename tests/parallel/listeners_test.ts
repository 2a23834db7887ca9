// What runs on behalf of a job beside its own call: the `then` of what it returns, the listeners of its signal.
import { assertEquals, assertStringIncludes } from "@std/assert";
import { runProgram } from "./pool.ts";

const HANDLERS = {
  "in a worker": "new hi.ParallelJobHandler({ numWorkers: 1 })",
  "in the program": "new hi.DefaultJobHandler()",
};

for (const [where, handler] of Object.entries(HANDLERS)) {
  const prelude = `
    import * as hi from "hither";
    const jobHandler = ${handler};
    hi.setDefaults({ jobHandler, jobCache: null });
    const isUnderWay = async (job) => {
      for await (const event of job) if (event.type === "progress") break;
    };
  `;

  Deno.test(`a function that returns a Job, without being async, has its result (${where})`, async () => {
    const { code, stdout, stderr } = await runProgram({
      "main.ts": `
        ${prelude}
        const inner = hi.func("inner", "1", (x: number) => x + 1);
        const outer = hi.func("outer", "1", (x: number) => inner.run(x));
        if (import.meta.main) console.log(await outer.run(1));
      `,
    });
    assertEquals(code, 0, stderr);
    assertEquals(stdout, "2\n");
  });

  Deno.test(`the then of what a function returns belongs to the job (${where})`, async () => {
    const { code, stdout, stderr } = await runProgram({
      "main.ts": `
        ${prelude}
        const f = hi.func("f", "1", () => ({
          then(resolve) { resolve(hi.current().name); },
        }));
        if (import.meta.main) console.log(await f.run());
      `,
    });
    assertEquals(code, 0, stderr);
    assertEquals(stdout, "f\n");
  });

  Deno.test(`a listener of a job's signal belongs to the job, and what it prints is shown (${where})`, async () => {
    const { code, stdout, stderr } = await runProgram({
      "main.ts": `
        ${prelude}
        const f = hi.func("f", "1", () => new Promise((resolve) => {
          hi.current().signal.addEventListener("abort", () => {
            console.log("told", hi.current().name);
            setTimeout(() => {
              console.log("and", hi.current().name);
              resolve(1);
            }, 1);
          });
          hi.current().progress(0);
        }));
        if (import.meta.main) {
          const job = f.run();
          await isUnderWay(job);
          job.cancel();
          await job.then(undefined, (error) => console.log(error.name));
          await jobHandler[Symbol.asyncDispose]();
        }
      `,
    });
    assertEquals(code, 0, stderr);
    const lines = stdout.trim().split("\n").map((line) =>
      line.replace("[f] ", "")
    );
    assertEquals(lines.sort(), ["JobCancelledError", "and f", "told f"]);
  });

  Deno.test(`a listener of a job's signal that throws is a warning (${where})`, async () => {
    const { code, stdout, stderr } = await runProgram({
      "main.ts": `
        ${prelude}
        const deaf = hi.func("deaf", "3", () => new Promise((resolve) => {
          const { signal } = hi.current();
          signal.addEventListener("abort", () => { throw new RangeError("no listening"); });
          signal.addEventListener("abort", () => resolve(1));
          hi.current().progress(0);
        }));
        if (import.meta.main) {
          const job = deaf.run();
          await isUnderWay(job);
          job.cancel();
          await job.then(undefined, (error) => console.log(error.name));
          await jobHandler[Symbol.asyncDispose]();
        }
      `,
    });
    assertEquals(code, 0, stderr);
    assertEquals(stdout, "JobCancelledError\n");
    for (const text of ["hither: deaf 3 was to stop", "no listening"]) {
      assertStringIncludes(stderr, text);
    }
  });
}
