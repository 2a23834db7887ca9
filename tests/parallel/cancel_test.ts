import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertStrictEquals,
  assertStringIncludes,
} from "@std/assert";
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

for (const isolation of ["auto", "process"] as const) {
  Deno.test(`each of many jobs under one signal has an error of its own, whose cause is the reason (${isolation})`, () =>
    inPool({ numWorkers: 2, isolation }, async () => {
      const controller = new AbortController();
      const reason = new Error("enough");
      const jobs = await submitMany(controller.signal);
      await jobs[0];
      const other = f.add.run(-1, 0);
      controller.abort(reason);
      const errors = await errorsOf(jobs);
      assert(errors.length >= HALF);
      assertEquals(new Set(errors).size, errors.length);
      for (const error of errors) {
        assertInstanceOf(error, hi.JobCancelledError);
        assertStrictEquals(error.cause, reason);
      }
      assertEquals(await other, -1);
      assertEquals(await f.add.run(20, 3), 23);
    }));

  Deno.test(`each of many jobs whose handler is disposed has an error of its own (${isolation})`, () =>
    inPool({ numWorkers: 2, isolation }, async (jobHandler) => {
      const jobs = await submitMany(null);
      await jobs[0];
      const other = f.sleepers.run();
      await jobHandler[Symbol.asyncDispose]();
      const errors = await errorsOf(jobs);
      assert(errors.length >= HALF);
      assertEquals(new Set(errors).size, errors.length);
      for (const error of errors) {
        assertInstanceOf(error, hi.HandlerClosedError);
        assertStringIncludes(error.message, `${f.add.name} ${f.add.version}`);
        assertStringIncludes(error.stack!, error.message);
      }
      const last = await failureOf(other);
      assertInstanceOf(last, hi.HandlerClosedError);
      assertStringIncludes(last.message, f.sleepers.name);
    }));
}

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

const HALF = 1_500;

/** Many jobs; behind the first half of them all slots of two workers are taken for ever. */
function submitMany(signal: AbortSignal | null): Promise<hi.Job<number>[]> {
  const half = (first: number) =>
    Array.from({ length: HALF }, (_, i) => f.add.run(first + i, 0));
  return hi.config({ signal, jobCache: null }, () => {
    const jobs = half(0);
    for (let i = 0; i < 2; i++) {
      f.sleepers.with({ cache: false }).run().then(() => {}, () => {});
    }
    return [...jobs, ...half(HALF)];
  });
}

/** The errors of those that have no result; the others have the right one. */
async function errorsOf(jobs: hi.Job<number>[]): Promise<Error[]> {
  const settled = await Promise.allSettled(jobs);
  return settled.flatMap((end, i) => {
    if (end.status === "rejected") return [end.reason];
    assertEquals(end.value, i);
    return [];
  });
}

/** Whether a task starts while a job on another handler does. */
async function hasStartedSoon(task: TestTask): Promise<boolean> {
  await using other = new hi.ParallelJobHandler({ numWorkers: 1 });
  await other.run(makeTask(f.add, [1, 2]));
  return task.starts > 0;
}
