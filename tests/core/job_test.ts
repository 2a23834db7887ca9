import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertNotStrictEquals,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { numberOf } from "../../lib/in_flight.ts";
import { smallArguments } from "../../lib/value/small.ts";
import * as hi from "../../mod.ts";
import { deno, stdArguments, temporaryFolder } from "../house/run.ts";

const square = hi.func("job_square", "1", (x: number) => x * x);
const fails = hi.func("job_fails", "1", (message: string): number => {
  throw new RangeError(message);
});
const never = hi.func(
  "job_never",
  "1",
  (_: number) => new Promise<number>(() => {}),
);
const add = hi.func("job_add_two", "1", (a: number, b: number) => a + b);

/** Lets everything happen that is due. */
const turn = () => new Promise<void>((resolve) => setTimeout(resolve, 0));

/** A function whose end the test decides, and which counts its calls. */
function gate<T>(name: string) {
  const calls: PromiseWithResolvers<T>[] = [];
  const signals: AbortSignal[] = [];
  const fn = hi.func(name, "1", (_: unknown) => {
    const call = Promise.withResolvers<T>();
    calls.push(call);
    signals.push(hi.current().signal);
    return call.promise;
  });
  return { fn, calls, signals };
}

Deno.test("a job goes from queued to finished and keeps its result", async () => {
  const job = square.run(3);
  assert(["queued", "running"].includes(job.status), job.status);
  assertThrows(() => job.getResult(), hi.JobPendingError, "job_square 1");
  assertEquals(await job, 9);
  assertEquals(job.status, "finished");
  assertEquals(job.getResult(), 9);
  assert(job.timing!.duration >= 0);
  assertEquals(job.key?.length, 64);
});

Deno.test("equal jobs have equal keys, others do not", async () => {
  const jobs = [square.run(3), square.run(3), square.run(4), add.run(3, 3)];
  await Promise.all(jobs);
  const keys = jobs.map((job) => job.key);
  assertEquals(keys[0], keys[1]);
  assertEquals(new Set(keys).size, 3);
});

Deno.test("a trailing undefined is no argument", async () => {
  const count = hi.func("job_count", "1", (...args: unknown[]) => args.length);
  const jobs = [
    count.run(1),
    count.run(1, undefined),
    count.run(1, undefined, 2),
  ];
  assertEquals(await Promise.all(jobs), [1, 1, 3]);
  assertEquals(jobs[0]!.key, jobs[1]!.key);
  const nothing = hi.func("job_nothing", "1", () => undefined);
  const through = count.run(1, nothing.run());
  assertEquals(await through, 1);
  assertEquals(through.key, jobs[0]!.key);
});

Deno.test("await rejects with the error that the function threw", async () => {
  const error = await assertRejects(
    async () => await fails.run("no"),
    RangeError,
    "no",
  );
  const job = fails.run("no");
  await hi.wait();
  assertEquals(job.status, "error");
  assertInstanceOf(job.error, RangeError);
  assertThrows(() => job.getResult(), RangeError, "no");
  assert(error.stack!.includes("job_test.ts"), error.stack);
});

Deno.test("a job that nobody awaits raises no unhandled rejection", async () => {
  let raised = 0;
  const listener = (event: Event) => {
    event.preventDefault();
    raised++;
  };
  addEventListener("unhandledrejection", listener);
  const job = fails.run("alone");
  await hi.wait();
  await new Promise((resolve) => setTimeout(resolve, 0));
  removeEventListener("unhandledrejection", listener);
  assertEquals(raised, 0);
  assertInstanceOf(job.error, RangeError);
});

Deno.test("identical jobs in flight share one execution, and each has a result of its own", async () => {
  const { fn, calls } = gate<{ list: number[] }>("job_shared");
  const [a, b] = [fn.run(1), fn.run(1)];
  await turn();
  assertEquals(calls.length, 1);
  calls[0]!.resolve({ list: [1] });
  const results = await Promise.all([a, b]);
  assertEquals(results[0], results[1]);
  assertNotStrictEquals(results[0], results[1]);
  assertStrictEquals(await a, results[0]);
});

