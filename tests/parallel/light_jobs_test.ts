// Quick jobs of which nobody wants more than their results wait and travel together, without a Task for each; nobody is to notice.
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertMatch,
  assertRejects,
} from "@std/assert";
import * as hi from "../../mod.ts";
import { temporaryFolder } from "../house/run.ts";
import * as g from "./fixtures/functions.ts";
import * as f from "./fixtures/item_functions.ts";
import { appears, inPool, noting, numbers, runProgram } from "./pool.ts";

/** Lets the workers know that a function is quick. */
async function warmUp(fn: {
  map(items: Iterable<number>): hi.Job<unknown>[];
}): Promise<void> {
  for (let i = 1; i <= 20; i++) await Promise.all(fn.map([-2 * i, 1 - 2 * i]));
}

/** The number of the call that gave each result of `counted`. */
function callsOf(results: readonly string[]): number[] {
  return results.map((result) => Number(result.split(" ")[1]));
}

Deno.test("jobs are called once each and in the order in which they were submitted, also those with Tasks of their own", () =>
  inPool({ numWorkers: 1 }, async () => {
    await warmUp(f.counted);
    const jobs = numbers(3_000).map((x) =>
      x % 700 === 3
        ? f.counted.run({ x } as unknown as number)
        : f.counted.run(x)
    );
    const calls = callsOf(await Promise.all(jobs));
    assertEquals(calls, numbers(3_000).map((x) => calls[0]! + x));
  }));

Deno.test("jobs of two functions by turns keep their order too", () =>
  inPool({ numWorkers: 1 }, async () => {
    await warmUp(f.odd);
    await warmUp(f.counted);
    const ends: number[] = [];
    await Promise.all(
      numbers(2_000).map((x) => {
        const job: hi.Job<unknown> = x % 3 === 0
          ? f.odd.run(x)
          : f.counted.run(x);
        return job.then(() => ends.push(x));
      }),
    );
    assertEquals(ends, numbers(2_000));
  }));

Deno.test("workers begin with the first of thousands of jobs while one turn still submits the others", () =>
  inPool({ numWorkers: 1 }, async () => {
    await warmUp(f.counted);
    const jobs = f.counted.map(numbers(5_000));
    const last = jobs.findLastIndex(({ status }) => status !== "queued");
    assert(0 < last && last < 4_999, `the last that has begun is ${last}`);
    const calls = callsOf(await Promise.all(jobs));
    assertEquals(calls, numbers(5_000).map((x) => calls[0]! + x));
  }));

Deno.test("jobs that are equal share one run, wherever the first one is", () =>
  inPool({ numWorkers: 2 }, async () => {
    await warmUp(f.counted);
    const first = f.counted.map(numbers(2_000));
    const second = f.counted.map([1_999, 0, 700, 701]);
    const results = await Promise.all(first);
    assertEquals(
      await Promise.all(second),
      [1_999, 0, 700, 701].map((x) => results[x]!),
    );
    // Some run by now.
    const third = f.counted.map(numbers(2_000));
    await third[0];
    const fourth = f.counted.map(numbers(2_000).reverse()).reverse();
    const unsettled = numbers(2_000).filter((x) =>
      third[x]!.status !== "finished"
    );
    const again = await Promise.all(third);
    const shared = await Promise.all(fourth);
    assert(unsettled.length > 0);
    assertEquals(
      unsettled.map((x) => shared[x]),
      unsettled.map((x) => again[x]),
    );
  }));

Deno.test("with cache: false equal jobs are each run", () =>
  inPool({ numWorkers: 2 }, async () => {
    await warmUp(f.counted);
    const fn = f.counted.with({ cache: false });
    const results = await Promise.all(fn.map(Array(1_000).fill(1)));
    assertEquals(new Set(results).size, 1_000);
  }));

Deno.test("a job knows all that jobs know", () =>
  inPool({ numWorkers: 2 }, async () => {
    await warmUp(f.odd);
    const before = Date.now();
    const jobs = f.odd.map(numbers(1_000));
    assertEquals(jobs[500]!.status, "queued");
    assertEquals(jobs[500]!.attempts, 0);
    await Promise.all(jobs);
    for (const [x, job] of jobs.entries()) {
      const { status, attempts, cached, error, console, timing } = job;
      assertEquals(
        [status, attempts, cached, error, console, job.getResult()],
        ["finished", 1, false, undefined, [], x],
      );
      const { startedAt, duration } = timing!;
      assert(startedAt >= before - 1 && startedAt <= Date.now() + 1);
      assert(duration >= 0 && duration < 1_000);
    }
    const other = await hi.config({ jobHandler: null }, async () => {
      const job = f.odd.run(7);
      await job;
      return job.key;
    });
    assertEquals(jobs[7]!.key, other);
    assertMatch(jobs[7]!.explain().text, /no cache was in force/);
  }));

