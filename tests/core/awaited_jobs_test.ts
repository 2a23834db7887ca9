// What a running job awaits, and what it has only submitted.
import { assertEquals, assertInstanceOf, assertMatch } from "@std/assert";
import * as hi from "../../mod.ts";

type Fn = hi.HitherFunction<[], Promise<unknown>>;

let made = 0;

/**
 * Two functions: the job of the first submits one of the second and does `first` with
 * it; that one runs the first again and does `second` with that.
 */
function pair(
  first: (job: hi.Job<unknown>) => unknown,
  second: (job: hi.Job<unknown>) => unknown = async (job) => await job,
): readonly [Fn, Fn] {
  const n = ++made;
  const a: Fn = hi.func(
    `awaited_a${n}`,
    "1",
    async () => await first(b.run()),
  );
  const b: Fn = hi.func(
    `awaited_b${n}`,
    "1",
    async () => await second(a.run()),
  );
  return [a, b];
}

/** In a handler of its own, in which several jobs run at a time. */
async function inHandler(body: () => Promise<void>): Promise<void> {
  await using jobHandler = new hi.DefaultJobHandler({ concurrency: 3 });
  await hi.config({ jobHandler, jobCache: null }, body);
}

async function failureOf(job: hi.Job<unknown>): Promise<unknown> {
  return await job.then(() => "none", (error) => error);
}

Deno.test("a job that is submitted and not awaited may await the one that has submitted it", () =>
  inHandler(async () => {
    const [a, b] = pair(() => "of a");
    const jobs = [a.run(), b.run()];
    assertEquals(await Promise.all(jobs), ["of a", "of a"]);
    const counts = await hi.wait();
    assertEquals([counts.finished, counts.error], [4, 0]);
  }));

Deno.test("so may one that nobody awaits at all, which goes on when its parent has ended", () =>
  inHandler(async () => {
    const end = Promise.withResolvers<void>();
    const seen = Promise.withResolvers<unknown>();
    const [a] = pair(
      async () => {
        await end.promise;
        return "of a";
      },
      async (job) => {
        end.resolve();
        seen.resolve(await job);
      },
    );
    assertEquals(await a.run(), "of a");
    assertEquals(await seen.promise, "of a");
    assertEquals((await hi.wait()).error, 0);
  }));

const WAYS: Record<string, (job: hi.Job<unknown>) => unknown> = {
  "await": async (job) => await job,
  "return": (job) => job,
  "then": (job) => new Promise((resolve, reject) => job.then(resolve, reject)),
  "job.wait": (job) => job.wait(),
  "Promise.all": (job) => Promise.all([1, job]),
  "Promise.race": (job) => Promise.race([job]),
  "Promise.resolve": (job) => Promise.resolve(job),
  "hi.wait": async (job) => {
    await hi.wait();
    return job.getResult();
  },
  "hi.wait in a scope": (job) =>
    hi.config({}, async () => {
      const next = pass.run(job);
      await hi.wait();
      return next.getResult();
    }),
  "its events": async (job) => {
    for await (const _ of job);
    return job.getResult();
  },
  "an argument": async (job) => await pass.run(job),
  "an argument of an argument": async (job) => await pass.run(pass.run(job)),
  "hi.map": async (job) => {
    for await (const _ of hi.map(pass, [job]));
  },
};

const pass = hi.func("awaited_pass", "1", (x: unknown) => x);

/** The CycleError that is the error, or a cause of it. */
function cycleIn(error: unknown): unknown {
  if (error instanceof hi.CycleError) return error;
  return error instanceof Error ? cycleIn(error.cause) : undefined;
}

for (const [name, way] of Object.entries(WAYS)) {
  Deno.test(`a job that waits for itself is a CycleError, also if it waits by ${name}`, () =>
    inHandler(async () => {
      const [a] = pair(way);
      const error = await failureOf(a.run()).then(cycleIn);
      assertInstanceOf(error, hi.CycleError);
      assertMatch((error as Error).message, /\(awaited_.* \u2192 awaited_/);
      const [, b] = pair(async (job) => await job, way);
      assertInstanceOf(cycleIn(await failureOf(b.run())), hi.CycleError);
    }));

  Deno.test(`who asks late, by ${name}, closes the circle`, () =>
    inHandler(async () => {
      const asked = Promise.withResolvers<void>();
      const [a] = pair(
        async (job) => {
          await asked.promise;
          return await way(job);
        },
        async (job) => {
          const result = job.then();
          asked.resolve();
          return await result;
        },
      );
      assertInstanceOf(cycleIn(await failureOf(a.run())), hi.CycleError);
      await hi.wait();
    }));
}

Deno.test("a job that awaits the very Job that it runs for is a CycleError", () =>
  inHandler(async () => {
    const box: hi.Job<unknown>[] = [];
    const own = hi.func("awaited_own", "1", async () => await box[0]);
    box.push(own.run());
    assertInstanceOf(await failureOf(box[0]!), hi.CycleError);
  }));

Deno.test("jobs that others have submitted count once they are awaited", () =>
  inHandler(async () => {
    const box: hi.Job<unknown>[] = [];
    const go = Promise.withResolvers<void>();
    const one = hi.func("awaited_box_one", "1", async () => {
      await go.promise;
      return await box[1];
    });
    const other = hi.func("awaited_box_other", "1", async () => {
      await go.promise;
      return await box[0];
    });
    box.push(one.run(), other.run());
    go.resolve();
    const errors = await Promise.all(box.map(failureOf));
    for (const error of errors) assertInstanceOf(error, hi.CycleError);
  }));

Deno.test("a job that hi.wait awaits is one that is submitted meanwhile, too", () =>
  inHandler(async () => {
    const waiting = Promise.withResolvers<void>();
    const child: Fn = hi.func("awaited_late_child", "1", async () => {
      await waiting.promise;
      return await late.run();
    });
    const late: Fn = hi.func(
      "awaited_late",
      "1",
      async () => await parent.run(),
    );
    const parent: Fn = hi.func("awaited_late_parent", "1", async () => {
      const job = child.run();
      const all = hi.wait();
      waiting.resolve();
      await all;
      return job.getResult();
    });
    assertInstanceOf(await failureOf(parent.run()), hi.CycleError);
  }));

Deno.test("a job that only its own jobs want is stopped when it is cancelled", () =>
  inHandler(async () => {
    const joined = Promise.withResolvers<void>();
    const stopped = Promise.withResolvers<void>();
    const [a] = pair(
      () => {
        const { signal } = hi.current();
        signal.addEventListener("abort", () => stopped.resolve());
        return stopped.promise;
      },
      async (job) => {
        joined.resolve();
        await job;
      },
    );
    const job = a.run();
    await joined.promise;
    job.cancel();
    await stopped.promise;
    assertInstanceOf(await failureOf(job), hi.JobCancelledError);
    assertEquals((await hi.wait()).cancelled, 3);
  }));