Deno.test("jobs whose identities have the same number in the table of those in flight are told apart, and equal ones share a run", async () => {
  const one = "file62759.txt";
  const other = "file288396.txt";
  const [a, b] = [one, other].map((name) => numberOf(smallArguments([name])!));
  assertEquals(a, b);
  const calls: string[] = [];
  const gate = Promise.withResolvers<void>();
  const named = hi.func("jobs_twins", "1", async (name: string) => {
    calls.push(name);
    await gate.promise;
    return name;
  });
  for (const names of [[one, other, other, one], [other, one, other]]) {
    const jobs = named.map(names);
    gate.resolve();
    assertEquals(await Promise.all(jobs), names);
    assertEquals(calls.splice(0), names.slice(0, 2));
  }
});

Deno.test("functions with cache: false share nothing", async () => {
  let calls = 0;
  const effect = hi.func("job_effect", "1", () => ++calls, { cache: false });
  assertEquals((await Promise.all([effect.run(), effect.run()])).sort(), [
    1,
    2,
  ]);
});

Deno.test("cancelling one of two identical jobs leaves the other; the last one stops the work", async () => {
  const { fn, calls, signals } = gate<number>("job_detach");
  const [a, b, c] = [fn.run(1), fn.run(1), fn.run(2)];
  await turn();
  a.cancel("not me");
  assertEquals([a.status, b.status], ["cancelled", "running"]);
  assertEquals(signals[0]!.aborted, false);
  calls[0]!.resolve(7);
  assertEquals(await b, 7);
  const error = await assertRejects(async () => await a, hi.JobCancelledError);
  assertEquals(error.cause, "not me");
  c.cancel();
  assertEquals([c.status, calls.length], ["cancelled", 2]);
  assertEquals(signals[1]!.aborted, true);
});

Deno.test("the last detach aborts the signal of the running function", async () => {
  const { fn, signals } = gate<number>("job_last_detach");
  const [a, b] = [fn.run(1), fn.run(1)];
  await turn();
  a.cancel();
  assertEquals(signals[0]!.aborted, false);
  b.cancel();
  assertEquals(signals[0]!.aborted, true);
});

Deno.test("cancelling a settled job changes nothing", async () => {
  const job = square.run(5);
  await job;
  job.cancel();
  assertEquals([job.status, job.getResult()], ["finished", 25]);
});

Deno.test("a queued job that is cancelled never starts", async () => {
  const { fn, calls } = gate<number>("job_queued_cancel");
  await using jobHandler = new hi.DefaultJobHandler({ concurrency: 1 });
  await hi.config({ jobHandler }, async () => {
    const [first, second, third] = [fn.run(1), fn.run(2), fn.run(3)];
    second.cancel();
    await turn();
    calls[0]!.resolve(1);
    await first;
    await turn();
    assertEquals([second.status, third.status], ["cancelled", "running"]);
    assertEquals(calls.length, 2);
    calls[1]!.resolve(3);
    assertEquals(await third, 3);
  });
});

Deno.test("a job that runs too long fails with JobTimeoutError and its signal is aborted", async () => {
  const { fn, signals } = gate<number>("job_timeout");
  const job = fn.with({ timeout: 20 }).run(1);
  const error = await assertRejects(
    async () => await job,
    hi.JobTimeoutError,
    "20 ms",
  );
  assertEquals(job.status, "error");
  assertEquals(signals[0]!.aborted, true);
  assertStrictEquals(signals[0]!.reason, error);
});

Deno.test("time in the queue does not count as running time", async () => {
  const { fn, calls } = gate<number>("job_queue_time");
  await using jobHandler = new hi.DefaultJobHandler({ concurrency: 1 });
  await hi.config({ jobHandler }, async () => {
    const first = fn.run(1);
    const second = fn.with({ timeout: 10_000 }).run(2);
    await turn();
    assertEquals(second.status, "queued");
    calls[0]!.resolve(1);
    await first;
    await turn();
    calls[1]!.resolve(2);
    assertEquals(await second, 2);
  });
});

Deno.test("a failed argument fails its dependents, with the cause", async () => {
  const job = add.run(1, add.run(fails.run("deep"), 1));
  const error = await assertRejects(
    async () => await job,
    hi.UpstreamError,
    "job_add_two",
  );
  assertInstanceOf(error.cause, hi.UpstreamError);
  assertInstanceOf((error.cause as Error).cause, RangeError);
});

Deno.test("a cancelled argument fails its dependents", async () => {
  const upstream = never.run(1);
  const job = add.run(upstream, 1);
  assertEquals(job.status, "pending");
  upstream.cancel("stop");
  const error = await assertRejects(async () => await job, hi.UpstreamError);
  assertInstanceOf(error.cause, hi.JobCancelledError);
});

