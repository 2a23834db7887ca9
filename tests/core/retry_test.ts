import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertMatch,
  assertRejects,
  assertThrows,
} from "@std/assert";
import { waitBeforeRetry } from "../../lib/retry.ts";
import * as hi from "../../mod.ts";
import { MortalJobHandler } from "./mortal.ts";

const quick = { minTimeout: 1, jitter: 0 };

/** A function that throws as often as it is told, and then returns the number of its calls. */
function flaky(
  name: string,
  failures: number,
  error = () => new RangeError("no"),
) {
  let calls = 0;
  return hi.func(name, "1", (_: number) => {
    console.log(`call ${++calls}`);
    if (calls <= failures) throw error();
    return calls;
  });
}

Deno.test("a job is tried until it has a result, and tells how often", async () => {
  const job = flaky("retry_twice", 2).with({
    retry: { ...quick, maxAttempts: 3 },
  })
    .run(1);
  const statuses: string[] = [];
  for await (const event of job) {
    if (event.type === "status") statuses.push(event.status);
  }
  assertEquals([await job, job.attempts], [3, 3]);
  assertEquals(
    statuses.join(),
    "queued,running,queued,running,queued,running,finished",
  );
});

Deno.test("without retry a job is tried once", async () => {
  const job = flaky("retry_never", 1).run(1);
  await assertRejects(async () => await job, RangeError);
  assertEquals(job.attempts, 1);
});

Deno.test("the last attempt's error is the job's", async () => {
  let calls = 0;
  const f = flaky("retry_all_fail", 9, () => new RangeError(`no ${++calls}`));
  const job = f.with({ retry: { ...quick, maxAttempts: 3 } }).run(1);
  await assertRejects(async () => await job, RangeError, "no 3");
  assertEquals(job.attempts, 3);
});

Deno.test("what failed attempts have printed is kept, with a mark", async () => {
  await using jobCache = new hi.JobCache({ path: await Deno.makeTempDir() });
  const f = flaky("retry_console", 1).with({ jobCache, retry: quick });
  const job = f.run(1);
  await job;
  const text = (job: hi.Job<number>) =>
    job.console.map(({ text }) => text).join("");
  assertMatch(
    text(job),
    /^call 1\nhither: attempt 1 failed: RangeError: no; the next in 1 ms\ncall 2\n$/,
  );
  const hit = f.run(1);
  await hit;
  assertEquals([hit.cached, hit.attempts, text(hit)], [true, 0, text(job)]);
});

Deno.test("only the outcome of the last attempt is stored", async () => {
  await using jobCache = new hi.JobCache({ path: await Deno.makeTempDir() });
  const f = flaky("retry_stored", 1).with({
    jobCache,
    cacheFailing: true,
    retry: quick,
  });
  assertEquals(await f.run(1), 2);
  assertEquals((await jobCache.stats()).records, 1);
  assertEquals(await f.run(1), 2);
});

for (
  const [what, on, attempts] of [
    ["a function", (error: unknown) => error instanceof RangeError, 3],
    ["a function that says no", () => false, 1],
    ["a class", RangeError, 3],
    ["another class", TypeError, 1],
    ["names", ["TypeError", "RangeError"], 3],
    ["another name", "TypeError", 1],
  ] as [string, hi.RetryOptions["on"], number][]
) {
  Deno.test(`what is worth another attempt is told by ${what}`, async () => {
    const f = flaky(`retry_on ${what}`, 9);
    const job = f.with({ retry: { ...quick, maxAttempts: 3, on } }).run(1);
    await assertRejects(async () => await job, RangeError);
    assertEquals(job.attempts, attempts);
  });
}

Deno.test("an error that would come again is not worth another attempt", async () => {
  const f = hi.func("retry_no_data", "1", () => (() => 1) as unknown);
  const job = f.with({ retry: quick }).run();
  await assertRejects(async () => await job, hi.UnsupportedValueError);
  assertEquals(job.attempts, 1);
});