Deno.test("whoever listens to a job hears each status once", () =>
  inPool({ numWorkers: 1 }, async () => {
    await warmUp(f.odd);
    const jobs = f.odd.map(numbers(1_000));
    const statuses: string[] = [];
    for await (const event of jobs[900]!) {
      if (event.type === "status") statuses.push(event.status);
    }
    assertEquals(statuses, ["queued", "running", "finished"]);
  }));

for (
  const [wish, result] of [
    ["large", new Uint8Array(100_000).fill(7)],
    ["nothing", undefined],
    ["progress", undefined],
    ["nested", 23],
    ["exit", hi.JobExitError],
    ["function", hi.UnsupportedValueError],
    ["throw", RangeError],
  ] as const
) {
  Deno.test(`a job that wishes for "${wish}" is a job like all others`, () =>
    inPool({ numWorkers: 1 }, async () => {
      await warmUp(f.odd);
      const before = f.odd.map(numbers(500));
      const job = f.odd.run(wish);
      const events: string[] = [];
      const listening = (async () => {
        for await (const event of job) {
          events.push(event.type === "status" ? event.status : event.type);
        }
      })();
      const after = f.odd.map(numbers(1_000).slice(500));
      if (typeof result === "function") {
        await assertRejects(() => job.then(), result);
      } else assertEquals(await job, result);
      await listening;
      const end = typeof result === "function" ? "error" : "finished";
      assertEquals(
        events,
        wish === "progress"
          ? ["queued", "running", "progress", end]
          : ["queued", "running", end],
      );
      assertEquals([job.status, job.attempts], [end, 1]);
      assertEquals(
        await Promise.all([...before, ...after]),
        numbers(1_000),
      );
    }));
}

Deno.test("a job that is cancelled while it waits is never called, and the others are", async () => {
  await using folder = await temporaryFolder();
  await inPool({ numWorkers: 2 }, async () => {
    const trace = (x: number) => g.leavesTrace.run(folder.path, x);
    await Promise.all(numbers(30).map((x) => trace(-1 - x)));
    const jobs = numbers(2_000).map(trace);
    for (let x = 1; x < 2_000; x += 2) jobs[x]!.cancel("odd");
    const ends = await Promise.allSettled(jobs);
    assertEquals(
      ends.map(({ status }) => status),
      numbers(2_000).map((x) => x % 2 ? "rejected" : "fulfilled"),
    );
    assertInstanceOf(jobs[1]!.error, hi.JobCancelledError);
    const traces = [...Deno.readDirSync(folder.path)]
      .map(({ name }) => Number(name)).filter((x) => x >= 0);
    assertEquals(
      traces.sort((a, b) => a - b),
      numbers(2_000).filter((x) => x % 2 === 0),
    );
  });
});

Deno.test("jobs that are cancelled when some of them run settle at once, and none of the others is lost or run twice", async () => {
  await using folder = await temporaryFolder();
  await inPool({ numWorkers: 2 }, async () => {
    const trace = (x: number) => g.leavesTrace.run(folder.path, x);
    await Promise.all(numbers(30).map((x) => trace(-1 - x)));
    const jobs = numbers(3_000).map(trace);
    const cancelled = new Set<number>();
    for (let first = 0; first < 3_000; first += 300) {
      await jobs[first]!.then(() => {}, () => {});
      for (let x = first; x < 3_000; x += 7) {
        const job = jobs[x]!;
        if (job.status === "finished" || cancelled.has(x)) continue;
        job.cancel();
        assertEquals(job.status, "cancelled");
        cancelled.add(x);
      }
    }
    assert(cancelled.size > 0);
    const ends = await Promise.allSettled(jobs);
    for (const [x, { status }] of ends.entries()) {
      assertEquals(status, cancelled.has(x) ? "rejected" : "fulfilled");
    }
  });
});

Deno.test("a job that never ends can be cancelled among quick ones, and holds up none", () =>
  inPool({ numWorkers: 2 }, async () => {
    await warmUp(f.odd);
    const before = f.odd.map(numbers(500));
    const never = f.odd.run("never");
    const after = f.odd.map(numbers(1_000).slice(500));
    assertEquals(
      await Promise.all([...before, ...after]),
      numbers(1_000),
    );
    assertEquals(never.status, "running");
    never.cancel();
    await assertRejects(() => never.then(), hi.JobCancelledError);
    assertEquals(await f.odd.run(5), 5);
  }));

