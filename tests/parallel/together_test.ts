import { assertEquals, assertInstanceOf } from "@std/assert";
import * as hi from "../../mod.ts";
import { temporaryFolder } from "../house/run.ts";
import * as f from "./fixtures/functions.ts";
import { failureOf, inPool, runProgram } from "./pool.ts";

/** Quick functions travel together once the pool has seen that they are quick. */
async function warmUp(): Promise<void> {
  await Promise.all(f.quickUnless.map([1, 2, 3, 4, 5, 6, 7, 8]));
}

const NUMBERS = Array.from({ length: 200 }, (_, i) => i + 10);

for (
  const [what, value, error] of [
    ["throws", -1, RangeError],
    ["exits", -2, hi.JobExitError],
    ["returns a function", -3, hi.UnsupportedValueError],
  ] as const
) {
  Deno.test(`a job that ${what} among quick ones fails alone`, () =>
    inPool({ numWorkers: 1 }, async () => {
      await warmUp();
      const before = f.quickUnless.map(NUMBERS);
      const bad = f.quickUnless.run(value);
      const after = f.quickUnless.map(NUMBERS.map((x) => x + 1_000));
      assertInstanceOf(await failureOf(bad), error);
      assertEquals(await Promise.all(before), NUMBERS);
      assertEquals(await Promise.all(after), NUMBERS.map((x) => x + 1_000));
    }));
}

Deno.test("quick jobs that travel with one that never ends go on elsewhere", () =>
  inPool({ numWorkers: 2 }, async () => {
    await warmUp();
    const stuck = f.quickUnless.run(-4);
    const others = f.quickUnless.map(NUMBERS);
    assertEquals(await Promise.all(others), NUMBERS);
    stuck.cancel();
  }));

for (const isolation of ["worker", "process"] as const) {
  Deno.test(`jobs with a queueTimeout do not wait in a ${isolation} behind one that never ends`, () =>
    inPool({ numWorkers: 1, isolation }, async () => {
      await warmUp();
      const stuck = f.quickUnless.run(-4);
      const others = NUMBERS.map((x) =>
        f.quickUnless.with({ queueTimeout: 100 }).run(x)
      );
      for (const job of others) {
        assertInstanceOf(await failureOf(job), hi.JobQueueTimeoutError);
        assertEquals(job.attempts, 0);
      }
      stuck.cancel();
    }));
}

Deno.test("jobs are run once, also if they were sent to a worker and taken back", () =>
  inPool({ numWorkers: 2 }, async () => {
    await warmUp();
    const folder = await Deno.makeTempDir();
    const stuck = f.quickUnless.run(-4);
    const jobs = NUMBERS.map((x) => f.leavesTrace.run(folder, x));
    await Promise.all(jobs);
    stuck.cancel();
    const more = NUMBERS.map((x) => f.leavesTrace.run(folder, x + 1_000));
    const others = f.quickUnless.map(NUMBERS);
    more[7]!.cancel();
    await Promise.allSettled([...more, ...others]);
    const traces = [...Deno.readDirSync(folder)].map(({ name }) => name);
    // `leavesTrace` fails if its file is there already.
    assertEquals(traces.length, 2 * NUMBERS.length - 1);
    await Deno.remove(folder, { recursive: true });
  }));

Deno.test("jobs that are cancelled before their turn are not run, and cost no worker", () =>
  inPool({ numWorkers: 1 }, async () => {
    const count = f.countCalls.with({ cache: false });
    await using folder = await temporaryFolder();
    await Promise.all([count.run(), count.run()]);
    const first = count.run(`${folder.path}/go`);
    const jobs = NUMBERS.map(() => count.run());
    for await (const event of first) {
      if (event.type === "status" && event.status === "running") break;
    }
    for (const job of jobs.slice(100)) job.cancel();
    await Deno.writeTextFile(`${folder.path}/go`, "");
    await Promise.allSettled(jobs);
    // One worker has counted all calls, and those that were cancelled are not among them.
    const finished = jobs.filter(({ status }) => status === "finished").length;
    assertEquals(finished, 100);
    assertEquals(await first + 100 + 1, await count.run());
  }));