Deno.test("a pending job can be cancelled while its arguments go on", async () => {
  const { fn, calls } = gate<number>("job_pending_cancel");
  const upstream = fn.run(1);
  const job = add.run(upstream, 1);
  await turn();
  job.cancel();
  assertEquals([upstream.status, job.status], ["running", "cancelled"]);
  calls[0]!.resolve(1);
  assertEquals(await upstream, 1);
});

Deno.test("a value and a job of that value give the same key", async () => {
  const [direct, through] = [add.run(9, 1), add.run(square.run(3), 1)];
  assertEquals(through.key, undefined);
  assertEquals(await Promise.all([direct, through]), [10, 10]);
  assertEquals(direct.key, through.key);
});

Deno.test("arguments changed after run() do not change what runs", async () => {
  const total = hi.func(
    "job_total",
    "1",
    (list: number[]) => list.reduce((a, b) => a + b),
  );
  const list = [1, 2, 3];
  const job = total.run(list);
  list.push(100);
  assertEquals(await job, 6);
  const upstream = square.run(2);
  const mixed: (number | hi.Job<number>)[] = [1, upstream];
  const pending = total.run(mixed);
  mixed[0] = 100;
  assertEquals(await pending, 5);
});

Deno.test("a large argument changed before the start is a named error", async () => {
  const { fn, calls } = gate<number>("job_large_gate");
  const sum = hi.func(
    "job_large_sum",
    "1",
    (array: Float64Array) => array.reduce((a, b) => a + b),
  );
  await using jobHandler = new hi.DefaultJobHandler({ concurrency: 1 });
  await hi.config({ jobHandler }, async () => {
    const first = fn.run(1);
    const array = new Float64Array(10_000).fill(1);
    const changed = sum.run(array);
    const same = sum.run(new Float64Array(10_000).fill(2));
    await turn();
    array[5] = 7;
    calls[0]!.resolve(1);
    await first;
    await assertRejects(
      async () => await changed,
      hi.ArgumentChangedError,
      "args[0]",
    );
    assertEquals(await same, 20_000);
  });
});

Deno.test("a function gets its own copy of its arguments", async () => {
  const push = hi.func("job_push", "1", (list: number[]) => list.push(4));
  const list = [1, 2, 3];
  await push.run(list);
  assertEquals(list, [1, 2, 3]);
});

Deno.test("a result changed after await is not what a dependent gets", async () => {
  const make = hi.func("job_make", "1", () => ({ list: [1, 2] }));
  const total = hi.func(
    "job_total_of",
    "1",
    ({ list }: { list: number[] }) => list.reduce((a, b) => a + b),
  );
  const job = make.run();
  (await job).list.push(100);
  assertEquals(await total.run(job), 3);
});

Deno.test("unsupported arguments are refused at run(), naming the path", () => {
  const any = hi.func("job_any", "1", (x: unknown) => x);
  const error = assertThrows(
    () => any.run({ opts: { callback: () => 1 } }),
    hi.UnsupportedValueError,
    "args[0].opts.callback",
  );
  assertEquals(error.path, "args[0].opts.callback");
});

Deno.test("an unsupported result fails its job alone", async () => {
  const bad = hi.func(
    "job_bad_result",
    "1",
    () => ({ list: [1, Symbol("no")] }),
  );
  const error = await assertRejects(
    async () => await bad.run(),
    hi.UnsupportedValueError,
  );
  assertEquals(error.path, "result.list[1]");
  assertEquals(await square.run(2), 4);
});

Deno.test("wait counts and never throws a job's error", async () => {
  const counts = await hi.config({}, async () => {
    const jobs = [square.run(1), fails.run("x"), never.run(1)];
    jobs[2]!.cancel();
    const counts = await hi.wait();
    assertInstanceOf(jobs[1]!.error, RangeError);
    return counts;
  });
  assertEquals(counts, {
    total: 3,
    finished: 1,
    cached: 0,
    error: 1,
    cancelled: 1,
  });
});

Deno.test("wait waits for inner scopes, not for outer ones", async () => {
  const { fn, calls } = gate<number>("job_scopes");
  await using jobHandler = new hi.DefaultJobHandler({ concurrency: 2 });
  await hi.config({ jobHandler }, async () => {
    const outer = fn.run("outer");
    await turn();
    const counts = await hi.config({}, async () => {
      square.run(1);
      return await hi.wait();
    });
    assertEquals(counts.total, 1);
    calls[0]!.resolve(1);
    assertEquals((await hi.wait()).total, 2);
    await outer;
  });
});

