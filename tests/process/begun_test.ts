// What a job says of itself is whether its function was called, not whether its worker was given it.
import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import * as hi from "../../mod.ts";
import { temporaryFolder } from "../house/run.ts";
import { appears, failureOf, inPool, numbers } from "../parallel/pool.ts";
import * as f from "./fixtures/functions.ts";
import { twice } from "./fixtures/slow_import.ts";
import { makeFifo } from "./processes.ts";

/** Resolves when a job runs, as whoever listens to it hears. */
async function running(job: hi.Job<unknown>): Promise<void> {
  for await (const event of job) {
    if (event.type === "status" && event.status === "running") return;
  }
}

/** How many jobs are at each status, and have been called how often. */
function counts(jobs: readonly hi.Job<unknown>[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { status, attempts } of jobs) {
    const what = `${status} ${attempts}`;
    counts[what] = (counts[what] ?? 0) + 1;
  }
  return counts;
}

for (const isolation of ["worker", "process"] as const) {
  for (
    const [what, name] of [
      ["jobs", "short"],
      // A longer text is no argument of a few bytes.
      ["jobs with Tasks of their own", "long".repeat(20)],
    ] as const
  ) {
    Deno.test(`${what} that were sent with one that holds up its ${isolation} are queued and were not called, also when they are cancelled`, async () => {
      await using fifo = await makeFifo();
      await using base = await temporaryFolder();
      const folder = `${base.path}/${name}`;
      Deno.mkdirSync(folder);
      await inPool({ numWorkers: 1, isolation }, async () => {
        const trace = (x: number, fifo = "") => f.traces.run(folder, x, fifo);
        for (let x = 1; x <= 30; x++) await trace(-x);
        const before = numbers(50).map((x) => trace(x));
        const held = trace(50, fifo.path);
        const after = numbers(100).map((x) => trace(51 + x));
        const there = appears(folder, "50");
        await running(held);
        await there;
        await Promise.all(before);
        assertEquals(counts(before), { "finished 1": 50 });
        assertEquals(counts([held]), { "running 1": 1 });
        assertEquals(counts(after), { "queued 0": 100 });
        for (const job of after) job.cancel();
        assertEquals(counts(after), { "cancelled 0": 100 });
        await Promise.allSettled(after);
        assertEquals(await fifo.begin(), "free");
        assertEquals(await held, 50);
        assertEquals(await trace(1_000), 1_000);
        assertEquals(counts([held]), { "finished 1": 1 });
        // A process may have begun with some before it heard of their end: that is told too.
        const called = after.filter(({ attempts }) => attempts === 1).length;
        assertEquals(counts(after).finished ?? 0, 0);
        if (isolation === "worker") assertEquals(called, 0);
        assertEquals(
          [...Deno.readDirSync(folder)].length,
          30 + 51 + called + 1,
        );
      });
    });
  }

  Deno.test(`jobs that were sent with one that holds up its ${isolation} and go on elsewhere were called once`, async () => {
    await using fifo = await makeFifo();
    await using folder = await temporaryFolder();
    await inPool({ numWorkers: 2, isolation }, async () => {
      const trace = (x: number, fifo = "") =>
        f.traces.run(folder.path, x, fifo);
      for (let x = 1; x <= 30; x++) await trace(-x);
      const held = trace(0, fifo.path);
      const jobs = numbers(300).map((x) => trace(1 + x));
      await Promise.all(jobs);
      assertEquals(counts(jobs), { "finished 1": 300 });
      assertEquals(counts([held]), { "running 1": 1 });
      assertEquals(await fifo.begin(), "free");
      await held;
    });
  });

  Deno.test(`a job that is cancelled while its ${isolation} starts was never called`, () =>
    inPool({ numWorkers: 1, isolation }, async () => {
      const job = f.add.run(1, 2);
      // The worker has been given it by then.
      for (let i = 0; i < 10; i++) await new Promise((go) => setTimeout(go));
      assertEquals(counts([job]), { "queued 0": 1 });
      job.cancel();
      assertInstanceOf(await failureOf(job), hi.JobCancelledError);
      assertEquals(counts([job]), { "cancelled 0": 1 });
      assertEquals(await f.add.run(1, 3), 4);
    }));

  Deno.test(`a job behind a busy one of its ${isolation} is queued until that lets it run`, async () => {
    await using fifo = await makeFifo();
    await inPool(
      { numWorkers: 1, jobsPerWorker: 2, isolation },
      async () => {
        await f.add.run(1, 1);
        const busy = f.blocksUntilRead.run(fifo.path);
        await running(busy);
        const waiting = f.add.run(1, 2);
        const unwanted = f.add.run(1, 3);
        for (let i = 0; i < 10; i++) {
          await new Promise((go) => setTimeout(go, 1));
        }
        assertEquals(counts([waiting, unwanted]), { "queued 0": 2 });
        unwanted.cancel();
        assertEquals(counts([unwanted]), { "cancelled 0": 1 });
        assertEquals(await fifo.begin(), "free");
        assertEquals(await waiting, 3);
        assertEquals(counts([busy, waiting]), { "finished 1": 2 });
        assertEquals(counts([unwanted]), { "cancelled 0": 1 });
      },
    );
  });

  Deno.test(`a job that runs in a ${isolation} says so, and was called when it is cancelled`, async () => {
    await using fifo = await makeFifo();
    await inPool({ numWorkers: 1, isolation }, async () => {
      const job = f.waits.run(fifo.path);
      const ended = failureOf(job);
      await fifo.begin();
      // In a process what it says has to come through the pipe first.
      await running(job);
      job.cancel();
      await ended;
      assertEquals(counts([job]), { "cancelled 1": 1 });
    });
  });
}

Deno.test("those who share the run of a job that was sent see the same", async () => {
  await using fifo = await makeFifo();
  await inPool({ numWorkers: 1, isolation: "process" }, async () => {
    await f.add.run(1, 1);
    const busy = f.blocksUntilRead.run(fifo.path);
    await running(busy);
    const same = f.blocksUntilRead.run(fifo.path);
    assertEquals(counts([busy, same]), { "running 1": 2 });
    assertEquals(await fifo.begin(), "free");
    assert(await busy === await same);
    assertEquals(counts([busy, same]), { "finished 1": 2 });
  });
});

for (const isolation of ["worker", "process"] as const) {
  Deno.test(`a timeout beside a queueTimeout counts from the call, not from the start of the worker: ${isolation}`, () =>
    inPool({ numWorkers: 1, isolation }, async () => {
      const options = { timeout: 500, queueTimeout: 60_000 };
      const jobs = [1, 2, 3].map((x) => twice.with(options).run(x));
      assertEquals(await Promise.all(jobs), [2, 4, 6]);
      assertEquals(jobs.map(({ attempts }) => attempts), [1, 1, 1]);
    }));
}
