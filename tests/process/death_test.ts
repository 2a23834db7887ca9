import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertNotEquals,
  assertStringIncludes,
} from "@std/assert";
import * as hi from "../../mod.ts";
import { failureOf, inPool, runProgram } from "../parallel/pool.ts";
import * as f from "./fixtures/functions.ts";
import { makeFifo } from "./processes.ts";

for (const signal of ["SIGKILL", "SIGABRT", "SIGTERM"]) {
  Deno.test(`a process that ends by ${signal} costs its job, which says so, and no other`, () =>
    inPool({ numWorkers: 1, isolation: "process" }, async (jobHandler) => {
      const before = await f.pid.run();
      const bad = f.killed.run(signal);
      const after = f.add.run(2, 2);
      const failure = await failureOf(bad);
      assertInstanceOf(failure, hi.WorkerLostError);
      for (const text of ["process_killed 1", signal]) {
        assertStringIncludes(failure.message, text);
      }
      assertEquals(await after, 4);
      assertNotEquals(await f.pid.run(), before);
      assertEquals(jobHandler.abandoned, 0);
    }));
}

Deno.test("a process that somebody else kills costs its job alone", async () => {
  await using fifo = await makeFifo();
  await inPool({ numWorkers: 2, isolation: "process" }, async () => {
    const bad = failureOf(f.waits.run(fifo.path));
    const pid = Number(await fifo.begin());
    const neighbour = await f.pid.run();
    Deno.kill(pid, "SIGKILL");
    assertInstanceOf(await bad, hi.WorkerLostError);
    assertEquals(await f.pid.run(), neighbour);
  });
});

Deno.test("a process that is killed while it has nothing to do is replaced", () =>
  inPool({ numWorkers: 1, isolation: "process" }, async () => {
    const first = await f.pid.run();
    Deno.kill(first, "SIGKILL");
    // It may still be taken for one that lives: then the job says that it was lost.
    const next = await f.pid.run().wait().catch((error) => error);
    if (next instanceof Error) assertInstanceOf(next, hi.WorkerLostError);
    assertNotEquals(await f.pid.run(), first);
  }));

for (const what of ["objects", "binary data"]) {
  Deno.test(`a job that takes more memory than it may, for ${what}, fails alone with a named error`, async () => {
    const { code, stdout, stderr } = await runProgram({
      "main.ts": `
        import * as hi from "hither";
        const grows = hi.func("grows", "1", (what: string) => {
          const all: unknown[] = [];
          while (true) {
            all.push(what === "objects" ? { a: [1, 2, 3] } : new Uint8Array(1 << 22).fill(1));
          }
        });
        const add = hi.func("add", "1", (a: number, b: number) => a + b);
        if (import.meta.main) {
          await using jobHandler = new hi.ParallelJobHandler({ numWorkers: 1 });
          await hi.config({ jobHandler, jobCache: null, memory: 100e6 }, async () => {
            try { await grows.run("${what}"); } catch (error) {
              console.log(error.name, error instanceof hi.WorkerLostError, error.message.includes("grows 1"));
            }
            console.log(await add.run(1, 2));
          });
        }
      `,
    });
    assertEquals(
      [code, stdout],
      [0, "MemoryLimitError true true\n3\n"],
      stderr,
    );
  });
}

Deno.test("a job may take what its limit of memory allows", () =>
  inPool({ numWorkers: 1 }, async () => {
    const bytes = 400 * 2 ** 20;
    const job = f.takes.with({ memory: 450 * 2 ** 20 }).run(bytes);
    assertEquals(await job, bytes);
    const failure = await failureOf(
      f.takes.with({ memory: 100 * 2 ** 20 }).run(bytes),
    );
    assertInstanceOf(failure, hi.MemoryLimitError);
    assertStringIncludes(failure.message, String(100 * 2 ** 20));
  }));

Deno.test("what a process says when it dies is in the error", async () => {
  const { code, stdout, stderr } = await runProgram({
    "main.ts": `
      import * as hi from "hither";
      const dies = hi.func("dies", "1", () => {
        Deno.stderr.writeSync(new TextEncoder().encode("my last words\\n"));
        Deno.kill(Deno.pid, "SIGKILL");
        return new Promise(() => {});
      });
      if (import.meta.main) {
        await using jobHandler = new hi.ParallelJobHandler({ numWorkers: 1, isolation: "process" });
        await hi.config({ jobHandler, jobCache: null, crashRetries: 0 }, async () => {
          try { await dies.run(); } catch (error) { console.log(error.message); }
        });
      }
    `,
  });
  assertEquals([code, stderr], [0, "my last words\n"]);
  assert(/SIGKILL, and said:\nmy last words\n$/.test(stdout), stdout);
});

Deno.test("a program that a job has started and left does not hold up the end of its process", async () => {
  const { code, stdout, stderr } = await runProgram({
    "main.ts": `
      import * as hi from "hither";
      const leaves = hi.func("leaves", "1", () => {
        const child = new Deno.Command("sleep", {
          args: ["1000"], stdin: "inherit", stdout: "inherit", stderr: "inherit",
        }).spawn();
        console.log(child.pid);
        Deno.kill(Deno.pid, "SIGKILL");
        return new Promise(() => {});
      });
      const add = hi.func("add", "1", (a: number, b: number) => a + b);
      if (import.meta.main) {
        await using jobHandler = new hi.ParallelJobHandler({ numWorkers: 1, isolation: "process" });
        await hi.config({ jobHandler, jobCache: null, crashRetries: 0 }, async () => {
          const job = leaves.run();
          try { await job; } catch (error) { console.log(error.name); }
          console.log(await add.run(1, 2));
          Deno.kill(Number(job.console[0].text), "SIGKILL");
        });
      }
    `,
  });
  assertEquals(code, 0, stderr);
  assertStringIncludes(stdout, "WorkerLostError\n3\n");
});