Deno.test("waiting can be limited by time and by signal", async () => {
  const job = never.run(2);
  await assertRejects(
    () => job.wait({ timeout: 5 }),
    hi.JobTimeoutError,
    "5 ms",
  );
  const reason = new Error("enough");
  await assertRejects(
    () => job.wait({ signal: AbortSignal.abort(reason) }),
    Error,
    "enough",
  );
  await hi.config({}, async () => {
    const inner = never.run(3);
    await assertRejects(() => hi.wait({ timeout: 5 }), hi.JobTimeoutError);
    inner.cancel();
  });
  assertEquals(job.status, "running");
  job.cancel();
});

Deno.test("events tell status, console lines and progress", async () => {
  const talk = hi.func("job_talk", "1", () => {
    console.log("hello");
    hi.current().progress(0.5, "half");
    return 1;
  });
  const seen: string[] = [];
  for await (const event of talk.run()) {
    if (event.type === "status") seen.push(event.status);
    else if (event.type === "progress") {
      seen.push(`${event.fraction} ${event.message}`);
    } else seen.push(event.line.text);
  }
  assertEquals(seen.filter((text) => text !== "queued"), [
    "running",
    "hello\n",
    "0.5 half",
    "finished",
  ]);
});

Deno.test("jobs of jobs finish with one slot, and wait() waits for them", async () => {
  const tree: hi.HitherFunction<[number], Promise<number>> = hi.func(
    "job_tree",
    "1",
    async (depth: number): Promise<number> => {
      if (depth === 0) return 1;
      const jobs = tree.map([depth - 1, depth - 1]);
      const counts = await hi.wait();
      console.assert(counts.total >= 2);
      return jobs.reduce((total, job) => total + job.getResult(), 0);
    },
  );
  assertEquals(await tree.run(4), 16);
});

Deno.test("a job shows itself with name and status", async () => {
  const job = square.run(8);
  await job;
  assertEquals(Deno.inspect(job), "Job job_square 1 (finished)");
});

Deno.test("a handler that breaks its promises fails its job, and nothing hangs", async () => {
  const broken = (run: () => Promise<hi.Outcome>): hi.JobHandler => ({
    run,
    cancel() {},
    async [Symbol.asyncDispose]() {},
  });
  const handlers = [
    broken(() => {
      throw new Error("thrown");
    }),
    broken(() => Promise.reject(new Error("rejected"))),
    broken((() => 5) as unknown as () => Promise<hi.Outcome>),
  ];
  for (const [i, jobHandler] of handlers.entries()) {
    await hi.config({ jobHandler }, async () => {
      const job = square.run(1_000 + i);
      assertEquals((await hi.wait()).error, 1);
      await assertRejects(
        async () => await job,
        Error,
        ["thrown", "rejected", "is no Outcome"][i],
      );
    });
  }
});

Deno.test("a job of many jobs starts when the last of them has its result", async () => {
  const total = hi.func(
    "job_many",
    "1",
    (list: number[]) => list.reduce((a, b) => a + b, 0),
  );
  const jobs = Array.from({ length: 5_000 }, (_, i) => square.run(i % 100));
  assertEquals(await total.run(jobs), 50 * 328_350);
});

Deno.test("a long chain of jobs may fail, be cancelled and be cached", async () => {
  const next = hi.func("job_chain", "1", (n: number) => {
    if (n < 0) throw new RangeError("below zero");
    return n + 1;
  });
  const chain = (first: hi.Job<number>) => {
    let last = first;
    for (let i = 0; i < 8_000; i++) last = next.run(last);
    return last;
  };
  await assertRejects(async () => await chain(next.run(-1)), hi.UpstreamError);

  const first = never.run(77);
  const last = chain(first);
  first.cancel();
  assertInstanceOf(last.error, hi.UpstreamError);

  const path = await Deno.makeTempDir();
  for (
    const jobCache of [new hi.JobCache({ path }), new hi.JobCache({ path })]
  ) {
    await hi.config({ jobCache }, async () => {
      const gate = hi.func(
        `job_chain_gate_${Math.random()}`,
        "1",
        () => Promise.resolve(0),
        { cache: false },
      );
      assertEquals(await chain(gate.run()), 8_000);
    });
    await jobCache[Symbol.asyncDispose]();
  }
  await Deno.remove(path, { recursive: true });
});