Deno.test("each attempt has the whole time limit, and one that runs out of it is followed by the next", async () => {
  let calls = 0;
  const f = hi.func(
    "retry_timeout",
    "1",
    () => ++calls < 3 ? new Promise<number>(() => {}) : calls,
  );
  const job = f.with({ timeout: 20, retry: quick }).run();
  assertEquals([await job, job.attempts], [3, 3]);
  const never = hi.func(
    "retry_timeout_never",
    "1",
    () => new Promise<number>(() => {}),
  );
  const failed = never.with({ timeout: 5, retry: { ...quick, maxAttempts: 2 } })
    .run();
  await assertRejects(async () => await failed, hi.JobTimeoutError);
  assertEquals(failed.attempts, 2);
});

Deno.test("identical jobs share their attempts, and each may have its own number", async () => {
  const f = flaky("retry_shared", 1);
  const patient = f.with({ retry: quick }).run(1);
  const impatient = f.run(1);
  await assertRejects(async () => await impatient, RangeError);
  assertEquals([await patient, patient.attempts, impatient.attempts], [
    2,
    2,
    1,
  ]);
});

Deno.test("a job that waits for its next attempt can be cancelled, and the program does not wait for it", async () => {
  const f = flaky("retry_cancelled", 9);
  const job = f.with({ retry: { minTimeout: 60_000 } }).run(1);
  for await (const event of job) {
    if (event.type === "console" && event.line.text.includes("attempt 1")) {
      break;
    }
  }
  assertEquals(job.status, "queued");
  job.cancel("enough");
  assertEquals([job.status, job.attempts], ["cancelled", 1]);
});

Deno.test("the waits grow up to a limit, and a share of them is left to chance", () => {
  const options = {
    maxAttempts: 9,
    minTimeout: 100,
    maxTimeout: 500,
    jitter: 0,
  };
  const waits = [1, 2, 3, 4, 9].map((n) =>
    waitBeforeRetry(options, n, new Error())
  );
  assertEquals(waits, [100, 200, 400, 500, undefined]);
  const random = waitBeforeRetry({ ...options, jitter: 0.5 }, 1, new Error())!;
  assert(random > 50 && random <= 100, `${random}`);
});

Deno.test("wrong options are refused where they stand", () => {
  const f = flaky("retry_options", 0);
  for (
    const [retry, text] of [
      [
        0,
        "maxAttempts must be a whole number of 1 or more: current value is 0",
      ],
      [{ maxAttempts: 1.5 }, "maxAttempts"],
      [{ minTimeout: -1 }, "minTimeout"],
      [
        { minTimeout: 10, maxTimeout: 5 },
        "minTimeout must be from 0 to maxTimeout",
      ],
      [{ multiplier: 0 }, "multiplier"],
      [{ jitter: 2 }, "jitter"],
      [{ attempts: 2 }, "retry has no option attempts"],
      [{ on: [1] }, "retry.on"],
    ] as [never, string][]
  ) {
    assertThrows(() => f.with({ retry }), RangeError, text);
  }
  assertThrows(
    () => f.with({ retry: "3" as never }),
    TypeError,
    "retry must be",
  );
  assertThrows(() => f.with({ crashRetries: -1 }), RangeError, "crashRetries");
});

const never = hi.func(
  "crash_never",
  "1",
  (_: number) => new Promise<number>(() => {}),
);

/** Waits until the job runs for the nth time. */
async function runs(job: hi.Job<unknown>, nth = 1): Promise<void> {
  if (job.status === "running" && job.attempts === nth) return;
  for await (const event of job) {
    if (
      event.type === "status" && event.status === "running" &&
      job.attempts === nth
    ) return;
  }
}

Deno.test("a job whose worker died is run again twice, and then that is its error", async () => {
  await using jobHandler = new MortalJobHandler(1);
  const f = hi.func("crash_thrice", "1", () => new Promise<number>(() => {}));
  const job = f.with({ jobHandler }).run();
  for (const nth of [1, 2, 3]) {
    await runs(job, nth);
    jobHandler.kill();
  }
  await assertRejects(async () => await job, hi.WorkerLostError);
  assertEquals([job.attempts, jobHandler.calls.get(job.key!)], [3, 3]);
});

