// The attempts of a job in a process are the calls of its function, whatever else becomes of the job or the process.
import { assertEquals, assertInstanceOf } from "@std/assert";
import * as hi from "../../mod.ts";
import { temporaryFolder } from "../house/run.ts";
import { appears, failureOf, inPool, runProgram } from "../parallel/pool.ts";
import * as f from "./fixtures/functions.ts";
import { makeFifo } from "./processes.ts";

/** Resolves when a job has that status, as whoever listens to it hears. */
async function becomes(job: hi.Job<unknown>, status: hi.JobStatus) {
  for await (const event of job) {
    if (event.type === "status" && event.status === status) return;
  }
}

/** Lets what was sent come to its process. */
async function turns(): Promise<void> {
  for (let i = 0; i < 10; i++) await new Promise((go) => setTimeout(go, 1));
}

/** Reads a FIFO to which a process writes, and holds up this program until that is there. */
function waitFor(fifo: string): Deno.FsFile {
  const file = Deno.openSync(fifo, { read: true });
  file.readSync(new Uint8Array(100));
  return file;
}

for (
  const [how, fn] of [
    ["is stopped with its process as it computes for ever", f.spins],
    ["dies with its process", f.killedOnceRead],
  ] as const
) {
  Deno.test(`a job that ${how}, and was cancelled before it was heard that it was called, has one attempt`, async () => {
    await using fifo = await makeFifo();
    await using second = await makeFifo();
    const jobs: hi.Job<unknown>[] = [];
    await inPool(
      { numWorkers: 1, jobsPerWorker: 2, isolation: "process" },
      async () => {
        await f.add.run(1, 1);
        const before = f.blocksUntilRead.run(fifo.path);
        await becomes(before, "running");
        const job = fn.run(second.path);
        await turns();
        jobs.push(job);
        assertEquals([job.status, job.attempts], ["queued", 0]);
        using _first = waitFor(fifo.path);
        using _second = waitFor(second.path);
        // Its function has been called, of which this program has not heard.
        assertEquals(job.status, "queued");
        job.cancel();
        assertInstanceOf(await failureOf(job), hi.JobCancelledError);
        await Promise.allSettled([before]);
      },
    );
    assertEquals(jobs.map(({ attempts }) => attempts), [1]);
  });
}

Deno.test("what waits in a process that another job brings down has no attempt there, also if its code is new to that process", async () => {
  await using fifo = await makeFifo();
  await inPool(
    { numWorkers: 1, jobsPerWorker: 3, isolation: "process" },
    async () => {
      await f.add.run(1, 1);
      const bad = f.killedOnceRead.run(fifo.path);
      const failure = failureOf(bad);
      const known = f.add.run(1, 2);
      const unknown = f.prints.run("");
      await turns();
      assertEquals([known.status, unknown.status], ["queued", "queued"]);
      await fifo.begin();
      assertInstanceOf(await failure, hi.WorkerLostError);
      assertEquals([await known, await unknown], [3, 0]);
      assertEquals(
        [bad, known, unknown].map(({ attempts }) => attempts),
        [1, 1, 1],
      );
    },
  );
});

Deno.test("a job that was sent to an idle process, which something left behind keeps busy, is queued until it is called", async () => {
  await using fifo = await makeFifo();
  await using folder = await temporaryFolder();
  await inPool({ numWorkers: 1, isolation: "process" }, async () => {
    await f.add.run(1, 1);
    const held = appears(folder.path, "held");
    await f.leavesHeld.run(`${folder.path}/held`, fifo.path);
    await held;
    const job = f.add.run(1, 2);
    // A process that has nothing is taken to begin at once, as long as it does not say otherwise.
    await becomes(job, "running");
    await becomes(job, "queued");
    assertEquals(job.attempts, 0);
    const called = becomes(job, "running");
    using _file = await Deno.open(fifo.path, { read: true });
    await called;
    assertEquals(await job, 3);
    assertEquals(job.attempts, 1);
  });
});

Deno.test("a job that is cancelled when it was sent to an idle process, which something left behind keeps busy, has no attempt", async () => {
  await using fifo = await makeFifo();
  await using folder = await temporaryFolder();
  await inPool({ numWorkers: 1, isolation: "process" }, async () => {
    await f.traces.run(folder.path, 1, "");
    const held = appears(folder.path, "held");
    await f.leavesHeld.run(`${folder.path}/held`, fifo.path);
    await held;
    const job = f.traces.run(folder.path, 2, "");
    await becomes(job, "running");
    job.cancel();
    assertInstanceOf(await failureOf(job), hi.JobCancelledError);
    const next = f.traces.run(folder.path, 3, "");
    await becomes(next, "running");
    // With that the process has heard of the cancel.
    await becomes(next, "queued");
    assertEquals([job.status, job.attempts], ["cancelled", 0]);
    // If it had to be ended, nobody writes.
    using _file = Deno.openSync(fifo.path, { read: true, write: true });
    assertEquals(await next, 3);
    const names = [...Deno.readDirSync(folder.path)].map(({ name }) => name);
    assertEquals(names.sort(), ["1", "3", "held"]);
  });
});

for (
  const [isolation, what] of [
    ["worker", "is not called"],
    // It may be called before the cancel has come through the pipe.
    ["process", "has as many attempts as there were calls"],
  ] as const
) {
  Deno.test(`a job that is cancelled while its ${isolation} is busy importing its module ${what}`, async () => {
    const { code, stdout, stderr } = await runProgram({
      "slow.ts": `
        import * as hi from "hither";
        if ("name" in globalThis && globalThis.name === "hither") {
          Deno.writeTextFileSync("importing", "");
          const isThere = () => { try { return Deno.statSync("go").isFile; } catch { return false; } };
          while (!isThere());
        }
        export const called = hi.func("called", "1", () => Deno.writeTextFileSync("called", ""));
      `,
      "quick.ts": `
        import * as hi from "hither";
        export const names = hi.func("names", "1", () => [...Deno.readDirSync(".")].map(({ name }) => name));
      `,
      "main.ts": `
        import * as hi from "hither";
        import { names } from "./quick.ts";
        import { called } from "./slow.ts";
        if (import.meta.main) {
          await using jobHandler = new hi.ParallelJobHandler({ numWorkers: 1, isolation: "${isolation}" });
          await hi.config({ jobHandler, jobCache: null }, async () => {
            await names.run();
            const watcher = Deno.watchFs(".");
            const job = called.run();
            for await (const { paths } of watcher) if (paths.some((path) => path.endsWith("importing"))) break;
            const { status } = job;
            job.cancel();
            Deno.writeTextFileSync("go", "");
            await Promise.allSettled([job]);
            const calls = (await names.run()).includes("called") ? 1 : 0;
            console.log(status, "${isolation}" === "worker" ? calls : "-", job.attempts - calls);
          });
        }
      `,
    });
    assertEquals(
      [code, stdout],
      [0, `queued ${isolation === "worker" ? "0" : "-"} 0\n`],
      stderr,
    );
  });
}