Deno.test("a job that would wait for itself is a named error", async () => {
  const self: hi.HitherFunction<[number], Promise<number>> = hi.func(
    "job_self",
    "1",
    async (x: number): Promise<number> => await self.run(x),
  );
  await assertRejects(
    async () => await self.run(1),
    hi.CycleError,
    "job_self 1",
  );
  const ping: hi.HitherFunction<[number], Promise<number>> = hi.func(
    "job_ping",
    "1",
    async (x: number): Promise<number> => await pong.run(x),
  );
  const pong: hi.HitherFunction<[number], Promise<number>> = hi.func(
    "job_pong",
    "1",
    async (x: number): Promise<number> => await ping.run(x),
  );
  const error = await assertRejects(
    async () => await ping.run(1),
    hi.CycleError,
  );
  const [, first, second] = error.message.match(
    /^Cannot run (job_ping 1 \(key [0-9a-f]{12}\)) as .* wait for itself \(\1 \u2192 (job_pong 1 \(key [0-9a-f]{12}\)) \u2192 \1\): give it other arguments$/,
  ) ?? [];
  assert(first !== undefined && second !== undefined, error.message);
  const one = ping.run(1);
  await Promise.allSettled([one]);
  assertEquals(first, `job_ping 1 (key ${one.key!.slice(0, 12)})`);
  const round: hi.HitherFunction<[number], Promise<number>> = hi.func(
    "job_round",
    "1",
    async (x: number): Promise<number> => await round.run((x + 1) % 100),
  );
  await assertRejects(
    async () => await round.run(0),
    hi.CycleError,
    " \u2192 93 others \u2192 ",
  );
});

Deno.test("a handler that resolves with something else fails its job, and names itself", async () => {
  class Odd implements hi.JobHandler {
    constructor(readonly outcome: unknown) {}
    run(): Promise<hi.Outcome> {
      return Promise.resolve(this.outcome as hi.Outcome);
    }
    cancel() {}
    async [Symbol.asyncDispose]() {}
  }
  for (
    const outcome of [undefined, { status: "finished" }, { status: "done" }]
  ) {
    await hi.config({ jobHandler: new Odd(outcome) }, async () => {
      await assertRejects(
        async () => await square.run(2_000),
        TypeError,
        "Odd",
      );
    });
  }
  assertEquals(await square.run(2_000), 4_000_000);
});

Deno.test("a job that joined an execution on a handler that is then closed runs on its own", async () => {
  const { fn, calls } = gate<number>("job_two_handlers");
  const first = new hi.DefaultJobHandler();
  await using second = new hi.DefaultJobHandler();
  const a = await hi.config({ jobHandler: first }, () => [fn.run(1)]);
  const b = await hi.config({ jobHandler: second }, () => [fn.run(1)]);
  await turn();
  assertEquals(calls.length, 1);
  await first[Symbol.asyncDispose]();
  await assertRejects(async () => await a[0], hi.HandlerClosedError);
  await turn();
  calls[1]!.resolve(5);
  assertEquals(await b[0], 5);
});

Deno.test("waiting for ever, or longer than a timer can, leaves nothing behind", async () => {
  const slow = fails.run("late");
  for (const timeout of [Infinity, 2 ** 31, 2 ** 40]) {
    await assertRejects(() => slow.wait({ timeout }), RangeError, "late");
  }
  const wait = slow.wait.bind(slow) as (options: unknown) => Promise<unknown>;
  for (
    const options of [
      null,
      3,
      { timeout: "1" },
      { tiemout: 1 },
      { signal: 1 },
      slow,
    ]
  ) {
    await assertRejects(() => wait(options), TypeError, "Cannot wait");
  }
  await assertRejects(
    () => wait({ timeout: -1 }),
    RangeError,
    "current value is -1",
  );
});

Deno.test("a job in a text says that it is a job", async () => {
  const job = square.run(9);
  await job;
  assertEquals([`${job}`, JSON.stringify({ job })], [
    "Job job_square 1 (finished)",
    '{"job":"Job job_square 1 (finished)"}',
  ]);
});

