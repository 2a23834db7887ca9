import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertThrows,
} from "@std/assert";
import * as hi from "../../mod.ts";

let lastCase = 0;

/** A function that notes how many of its calls run at a time, each for a turn of the event loop. */
function counted(options: hi.RunOptions = {}) {
  const seen = { now: 0, most: 0, order: [] as number[] };
  const fn = hi.func(`limits_counted_${++lastCase}`, "1", async (x: number) => {
    seen.order.push(x);
    seen.most = Math.max(seen.most, ++seen.now);
    await new Promise((resolve) => setTimeout(resolve));
    seen.now--;
    return x;
  }, options);
  return { fn, seen };
}

const ten = Array.from({ length: 10 }, (_, i) => i);
const wide = () => new hi.DefaultJobHandler({ concurrency: 20 });

Deno.test("without limits all ten jobs run at a time: a violation would be seen", async () => {
  await using jobHandler = wide();
  const { fn, seen } = counted({ jobHandler });
  await Promise.all(fn.map(ten));
  assertEquals(seen.most, 10);
});

for (
  const [gpu, takes, most] of [[1, 1, 1], [3, 1, 3], [4, 2, 2], [
    0.3,
    0.1,
    3,
  ]] as const
) {
  Deno.test(`of ${gpu} at most ${most} jobs run that take ${takes}`, async () => {
    await using jobHandler = wide();
    const { fn, seen } = counted({ jobHandler, limits: { gpu: takes } });
    await hi.config({ resources: { gpu } }, () => Promise.all(fn.map(ten)));
    assertEquals([seen.most, seen.order], [most, ten]);
  });
}

Deno.test("a job that waits for a resource takes no slot of its handler", async () => {
  await using jobHandler = new hi.DefaultJobHandler({ concurrency: 2 });
  const { promise, resolve } = Promise.withResolvers<number>();
  const holds = hi.func("limits_holds", "1", (_: number) => promise, {
    limits: { gpu: 1 },
  });
  const { fn } = counted();
  await hi.config({ jobHandler, resources: { gpu: 1 } }, async () => {
    const jobs = holds.map([1, 2, 3]);
    assertEquals(await Promise.all(fn.map(ten)), ten);
    assertEquals(jobs.map((job) => job.status), [
      "running",
      "queued",
      "queued",
    ]);
    resolve(1);
    await Promise.all(jobs);
  });
});

Deno.test("who takes more is not overtaken for ever, and a higher priority goes first", async () => {
  await using jobHandler = wide();
  const { fn, seen } = counted({ jobHandler });
  await hi.config({ resources: { gpu: 2, net: 1 } }, async () => {
    const one = fn.with({ limits: { gpu: 1 } });
    const jobs = [
      one.run(0),
      fn.with({ limits: { gpu: 2 } }).run(1),
      one.run(2),
      fn.with({ limits: { net: 1 } }).run(3),
      fn.with({ limits: { gpu: 2 }, priority: 1 }).run(4),
    ];
    await Promise.all(jobs);
  });
  assertEquals(seen.order, [0, 3, 4, 1, 2]);
});

Deno.test("what a job held is free again however it ends", async () => {
  await using jobHandler = wide();
  const fails = hi.func(
    "limits_fails",
    "1",
    (how: string): Promise<number> | unknown => {
      if (how === "throws") throw new RangeError("no");
      if (how === "no data") return () => 1;
      return new Promise<number>(() => {});
    },
    { jobHandler, limits: { gpu: 1 } },
  );
  const { fn } = counted({ jobHandler, limits: { gpu: 1 } });
  await hi.config({ resources: { gpu: 1 } }, async () => {
    await assertRejects(async () => await fails.run("throws"), RangeError);
    await assertRejects(async () => await fails.run("no data"));
    await assertRejects(async () =>
      await fails.with({ timeout: 1 }).run("late")
    );
    const [running, waiting] = fails.map(["running", "waiting"]);
    await new Promise((resolve) => setTimeout(resolve));
    assertEquals([running!.status, waiting!.status], ["running", "queued"]);
    waiting!.cancel();
    running!.cancel();
    await assertRejects(
      async () =>
        await fails.with({ retry: { maxAttempts: 2, minTimeout: 1 } }).run(
          "throws",
        ),
      RangeError,
    );
    assertEquals(await fn.run(1), 1);
    assertEquals((await hi.wait()).total, 7);
  });
});

Deno.test("to take more than there is, is an error at once; a hit takes nothing", async () => {
  await using jobCache = new hi.JobCache({ path: await Deno.makeTempDir() });
  const { fn } = counted({ jobCache, limits: { gpu: 2 } });
  const job = hi.config({ resources: { gpu: 1, net: 1 } }, () => fn.run(1));
  await assertRejects(
    async () => await job,
    hi.ResourceUnavailableError,
    "takes 2 of the resource gpu and there is 1",
  );
  await assertRejects(
    async () => await fn.run(1),
    hi.ResourceUnavailableError,
    "there is 0",
  );
  await hi.config({ resources: { gpu: 2 } }, () => fn.run(1));
  assertEquals(await fn.run(1), 1);
});

