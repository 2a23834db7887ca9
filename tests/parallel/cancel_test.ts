import { assertEquals, assertInstanceOf } from "@std/assert";
import * as hi from "../../mod.ts";
import * as f from "./fixtures/functions.ts";
import { failureOf, inPool } from "./pool.ts";
import { makeTask, type TestTask, valueOf } from "./tasks.ts";

Deno.test("a cancelled job that waits is never run", () =>
  inPool({ numWorkers: 1 }, async () => {
    const before = await f.countCalls.run();
    const first = f.add.run(1, 1);
    const dropped = f.countCalls.with({ cache: false }).run();
    dropped.cancel("not needed");
    assertInstanceOf(await failureOf(dropped), hi.JobCancelledError);
    assertEquals(await first, 2);
    assertEquals(await f.countCalls.run(), before + 1);
  }));

for (const fn of [f.sleepers, f.untilAborted, f.spinsUntilAborted]) {
  Deno.test(`the slot of a cancelled ${fn.name} comes back`, () =>
    inPool({ numWorkers: 1 }, async (jobHandler) => {
      const task = makeTask(fn, []);
      jobHandler.run(task);
      await task.hasStarted;
      jobHandler.cancel(task, new Error("enough"));
      assertEquals(await f.add.run(20, 3), 23);
    }));
}

Deno.test("a job that runs out of time fails so, and the next one runs", () =>
  inPool({ numWorkers: 1 }, async () => {
    const job = f.sleepers.with({ timeout: 1 }).run();
    assertInstanceOf(await failureOf(job), hi.JobTimeoutError);
    assertEquals(await f.add.run(20, 3), 23);
  }));

Deno.test("the neighbours of a cancelled job go on, and its slot comes back meanwhile", () =>
  inPool({ numWorkers: 1, jobsPerWorker: 2 }, async (jobHandler) => {
    const neighbour = makeTask(f.untilAborted, []);
    jobHandler.run(neighbour);
    await neighbour.hasStarted;
    const cancelled = makeTask(f.sleepers, []);
    jobHandler.run(cancelled);
    await cancelled.hasStarted;
    jobHandler.cancel(cancelled, new Error("enough"));
    assertEquals(await f.add.run(1, 2), 3);
  }));

Deno.test("at most numWorkers times jobsPerWorker jobs run at a time", () =>
  inPool({ numWorkers: 2, jobsPerWorker: 2 }, async (jobHandler) => {
    const tasks = Array.from({ length: 6 }, () => makeTask(f.untilAborted, []));
    for (const task of tasks) jobHandler.run(task);
    await Promise.all(tasks.slice(0, 4).map((task) => task.hasStarted));
    assertEquals(tasks.map(({ starts }) => starts), [1, 1, 1, 1, 0, 0]);
    jobHandler.cancel(tasks[0]!, new Error("enough"));
    await tasks[4]!.hasStarted;
    assertEquals(await hasStartedSoon(tasks[5]!), false);
  }));

Deno.test("a worker that has not ended its cancelled job counts, and no more jobs run than may", () =>
  inPool({ numWorkers: 1, jobsPerWorker: 2 }, async (jobHandler) => {
    const tasks = [f.untilAborted, f.sleepers, f.untilAborted, f.untilAborted]
      .map((fn) => makeTask<[]>(fn, []));
    const [, deaf, third, fourth] = tasks as [
      TestTask,
      TestTask,
      TestTask,
      TestTask,
    ];
    for (const task of tasks) jobHandler.run(task);
    await deaf.hasStarted;
    jobHandler.cancel(deaf, new Error("enough"));
    await third.hasStarted;
    assertEquals(await hasStartedSoon(fourth), false);
    jobHandler.cancel(third, new Error("enough"));
    await fourth.hasStarted;
  }));

Deno.test("disposing fails what waits and what runs, and takes no more", async () => {
  const jobHandler = new hi.ParallelJobHandler({ numWorkers: 1 });
  const running = makeTask(f.sleepers, []);
  const waiting = makeTask(f.add, [1, 2]);
  const outcomes = [jobHandler.run(running), jobHandler.run(waiting)];
  await running.hasStarted;
  await jobHandler[Symbol.asyncDispose]();
  outcomes.push(jobHandler.run(makeTask(f.add, [1, 2])));
  for (const outcome of outcomes) {
    assertInstanceOf(valueOf(await outcome), hi.HandlerClosedError);
  }
  await jobHandler[Symbol.asyncDispose]();
});

Deno.test("a handler that was never used is disposed without starting anything", async () => {
  await using jobHandler = new hi.ParallelJobHandler();
  assertEquals(jobHandler.abandoned, 0);
});

Deno.test("a Task that is cancelled before the pool has loaded is never run", async () => {
  await using jobHandler = new hi.ParallelJobHandler({ numWorkers: 1 });
  const dropped = makeTask(f.sleepers, []);
  const outcome = jobHandler.run(dropped);
  jobHandler.cancel(dropped, new Error("enough"));
  assertEquals((await outcome).status, "error");
  assertEquals(dropped.starts, 0);
});

/** Whether a task starts while a job on another handler does. */
async function hasStartedSoon(task: TestTask): Promise<boolean> {
  await using other = new hi.ParallelJobHandler({ numWorkers: 1 });
  await other.run(makeTask(f.add, [1, 2]));
  return task.starts > 0;
}