Deno.test("crash retries are counted apart from others, and both can be had", async () => {
  await using jobHandler = new MortalJobHandler(1);
  const f = flaky("crash_and_error", 1, () => new RangeError("no"));
  const slow = hi.func("crash_apart", "1", async (x: number) => {
    const n = await f(x);
    if (slowCalls++ === 0) await new Promise(() => {});
    return n;
  });
  let slowCalls = 0;
  const job = slow.with({
    jobHandler,
    retry: { ...quick, maxAttempts: 2 },
    crashRetries: 1,
  })
    .run(1);
  // The first call throws, the second is lost, the third has the result.
  for await (const event of job) {
    if (
      event.type === "status" && event.status === "running" &&
      job.attempts === 2
    ) {
      jobHandler.kill();
    }
  }
  assertEquals([await job, job.attempts], [3, 3]);
});

Deno.test("with crashRetries: 0 a lost worker is the error at once, and too little memory always is", async () => {
  class MemoryError extends hi.WorkerLostError {
    override name = "MemoryError";
  }
  for (
    const [options, error] of [[{ crashRetries: 0 }, undefined], [
      {},
      new MemoryError("memory"),
    ]] as const
  ) {
    await using jobHandler = new MortalJobHandler(1);
    const job = never.with({ jobHandler, ...options }).run(1);
    await runs(job);
    jobHandler.kill(error);
    await assertRejects(async () => await job);
    assertEquals(job.attempts, 1);
  }
});

Deno.test("a function that kills three workers in a row is not run any more; a survivor in between clears it", async () => {
  await using jobHandler = new MortalJobHandler(1);
  const calls: PromiseWithResolvers<number>[] = [];
  const bad = hi.func("crash_bad", "1", (_: number) => {
    calls.push(Promise.withResolvers());
    return calls.at(-1)!.promise;
  }, { jobHandler, crashRetries: 0 });
  const dies = async (n: number) => {
    const job = bad.run(n);
    await runs(job);
    jobHandler.kill();
    await assertRejects(async () => await job, hi.WorkerLostError);
  };
  await dies(1);
  await dies(2);
  const survivor = bad.run(3);
  await runs(survivor);
  calls.at(-1)!.resolve(3);
  assertEquals(await survivor, 3);
  await dies(4);
  await dies(5);
  const last = bad.run(6);
  await runs(last);
  jobHandler.kill();
  await assertRejects(async () => await last);
  for (const job of bad.map([7, 8])) {
    const error = await assertRejects(
      async () => await job,
      hi.BadFunctionError,
      "crash_bad 1",
    );
    assertInstanceOf(error.cause, hi.WorkerLostError);
    assertEquals(job.attempts, 0);
  }
  const mended = hi.func("crash_bad", "2", (x: number) => x, { jobHandler });
  assertEquals(await mended.run(1), 1);
});

Deno.test("who shared a worker with others is not blamed for its death", async () => {
  await using jobHandler = new MortalJobHandler(2);
  const innocent = hi.func(
    "crash_innocent",
    "1",
    (_: number) => new Promise<number>(() => {}),
    {
      jobHandler,
      crashRetries: 0,
    },
  );
  for (let round = 0; round < 4; round++) {
    const jobs = [innocent.run(2 * round), innocent.run(2 * round + 1)];
    await Promise.all(jobs.map((job) => runs(job)));
    jobHandler.kill(undefined, { shared: true });
    for (const job of jobs) {
      await assertRejects(async () => await job, hi.WorkerLostError);
    }
  }
});

Deno.test("2,000 jobs have the right results while workers die, and none runs more often than it may", async () => {
  await using jobHandler = new MortalJobHandler(4);
  const step = hi.func("crash_storm", "1", async (x: number) => {
    await new Promise((resolve) => setTimeout(resolve));
    return x * x;
  }, { jobHandler, crashRetries: 4 });
  const timer = setInterval(() => jobHandler.kill(), 5);
  const jobs = step.map(Array.from({ length: 2_000 }, (_, x) => x));
  const results = await Promise.all(jobs);
  clearInterval(timer);
  assertEquals(results, jobs.map((_, x) => x * x));
  const again = jobs.filter((job) => job.attempts > 1);
  assert(again.length > 3, `only ${again.length} were killed`);
  for (const job of jobs) {
    assertEquals(jobHandler.calls.get(job.key!), job.attempts);
    assert(job.attempts <= 5);
  }
});
