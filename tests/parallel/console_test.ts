import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import * as hi from "../../mod.ts";
import * as f from "./fixtures/functions.ts";
import { inPool, runProgram } from "./pool.ts";
import { makeTask } from "./tasks.ts";

Deno.test("two jobs that print by turns in one worker keep their lines apart", () =>
  inPool({ numWorkers: 1, jobsPerWorker: 2 }, async () => {
    const jobs = [f.prints.run("left"), f.prints.run("right")];
    await Promise.all(jobs);
    const [left, right] = jobs.map(({ console }) =>
      console.map(({ text, stream }) => ({ text, stream }))
    );
    assert(left!.length > 14);
    assertEquals(
      right,
      left!.map(({ text, stream }) => ({
        text: text.replaceAll("left", "right"),
        stream,
      })),
    );
    assert(left!.every(({ text }) => text.includes("left")));
    // They ran by turns, not one after the other.
    const [a, b] = jobs.map(({ console }) => console.map(({ time }) => time));
    assert(a![0]! <= b!.at(-1)! && b![0]! <= a!.at(-1)!);
  }));

for (const isolation of ["worker", "process"] as const) {
  Deno.test(`that a job runs is told before what it prints (${isolation})`, () =>
    inPool({ numWorkers: 2, isolation }, async () => {
      const jobs = Array.from({ length: 40 }, (_, i) => f.prints.run(`${i}`));
      const told = await Promise.all(jobs.map(async (job) => {
        const first = new Set<string>();
        for await (const event of job) {
          first.add(event.type === "status" ? event.status : event.type);
        }
        return [...first].join(" ");
      }));
      assertEquals(
        told,
        jobs.map(() => "queued running console finished"),
      );
    }));
}

Deno.test("every method of the console arrives, on its stream", () =>
  inPool({ numWorkers: 1 }, async () => {
    const job = f.printsAll.run();
    await job;
    const out = textOf(job, "stdout");
    const err = textOf(job, "stderr");
    assertStringIncludes(out, "answer is 42 { deep: { er: [ 1 ] } }\n\n");
    assertStringIncludes(out, "(index)");
    assertStringIncludes(out, "default: 1\ndefault: 2\n");
    assertStringIncludes(out, "one\ntwo\n");
    assertStringIncludes(err, "Assertion failed: not so\n");
    assertStringIncludes(err, "careful\n");
  }));

Deno.test("a job that failed keeps what it has printed", () =>
  inPool({ numWorkers: 1 }, async () => {
    const job = f.printsAndThrows.run();
    await Promise.allSettled([job]);
    assertEquals(textOf(job, "stdout"), "the last words\n");
  }));

for (const isolation of ["worker", "process"] as const) {
  Deno.test(`a job that was cancelled or ran out of time keeps what it has printed: ${isolation}`, () =>
    inPool({ numWorkers: 1, isolation }, async () => {
      const cancelled = f.printsAndWaits.run();
      for await (const event of cancelled) {
        if (event.type === "console") cancelled.cancel();
      }
      assertEquals(textOf(cancelled, "stdout"), "so far\n");
      const late = f.printsAndWaits.with({ timeout: 500 }).run();
      await assertRejects(() => late.wait(), hi.JobTimeoutError);
      assertEquals(textOf(late, "stdout"), "so far\n");
      const again = f.printsAndWaits.with({
        timeout: 500,
        retry: { maxAttempts: 2, minTimeout: 1 },
      }).run();
      await assertRejects(() => again.wait(), hi.JobTimeoutError);
      assertEquals(textOf(again, "stdout"), "so far\nso far\n");
    }));
}

Deno.test("of what a job prints 1 MiB is kept, and a line says how much was dropped", async () => {
  const { code, stdout, stderr } = await runProgram({
    "main.ts": `
      import * as hi from "hither";
      const f = hi.func("prints", "1", () => {
        for (let i = 0; i < 12; i++) console.log("x".repeat(99_999));
      });
      if (import.meta.main) {
        await using jobHandler = new hi.ParallelJobHandler({ numWorkers: 1 });
        await hi.config({ jobHandler, jobCache: null }, async () => {
          const job = f.run();
          await job;
          const kept = job.console.map(({ text }) => text).join("");
          console.error(kept.indexOf("["), kept.slice(kept.indexOf("[")));
        });
      }
    `,
  });
  assertEquals(code, 0);
  // All of it is shown.
  assertEquals(stdout, `[prints] ${"x".repeat(99_999)}\n`.repeat(12));
  const dropped = 12 * 100_000 - 1_048_576;
  assertStringIncludes(stderr, `1048576 [${dropped} more characters`);
});

Deno.test("progress is passed on", () =>
  inPool({ numWorkers: 1 }, async (jobHandler) => {
    const task = makeTask(f.reports, []);
    await jobHandler.run(task);
    assertEquals(task.events, [
      { type: "progress", fraction: 0.25 },
      { type: "progress", fraction: 1, message: "all of it" },
    ]);
  }));

Deno.test("what a job prints appears at once, after its name; what its script prints appears once", async () => {
  const { code, stdout, stderr } = await runProgram({
    "main.ts": `
      import * as hi from "hither";
      console.log("the script begins");
      const f = hi.func("speaks", "1", (x: number) => {
        console.log("job", x);
        console.error("two\\nlines");
        return x;
      });
      await using jobHandler = new hi.ParallelJobHandler({ numWorkers: 2 });
      await hi.config({ jobHandler, jobCache: null }, () => Promise.all(f.map([1, 2])));
      console.log("the script ends");
    `,
  });
  assertEquals(code, 0, stderr);
  assertEquals(stdout.split("\n").sort(), [
    "",
    "[speaks] job 1",
    "[speaks] job 2",
    "the script begins",
    "the script ends",
  ]);
  assertEquals(stderr, "[speaks] two\n[speaks] lines\n".repeat(2));
});

function textOf(
  job: hi.Job<unknown>,
  stream: hi.ConsoleLine["stream"],
): string {
  return job.console.filter((line) => line.stream === stream)
    .map(({ text }) => text).join("");
}