Deno.test("the jobs of a job take turns with what it holds", async () => {
  const { fn, seen } = counted({ limits: { gpu: 1 } });
  for (const held of [1, 3]) {
    seen.most = 0;
    const parent = hi.func(
      `limits_parent_${held}`,
      "1",
      () => Promise.all(fn.map(ten.map((n) => 100 * held + n))),
      {
        limits: { gpu: held },
      },
    );
    await hi.config({ resources: { gpu: 3 } }, () => parent.run());
    assertEquals(seen.most, held);
  }
});

Deno.test("the jobs of a job cannot take what it does not hold, which could wait for ever", async () => {
  const { fn } = counted({ limits: { net: 1 } });
  const parent = hi.func("limits_other", "1", () => fn.run(1), {
    limits: { gpu: 1 },
  });
  await assertRejects(
    async () =>
      await hi.config({ resources: { gpu: 1, net: 1 } }, () => parent.run()),
    hi.ResourceUnavailableError,
    "limits_other 1, which holds 0",
  );
});

Deno.test("a job that waits for one from outside lets it run with what it holds", async () => {
  await using jobHandler = wide();
  let outside: hi.Job<number>;
  const { fn } = counted({ jobHandler, limits: { gpu: 1 } });
  const parent = hi.func("limits_outside", "1", async () => {
    await new Promise((resolve) => setTimeout(resolve));
    return await outside;
  }, { jobHandler, limits: { gpu: 1 } });
  await hi.config({ resources: { gpu: 1 } }, async () => {
    const job = parent.run();
    outside = fn.run(5);
    assertEquals(await job, 5);
  });
});

Deno.test("of jobs in a handler's queue a higher priority starts first", async () => {
  await using jobHandler = new hi.DefaultJobHandler();
  const { fn, seen } = counted({ jobHandler });
  const jobs = [0, 1, 2, 3, 4].map((n) => fn.with({ priority: n % 3 }).run(n));
  await Promise.all(jobs);
  assertEquals(seen.order, [2, 1, 4, 0, 3]);
});

Deno.test("a job that waits longer than its queueTimeout was never started; one that runs has all its time", async () => {
  const { promise, resolve } = Promise.withResolvers<number>();
  const holds = hi.func("limits_queue", "1", (_: number) => promise);
  await using jobHandler = new hi.DefaultJobHandler({ concurrency: 1 });
  await hi.config(
    { jobHandler, queueTimeout: 20, resources: { gpu: 0 } },
    async () => {
      const first = holds.run(1);
      const second = holds.run(2);
      const error = await assertRejects(
        async () => await second,
        hi.JobQueueTimeoutError,
        "waited longer than its queueTimeout of 20 ms and was not started",
      );
      assert(error instanceof hi.JobTimeoutError);
      assertEquals(error.cause, undefined);
      assertEquals([first.status, second.attempts], ["running", 0]);
      resolve(1);
      assertEquals(await first, 1);
    },
  );
});

Deno.test("each attempt has its queueTimeout for itself, and the error says which one was not started and how the one before failed", async () => {
  const { promise, resolve } = Promise.withResolvers<number>();
  const holds = hi.func("limits_queue_holds", "1", () => promise);
  const failing = Promise.withResolvers<void>();
  const fails = hi.func("limits_queue_fails", "1", () => {
    failing.resolve();
    throw new RangeError("not yet");
  });
  await using jobHandler = new hi.DefaultJobHandler({ concurrency: 1 });
  const retry = { maxAttempts: 3, minTimeout: 20, jitter: 0, on: () => true };
  await hi.config({ jobHandler, jobCache: null }, async () => {
    const job = fails.with({ queueTimeout: 50, retry }).run();
    await failing.promise;
    // It has the slot before the next attempt may start.
    const held = holds.run();
    const error = await assertRejects(
      async () => await job,
      hi.JobQueueTimeoutError,
      "longer than its queueTimeout of 50 ms before attempt 2, which was not started",
    );
    assertEquals(job.attempts, 1);
    assertInstanceOf(error.cause, RangeError);
    assertEquals(error.cause.message, "not yet");
    resolve(1);
    assertEquals(await held, 1);
  });
});

Deno.test("wrong limits, priorities and times are refused where they stand", () => {
  const { fn } = counted();
  assertThrows(
    () => fn.with({ limits: { gpu: -1 } }),
    RangeError,
    "limits.gpu",
  );
  assertThrows(() => fn.with({ limits: 1 as never }), TypeError, "limits");
  assertThrows(
    () => hi.config({ resources: { gpu: NaN } }, () => 1),
    RangeError,
    "resources.gpu",
  );
  assertThrows(() => fn.with({ priority: NaN }), RangeError, "priority");
  assertThrows(() => fn.with({ queueTimeout: 0 }), RangeError, "queueTimeout");
  assertThrows(() => fn.with({ signal: {} as never }), TypeError, "signal");
});