Deno.test("quick jobs that travel with a busy one go on elsewhere", async () => {
  const { code, stdout, stderr } = await runProgram({
    "main.ts": `
      import * as hi from "hither";
      const f = hi.func("f", "1", (x: number) => { while (x === 50); return x; });
      if (import.meta.main) {
        const jobHandler = new hi.ParallelJobHandler({ numWorkers: 2 });
        hi.setDefaults({ jobHandler, jobCache: null });
        await Promise.all(f.map([1, 2, 3, 4, 5, 6, 7, 8]));
        const numbers = Array.from({ length: 100 }, (_, i) => i);
        const jobs = f.map(numbers);
        const others = await Promise.all(jobs.filter((_, i) => i !== 50));
        console.log(others.length, jobs[50].status);
        jobs[50].cancel();
        console.log(await f.run(1_000));
      }
    `,
  });
  assertEquals([code, stdout], [0, "99 running\n1000\n"], stderr);
});

Deno.test("a job that was taken back and comes to the same worker again is run once", () =>
  inPool({ numWorkers: 1, jobsPerWorker: 2 }, async () => {
    await warmUp();
    await using folder = await temporaryFolder();
    await f.tracesUnless.run(folder.path, 1);
    await f.tracesUnless.run(folder.path, 2);
    const waits = f.tracesUnless.run(folder.path, -1);
    const jobs = NUMBERS.map((x) => f.tracesUnless.run(folder.path, x));
    // A trace that is there already is an error.
    await Promise.all(jobs);
    await Deno.writeTextFile(`${folder.path}/go`, "");
    assertEquals(await waits, "gone");
  }));

Deno.test("a handler derived from the pool gets each Task, and may pass a copy of it on", async () => {
  class Counting extends hi.ParallelJobHandler {
    readonly keys: string[] = [];
    override run(task: hi.Task): Promise<hi.Outcome> {
      this.keys.push(task.key);
      return super.run({
        ...task,
        arguments: () => task.arguments(),
        started: () => task.started(),
        report: (event) => task.report(event),
        submitNested: (request, listener) =>
          task.submitNested(request, listener),
      });
    }
  }
  await using jobHandler = new Counting({ numWorkers: 1 });
  await hi.config({ jobHandler, jobCache: null }, async () => {
    const jobs = f.quickUnless.map([1, 2, 3]);
    assertEquals(await Promise.all(jobs), [1, 2, 3]);
    assertEquals(jobHandler.keys, jobs.map(({ key }) => key as string));
  });
});

Deno.test("what finds no room in the shared memory comes all the same", () =>
  inPool({ numWorkers: 1, jobsPerWorker: 8 }, async () => {
    for (let i = 0; i < 10; i++) await f.same.run(i);
    const texts = Array.from(
      { length: 8_000 },
      (_, i) => String(i).padEnd(64, "-"),
    );
    assertEquals(await Promise.all(f.same.map(texts)), texts);
  }));

Deno.test("small arguments and results of every kind arrive as they were", () =>
  inPool({ numWorkers: 1 }, async () => {
    const values = [
      0,
      -0,
      1.5,
      -7,
      2 ** 31,
      2 ** 40,
      -(2 ** 40),
      NaN,
      -Infinity,
      true,
      false,
      null,
      undefined,
      "",
      "a",
      "äöü",
      "\ud800",
      "x".repeat(64),
      "x".repeat(65),
      7n,
      [],
      {},
    ];
    await Promise.all(f.same.map(values));
    assertEquals(await Promise.all(f.same.map(values)), values);
    for (const value of values) assertEquals(await f.same.run(value), value);
  }));
