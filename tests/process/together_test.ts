// Quick jobs, which travel to a process many in one message.
import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import * as hi from "../../mod.ts";
import { temporaryFolder } from "../house/run.ts";
import { quickUnless } from "../parallel/fixtures/functions.ts";
import { failureOf, inPool } from "../parallel/pool.ts";
import * as f from "./fixtures/functions.ts";
import { makeFifo } from "./processes.ts";

const NUMBERS = Array.from({ length: 200 }, (_, i) => i + 10);

/** The pool has seen that they are quick. */
async function warmUp(): Promise<void> {
  await Promise.all(quickUnless.map([1, 2, 3, 4, 5, 6, 7, 8]));
  await f.reads.run();
}

Deno.test("quick jobs come to a process together, and each has its own result", () =>
  inPool({ numWorkers: 1, isolation: "process" }, async () => {
    await warmUp();
    const before = await f.reads.run();
    assertEquals(await Promise.all(quickUnless.map(NUMBERS)), NUMBERS);
    const reads = await f.reads.run() - before;
    // One that comes alone is sent when the one before it is back: that is a read for each.
    assert(reads < NUMBERS.length / 4, `${reads} reads`);
  }));

for (
  const [what, value, error] of [
    ["throws", -1, RangeError],
    ["exits", -2, hi.JobExitError],
    ["returns a function", -3, hi.UnsupportedValueError],
  ] as const
) {
  Deno.test(`a job that ${what} among quick ones of a process fails alone`, () =>
    inPool({ numWorkers: 1, isolation: "process" }, async () => {
      await warmUp();
      const before = quickUnless.map(NUMBERS);
      const bad = quickUnless.run(value);
      const after = quickUnless.map(NUMBERS.map((x) => x + 1_000));
      assertInstanceOf(await failureOf(bad), error);
      assertEquals(await Promise.all(before), NUMBERS);
      assertEquals(await Promise.all(after), NUMBERS.map((x) => x + 1_000));
    }));
}

Deno.test("quick jobs that travel with one that holds up its process go on elsewhere, and each runs once", async () => {
  await using fifo = await makeFifo();
  await using folder = await temporaryFolder();
  await inPool({ numWorkers: 2, isolation: "process" }, async () => {
    for (const x of [-1, -2, -3]) await f.traces.run(folder.path, x, "");
    const jobs = NUMBERS.map((x, i) =>
      f.traces.run(folder.path, x, i === 50 ? fifo.path : "")
    );
    const held = jobs.splice(50, 1)[0]!;
    await Promise.all(jobs);
    assertEquals(held.status, "running");
    assertEquals(await fifo.begin(), "free");
    await held;
  });
});

Deno.test("a process that dies with quick jobs costs the one that ran, and no other runs twice", async () => {
  await using folder = await temporaryFolder();
  await inPool({ numWorkers: 1, isolation: "process" }, async () => {
    for (const x of [-1, -2, -3]) {
      await f.tracesUnlessKilled.run(folder.path, x);
    }
    const jobs = NUMBERS.map((x) => f.tracesUnlessKilled.run(folder.path, x));
    const ended = await Promise.allSettled(jobs);
    const failed = ended.flatMap((it, i) =>
      it.status === "rejected" ? [[NUMBERS[i], it.reason.name]] : []
    );
    assertEquals(failed, [[100, "WorkerLostError"]]);
  });
});

Deno.test("quick jobs that are cancelled behind one that holds up its process never run", async () => {
  await using fifo = await makeFifo();
  await using folder = await temporaryFolder();
  await inPool({ numWorkers: 1, isolation: "process" }, async () => {
    await f.traces.run(folder.path, -1, "");
    const held = f.traces.run(folder.path, 0, fifo.path);
    const jobs = NUMBERS.map((x) => f.traces.run(folder.path, x, ""));
    for await (const event of held) {
      if (event.type === "status" && event.status === "running") break;
    }
    for (const job of jobs) job.cancel();
    await Promise.allSettled(jobs);
    assertEquals(await fifo.begin(), "free");
    await held;
    assertEquals(await f.traces.run(folder.path, 1, ""), 1);
    assertEquals([...Deno.readDirSync(folder.path)].length, 3);
  });
});