Deno.test("a job that waits for one of these in the program itself gets it", () =>
  inPool({ numWorkers: 1 }, async () => {
    await warmUp(f.odd);
    const jobs = f.odd.map(numbers(500));
    const waits = hi.func(
      "light_waits",
      "1",
      async () => await jobs[400]! as number,
    );
    const sum = hi.func(
      "light_sum",
      "1",
      (...xs: number[]) => xs.reduce((a, b) => a + b),
    );
    assertEquals(await waits.with({ jobHandler: null }).run(), 400);
    const total = sum.with({ jobHandler: null }).run(
      ...jobs as hi.Job<number>[],
    );
    assertEquals(await total, 500 * 499 / 2);
  }));

Deno.test("a job that fails is tried again as any job", async () => {
  await using folder = await temporaryFolder();
  await inPool({ numWorkers: 2 }, async () => {
    const fn = g.failsOnce.with({ retry: 2 });
    await warmUp({ map: (xs) => [...xs].map((x) => fn.run(folder.path, x)) });
    const jobs = numbers(1_000).map((x) => fn.run(folder.path, x));
    assertEquals(await Promise.all(jobs), numbers(1_000));
    assertEquals(
      jobs.map(({ attempts }) => attempts),
      numbers(1_000).map((x) => x === 700 ? 2 : 1),
    );
  });
});

for (const crashRetries of [0, 1]) {
  Deno.test(
    `of a worker that dies the job that ran is ${
      crashRetries ? "run again" : "lost"
    }, and no other is run twice`,
    async () => {
      await using folder = await temporaryFolder();
      await using hung = await temporaryFolder();
      const workers: Worker[] = [];
      using _ = noting(workers);
      await inPool({ numWorkers: 1 }, async () => {
        const fn = g.hangsOnce.with({ crashRetries });
        const run = (x: number) => fn.run(folder.path, hung.path, x);
        await warmUp({ map: (xs) => [...xs].map(run) });
        const hangs = appears(hung.path, "700");
        const jobs = numbers(1_000).map(run);
        await hangs;
        // A message that makes no sense is the end of a worker.
        workers[0]!.dispatchEvent(
          new MessageEvent("message", { data: { type: "warning" } }),
        );
        const ends = await Promise.allSettled(jobs);
        const lost = ends.flatMap(({ status }, x) =>
          status === "rejected" ? [x] : []
        );
        assertEquals(lost, crashRetries === 0 ? [700] : []);
        assertEquals(jobs[700]!.attempts, 1 + crashRetries);
        if (crashRetries === 0) {
          assertInstanceOf(jobs[700]!.error, hi.WorkerLostError);
        }
      });
    },
  );
}

Deno.test("hi.wait counts these jobs", () =>
  inPool({ numWorkers: 2 }, async () => {
    await warmUp(f.odd);
    const counts = await hi.config({}, async () => {
      f.odd.map(numbers(1_000));
      f.odd.run("throw").then(() => {}, () => {});
      f.odd.run(2_000).cancel();
      return await hi.wait();
    });
    assertEquals(counts, {
      total: 1_002,
      finished: 1_000,
      cached: 0,
      error: 1,
      cancelled: 1,
    });
  }));

Deno.test("a handler that is disposed fails them with a HandlerClosedError, those that wait too", async () => {
  const jobHandler = new hi.ParallelJobHandler({ numWorkers: 1 });
  await hi.config({ jobHandler, jobCache: null, crashRetries: 0 }, async () => {
    await warmUp(f.odd);
    const never = f.odd.run("never");
    const jobs = f.odd.map(numbers(2_000));
    await new Promise((resolve) => setTimeout(resolve, 0));
    await jobHandler[Symbol.asyncDispose]();
    const ends = await Promise.allSettled([never, ...jobs]);
    for (const end of ends) {
      if (end.status === "rejected") {
        assertInstanceOf(end.reason, hi.HandlerClosedError);
      }
    }
    assertEquals(ends[0]!.status, "rejected");
    await assertRejects(() => f.odd.run(1).then(), hi.HandlerClosedError);
  });
});

Deno.test("Ctrl-C cancels them", async () => {
  const { code, stdout, stderr } = await runProgram({
    "main.ts": `
      import * as hi from "hither";
      const f = hi.func("f", "1", (x: number) =>
        x === 5_000 ? new Promise<number>(() => {}) : x);
      if (import.meta.main) {
        await using jobHandler = new hi.ParallelJobHandler({ numWorkers: 1 });
        const g = f.with({ jobHandler });
        for (let i = 1; i < 30; i++) await g.run(-i);
        const jobs = g.map(Array.from({ length: 5_001 }, (_, i) => i));
        await jobs[4_999];
        Deno.kill(Deno.pid, "SIGINT");
        try {
          await jobs[5_000];
        } catch (error) {
          console.log(error.name, error.cause.message);
        }
      }
    `,
  });
  assertEquals(
    [code, stdout],
    [130, "JobCancelledError Interrupted by SIGINT\n"],
  );
  assertMatch(stderr, /^hither: SIGINT: 1 job is cancelled/);
});