Deno.test("a running job keeps as much text as an outcome does", async () => {
  await using folder = await temporaryFolder({
    "main.ts": `
import * as hi from ${
      JSON.stringify(new URL("../../mod.ts", import.meta.url).href)
    };
const flood = hi.func("flood", "1", async () => {
  for (let i = 0; i < 1_100; i++) console.log("x".repeat(1_000));
  await new Promise(() => {});
});
const job = flood.run();
setTimeout(() => {
  console.error(job.console.reduce((sum, { text }) => sum + text.length, 0));
  job.cancel();
}, 0);
`,
  });
  const { stderr } = await deno([
    "run",
    "-A",
    "--no-check",
    ...stdArguments(),
    `${folder.path}/main.ts`,
  ]);
  const length = Number(stderr);
  assert(length > 1_000_000 && length <= 1_048_576, stderr);
});

Deno.test("a running job gets what it waits for, also if that was submitted before and is queued", async () => {
  const double = hi.func("job_double", "1", (n: number) => 2 * n);
  const parent = hi.func(
    "job_parent",
    "1",
    async (n: number) => 1 + await double.run(n),
  );
  assertEquals(await Promise.all([parent.run(1), double.run(1)]), [3, 2]);

  // Through an argument of a child.
  const through = hi.func(
    "job_through",
    "1",
    async (n: number) => await square.run(double.run(n)),
  );
  assertEquals(await Promise.all([through.run(3), double.run(3)]), [36, 6]);

  // Through a Job from outside.
  const outside: hi.Job<number>[] = [];
  const waits = hi.func("job_waits", "1", async () => await outside[0]!);
  const waiting = waits.run();
  outside.push(double.run(4));
  assertEquals(await waiting, 8);

  // Cancelling the queued one takes nothing from the running one.
  const both = [parent.run(5), double.run(5)] as const;
  both[1].cancel();
  assertEquals(await both[0], 11);
  assertEquals(both[1].status, "cancelled");

  const fib: hi.HitherFunction<[number], Promise<number>> = hi.func(
    "job_fib",
    "1",
    async (n: number): Promise<number> =>
      n < 2 ? n : await fib.run(n - 1) + await fib.run(n - 2),
  );
  for (const concurrency of [1, 3]) {
    await using jobHandler = new hi.DefaultJobHandler({ concurrency });
    await hi.config({ jobHandler }, async () => {
      assertEquals(await Promise.all(fib.map([10, 9, 8, 7, 11])), [
        55,
        34,
        21,
        13,
        89,
      ]);
    });
  }
});

Deno.test("a time limit is that of one job, not of its twin nor of its children", async () => {
  const { fn, calls } = gate<number>("job_time_of_child");
  const parent = hi.func(
    "job_time_of_parent",
    "1",
    async (n: number) => await fn.run(n) + 1,
  );
  await using jobHandler = new hi.DefaultJobHandler({ concurrency: 4 });
  await hi.config({ jobHandler }, async () => {
    const [limited, free] = [
      parent.with({ timeout: 20 }).run(1),
      parent.run(1),
    ];
    await assertRejects(async () => await limited, hi.JobTimeoutError);
    assertEquals(free.status, "running");
    calls[0]!.resolve(1);
    assertEquals(await free, 2);
  });
});

Deno.test("two jobs that wait for each other are a named error", async () => {
  const meet = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const one: hi.HitherFunction<[], Promise<number>> = hi.func(
    "job_each_one",
    "1",
    async (): Promise<number> => {
      meet[0]!.resolve();
      await meet[1]!.promise;
      return await other.run();
    },
  );
  const other: hi.HitherFunction<[], Promise<number>> = hi.func(
    "job_each_other",
    "1",
    async (): Promise<number> => {
      meet[1]!.resolve();
      await meet[0]!.promise;
      return await one.run();
    },
  );
  await using jobHandler = new hi.DefaultJobHandler({ concurrency: 2 });
  await hi.config({ jobHandler }, async () => {
    const settled = await Promise.allSettled([one.run(), other.run()]);
    const names = settled.map((result) =>
      result.status === "rejected" && result.reason.name
    );
    assertEquals(names, ["CycleError", "CycleError"]);
  });
});

Deno.test("a running job may wait for the end of a long chain that is queued", async () => {
  const next = hi.func("job_long_wait", "1", (n: number) => n + 1);
  const box: hi.Job<number>[] = [];
  const waits = hi.func("job_long_waiter", "1", async () => await box[0]!);
  const waiting = waits.run();
  let last = next.run(0);
  for (let i = 1; i < 20_000; i++) last = next.run(last);
  box.push(last);
  assertEquals(await waiting, 20_000);
});
