import { assertEquals, assertStringIncludes } from "@std/assert";
import { runProgram } from "./pool.ts";

Deno.test("a script that does not dispose its handler ends by itself", async () => {
  const { code, stdout } = await runProgram({
    "main.ts": `
      import * as hi from "hither";
      const f = hi.func("f", "1", (x: number) => x);
      const jobHandler = new hi.ParallelJobHandler({ numWorkers: 2 });
      if (import.meta.main) {
        await hi.config({ jobHandler, jobCache: null }, () => Promise.all(f.map([1, 2, 3])));
        console.log("done");
      }
    `,
  });
  assertEquals([code, stdout], [0, "done\n"]);
});

Deno.test("a program waits for its outstanding jobs", async () => {
  const { code, stdout } = await runProgram({
    "main.ts": `
      import * as hi from "hither";
      const f = hi.func("f", "1", async () => {
        await new Promise((resolve) => setTimeout(resolve, 20));
        console.log("at the end of the job");
      });
      if (import.meta.main) {
        const jobHandler = new hi.ParallelJobHandler({ numWorkers: 1 });
        hi.setDefaults({ jobHandler, jobCache: null });
        f.run();
      }
    `,
  });
  assertEquals([code, stdout], [0, "[f] at the end of the job\n"]);
});

const SPINS = `
  import * as hi from "hither";
  const spins = hi.func("spins", "1", (x: number): number => { while (true) x++; });
  const add = hi.func("add", "1", (a: number, b: number) => a + b);
  const jobHandler = new hi.ParallelJobHandler({ numWorkers: 1, isolation: "worker" });
`;

Deno.test("a busy job that runs out of time fails, its slot comes back, and the program ends", async () => {
  const { code, stdout, stderr } = await runProgram({
    "main.ts": `
      ${SPINS}
      if (import.meta.main) {
        hi.setDefaults({ jobHandler, jobCache: null });
        const job = spins.with({ timeout: 50 }).run(0);
        try { await job; } catch (error) { console.log(error.name); }
        console.log(await add.run(1, 2));
        await jobHandler[Symbol.asyncDispose]();
        console.log(jobHandler.abandoned);
        addEventListener("unload", () => console.log("unload"));
        Deno.exitCode = 7;
      }
    `,
  });
  assertEquals([code, stdout], [7, "JobTimeoutError\n3\n1\nunload\n"]);
  assertEquals(stderr.match(/given up/g)?.length, 1);
  assertStringIncludes(stderr, "spins 1");
  assertStringIncludes(stderr, "throwIfAborted");
});

Deno.test("a worker that was given up is told of with all jobs that may be the cause", async () => {
  const { code, stderr } = await runProgram({
    "main.ts": `
      ${SPINS}
      const waits = hi.func("waits", "2", () => new Promise(() => {}));
      if (import.meta.main) {
        await using jobHandler = new hi.ParallelJobHandler({ numWorkers: 1, jobsPerWorker: 2, isolation: "worker" });
        hi.setDefaults({ jobHandler, jobCache: null, timeout: 50 });
        await Promise.allSettled([waits.run(), spins.run(0)]);
      }
    `,
  });
  assertEquals(code, 0, stderr);
  assertStringIncludes(stderr, "one of its jobs (waits 2, spins 1)");
});

Deno.test("a program ends although a cancelled job is still busy", async () => {
  const { code, stdout } = await runProgram({
    "main.ts": `
      ${SPINS}
      if (import.meta.main) {
        hi.setDefaults({ jobHandler, jobCache: null });
        const job = spins.with({ timeout: 50 }).run(0);
        try { await job; } catch (error) { console.log(error.name); }
      }
    `,
  });
  assertEquals([code, stdout], [0, "JobTimeoutError\n"]);
});

Deno.test("ten busy jobs in a row cost one warning, and ten workers are counted", async () => {
  const { code, stdout, stderr } = await runProgram({
    "main.ts": `
      ${SPINS}
      if (import.meta.main) {
        hi.setDefaults({ jobHandler, jobCache: null, timeout: 5 });
        await Promise.allSettled(spins.map([1, 2, 3]));
        await jobHandler[Symbol.asyncDispose]();
        console.log(jobHandler.abandoned);
      }
    `,
  });
  assertEquals([code, stdout], [0, "3\n"]);
  assertEquals(stderr.match(/given up/g)?.length, 1);
});

Deno.test("without permission to read, the error names the flag", async () => {
  const { code, stdout, stderr } = await runProgram({
    "main.ts": `
      import * as hi from "hither";
      const f = hi.func("f", "1", () => 1);
      if (import.meta.main) {
        const jobHandler = new hi.ParallelJobHandler({ numWorkers: 1 });
        hi.setDefaults({ jobHandler, jobCache: null });
        for (let i = 0; i < 2; i++) {
          try { await f.run(); } catch (error) {
            console.log(error.name, error.flag, error.message);
          }
        }
      }
    `,
  }, { permissions: [] });
  // Deno itself would say there what goes wrong in a worker.
  assertEquals([code, stderr], [0, ""]);
  const lines = stdout.trim().split("\n");
  assertEquals(lines.length, 2);
  for (const line of lines) {
    assertStringIncludes(line, "PermissionNeededError --allow-read");
    assertStringIncludes(line, "run Deno with --allow-read");
  }
});

Deno.test("without permission to read the module, the error names flag and module", async () => {
  const hither = new URL("../../", import.meta.url).pathname;
  const { code, stdout, stderr } = await runProgram({
    "main.ts": `
      import * as hi from "hither";
      const f = hi.func("f", "1", () => 1);
      if (import.meta.main) {
        const jobHandler = new hi.ParallelJobHandler({ numWorkers: 1 });
        hi.setDefaults({ jobHandler, jobCache: null });
        try { await f.run(); } catch (error) {
          console.log(error.name, error.cause.name, error.cause.flag, error.message);
        }
      }
    `,
  }, { permissions: [`--allow-read=${hither}`] });
  assertEquals(code, 0, stderr);
  assertStringIncludes(
    stdout,
    "ModuleLoadError PermissionNeededError --allow-read",
  );
  assertStringIncludes(stdout, "main.ts");
});

Deno.test("a job that waits for ever and is not awaited does not outlive a disposed handler", async () => {
  const { code, stderr } = await runProgram({
    "main.ts": `
      import * as hi from "hither";
      const never = hi.func("never", "1", () => new Promise<void>(() => {}));
      if (import.meta.main) {
        await using jobHandler = new hi.ParallelJobHandler({ numWorkers: 1 });
        hi.config({ jobHandler, jobCache: null }, () => void never.run());
      }
    `,
  });
  assertEquals(code, 0, stderr);
  assertStringIncludes(stderr, "HandlerClosedError");
});
