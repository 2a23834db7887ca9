import { assertEquals, assertInstanceOf, assertNotEquals } from "@std/assert";
import * as hi from "../../mod.ts";
import { failureOf, inPool, runProgram } from "../parallel/pool.ts";
import * as f from "./fixtures/functions.ts";
import { makeFifo } from "./processes.ts";

/** What a job does that nobody can stop from inside. */
const BUSY = { "computes for ever": f.spins, "is blocked": f.blocks };

for (const [does, fn] of Object.entries(BUSY)) {
  Deno.test(`a job that ${does} is stopped when its time is over, with its process`, async () => {
    await using fifo = await makeFifo();
    await inPool({ numWorkers: 1 }, async (jobHandler) => {
      const job = fn.with({ timeout: 200 }).run(fifo.path);
      const failure = failureOf(job);
      const pid = await fifo.begin();
      assertInstanceOf(await failure, hi.JobTimeoutError);
      assertEquals(await f.add.with({ timeout: 60_000 }).run(1, 2), 3);
      await fifo.end();
      assertNotEquals(await f.pid.with({ timeout: 60_000 }).run(), Number(pid));
      assertEquals(jobHandler.abandoned, 0);
    });
  });

  Deno.test(`a job that ${does} is stopped when it is cancelled`, async () => {
    await using fifo = await makeFifo();
    await inPool({ numWorkers: 1, isolation: "process" }, async (handler) => {
      const job = fn.run(fifo.path);
      const failure = failureOf(job);
      await fifo.begin();
      job.cancel("enough");
      assertInstanceOf(await failure, hi.JobCancelledError);
      assertEquals(await f.add.run(1, 2), 3);
      await fifo.end();
      assertEquals(handler.abandoned, 0);
    });
  });
}

Deno.test("a job that prints without end is stopped when its time is over", async () => {
  const { code, stdout, stderr } = await runProgram({
    "main.ts": `
      import * as hi from "hither";
      const floods = hi.func("floods", "1", () => { while (true) console.log("again"); });
      const add = hi.func("add", "1", (a: number, b: number) => a + b);
      if (import.meta.main) {
        await using jobHandler = new hi.ParallelJobHandler({ numWorkers: 1 });
        await hi.config({ jobHandler, jobCache: null }, async () => {
          try { await floods.with({ timeout: 100 }).run(); } catch (error) {
            console.error("it ended by", error.name);
          }
          console.error(await add.run(1, 2), jobHandler.abandoned);
        });
      }
    `,
  });
  assertEquals(code, 0, stderr);
  assertEquals(stderr, "it ended by JobTimeoutError\n3 0\n");
  assertEquals(stdout.slice(0, 15), "[floods] again\n");
});

Deno.test("synchronous code in a process sees that it is to stop", async () => {
  const { code, stdout, stderr } = await runProgram({
    "main.ts": `
      import * as hi from "hither";
      const polls = hi.func("polls", "1", () => {
        try {
          while (true) hi.current()!.throwIfAborted();
        } catch (error) {
          console.log("it saw a", error.name);
          throw error;
        }
      });
      if (import.meta.main) {
        await using jobHandler = new hi.ParallelJobHandler({ numWorkers: 1 });
        await hi.config({ jobHandler, jobCache: null }, async () => {
          try { await polls.with({ timeout: 100 }).run(); } catch (error) {
            console.log("it ended by", error.name);
          }
        });
      }
    `,
  });
  const lines = stdout.trim().split("\n").sort();
  assertEquals(
    [code, ...lines],
    [0, "[polls] it saw a JobTimeoutError", "it ended by JobTimeoutError"],
    stderr,
  );
});

Deno.test("a job that waits behind a busy one of its process is cancelled without harm to it", async () => {
  await using fifo = await makeFifo();
  await using folderFifo = await makeFifo();
  await inPool(
    { numWorkers: 1, jobsPerWorker: 2, isolation: "process" },
    async () => {
      const busy = f.blocksUntilRead.run(fifo.path);
      const waiting = f.holds.run(folderFifo.path);
      const failure = failureOf(waiting);
      waiting.cancel("enough");
      assertInstanceOf(await failure, hi.JobCancelledError);
      assertEquals(await fifo.begin(), "free");
      assertEquals(await busy, "done");
    },
  );
});
