// Items of hi.map over quick functions travel together and are no jobs; nobody is to notice.
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import * as hi from "../../mod.ts";
import * as f from "./fixtures/item_functions.ts";
import {
  checkAlone,
  checkDisposed,
  checkEachOnce,
  checkLost,
  checkNever,
  checkTold,
  checkTriedAgain,
  ENDS,
  HOWS,
  later,
  numbersWith,
} from "./items.ts";
import { inPool, noting, numbers, runProgram } from "./pool.ts";
import { receive } from "./workers.ts";

for (const ordered of [true, false]) {
  for (const source of ["at hand", "asynchronous"]) {
    const how = ordered ? "in order" : "as they are there";
    Deno.test(`each item is run once, and the results come ${how}: ${source}`, () =>
      inPool({ numWorkers: 2 }, async () => {
        const items = numbers(3_000);
        const given = source === "at hand" ? items : later(items);
        await checkEachOnce(given, ordered);
      }));
  }
}

Deno.test("quick items that are equal are each run, as nothing is looked up for them", () =>
  inPool({ numWorkers: 1 }, async () => {
    const items = Array(2_000).fill(1);
    const results = await Array.fromAsync(hi.map(f.counted, items));
    assert(new Set(results).size > 1_500, `${new Set(results).size} calls`);
    assertEquals(results.length, 2_000);
  }));

Deno.test("an item that throws ends the iteration with its error, after the results before it", () =>
  inPool({ numWorkers: 1 }, async () => {
    const seen: unknown[] = [];
    const error = await assertRejects(
      async () => {
        for await (const x of hi.map(f.odd, numbersWith("throw"))) seen.push(x);
      },
      RangeError,
      "out of luck",
    );
    assertEquals([error.cause, seen], ["an item", numbers(700)]);
    assertMatch(error.stack!, /item_functions\.ts:\d+/);
  }));

for (
  const [wish, error] of [
    ["exit", hi.JobExitError],
    ["function", hi.UnsupportedValueError],
  ] as const
) {
  Deno.test(`an item that wishes for "${wish}" ends the iteration with a ${error.name}, and costs nobody else`, () =>
    inPool({ numWorkers: 1 }, async () => {
      const seen: unknown[] = [];
      await assertRejects(
        async () => {
          for await (const x of hi.map(f.odd, numbersWith(wish))) seen.push(x);
        },
        error,
      );
      assertEquals(seen, numbers(700));
      const again = await Array.fromAsync(hi.map(f.odd, numbers(1_000)));
      assertEquals(again, numbers(1_000));
    }));
}

Deno.test("items and results of every kind come through, in order", () =>
  inPool({ numWorkers: 2 }, async () => {
    const wish = { b: 2, a: "x" };
    const job = hi.run("pool_add", 40, 2) as hi.Job<number>;
    const given: [number | f.Wish | hi.Job<number>, unknown][] = [
      [wish, "x2"],
      ["large", new Uint8Array(100_000).fill(7)],
      ["nothing", undefined],
      ["progress", undefined],
      ["nested", 23],
      [job, 42],
      [NaN, NaN],
      [-0.5, -0.5],
      [-0, -0],
      [-Infinity, -Infinity],
      [2 ** 60, 2 ** 60],
    ];
    const items = numbers(2_000).map((x) =>
      x > 500 && x < 1_500 ? x % given.length : -1
    );
    for (const ordered of [true, false]) {
      const results = await Array.fromAsync(hi.map(
        f.odd,
        items.map((i, x) => i < 0 ? x : given[i]![0]) as number[],
        { ordered },
      ));
      const expected = items.map((i, x) => i < 0 ? x : given[i]![1]);
      if (ordered) assertEquals(results, expected);
      else {
        const sorted = (values: unknown[]) =>
          values.map((x) => Deno.inspect(x)).sort();
        assertEquals(sorted(results), sorted(expected));
      }
    }
  }));

Deno.test("an item that is no data ends the iteration among quick ones too", () =>
  inPool({ numWorkers: 1 }, async () => {
    const items = numbersWith(() => 1) as number[];
    await assertRejects(
      () => Array.fromAsync(hi.map(f.odd, items)),
      hi.UnsupportedValueError,
    );
  }));

Deno.test("what an item prints is shown with the name of its function, as that of a job", async () => {
  const { code, stdout, stderr } = await runProgram({
    "main.ts": `
      import * as hi from "hither";
      let late: Promise<void> | undefined;
      const f = hi.func("talks", "1", (x: number) => {
        if (x >= 600 && x < 603) console.log("this is", x);
        if (x === 700) {
          late = new Promise((resolve) =>
            setTimeout(() => {
              console.error("late");
              resolve();
            }, 0)
          );
        }
        return x === 1_999 ? late!.then(() => x) : x;
      });
      if (import.meta.main) {
        await using jobHandler = new hi.ParallelJobHandler({ numWorkers: 1 });
        const items = Array.from({ length: 2_000 }, (_, i) => i);
        let sum = 0;
        for await (const x of hi.map(f.with({ jobHandler }), items)) sum += x;
        console.log(sum);
      }
    `,
  });
  assertEquals(
    [code, stdout, stderr],
    [
      0,
      "[talks] this is 600\n[talks] this is 601\n[talks] this is 602\n1999000\n",
      "[talks] late\n",
    ],
  );
});

Deno.test("an item knows its job: name, version, key and signal", () =>
  inPool({ numWorkers: 1 }, async () => {
    const items: unknown[] = numbers(500).map((x) =>
      x % 2 === 0 ? x : { b: x, a: [`${x}`] }
    );
    items.push(undefined);
    const results = await Array.fromAsync(hi.map(f.knows, items));
    for (const i of [400, 401, 500]) {
      const job = f.knows.run(items[i]);
      await job;
      assertEquals(
        results[i],
        `items_knows 1 false ${job.key!.slice(0, 32)}`,
      );
    }
  }));

Deno.test("items of an asynchronous function run one after the other in a worker", () =>
  inPool({ numWorkers: 2 }, checkAlone));

for (const how of HOWS) {
  for (const end of ENDS) {
    Deno.test(`an item that ${how} hears of ${end}, and nothing behind it is run`, () =>
      checkTold({ numWorkers: 1 }, how, end));
  }
}

Deno.test("one item that never ends holds up no other", () =>
  inPool({ numWorkers: 2 }, checkNever));

Deno.test("an item that fails is tried again like any job", () =>
  checkTriedAgain({ numWorkers: 2 }));

for (const crashRetries of [0, 1]) {
  Deno.test(
    `of a worker that dies the item that ran is ${
      crashRetries ? "run again" : "lost"
    }, and no other is run twice`,
    async () => {
      const workers: Worker[] = [];
      using _ = noting(workers);
      await checkLost({ numWorkers: 1 }, crashRetries, () =>
        // A message that makes no sense is the end of a worker.
        Promise.resolve(() => receive(workers[0]!, { type: "warning" })));
    },
  );
}

Deno.test("an endless source is asked only for what may be outstanding, and results keep coming", () =>
  inPool({ numWorkers: 2 }, async () => {
    for (const [concurrency, ordered] of [[10, true], [300, false]] as const) {
      let taken = 0;
      let seen = 0;
      const naturals = async function* () {
        for (let n = 0;; n++) {
          taken++;
          yield n;
        }
      };
      for await (
        const _ of hi.map(f.odd, naturals(), { concurrency, ordered })
      ) {
        seen++;
        assert(taken <= seen + concurrency, `${taken} taken, ${seen} seen`);
        if (seen === 5_000) break;
      }
    }
  }));

// With one worker no other one has the items before the one that fails.
Deno.test("hi.wait counts items as jobs", () =>
  inPool({ numWorkers: 1 }, async () => {
    const counts = await hi.config({}, async () => {
      await Array.fromAsync(hi.map(f.odd, numbersWith("nested")));
      return await hi.wait();
    });
    const none = { cached: 0, error: 0, cancelled: 0 };
    assertEquals(counts, { total: 1_001, finished: 1_001, ...none });
    const broken = await hi.config({}, async () => {
      const results = hi.map(f.odd, numbersWith("throw", 5_000));
      await Promise.allSettled([Array.fromAsync(results)]);
      return await hi.wait();
    });
    const { total, finished, error, cancelled } = broken;
    assertEquals([error, finished + cancelled + 1], [1, total]);
    assert(finished >= 700 && total < 5_000, Deno.inspect(broken));
  }));

Deno.test("a handler that is disposed ends the iteration with a HandlerClosedError", async () => {
  const jobHandler = await checkDisposed({ numWorkers: 1 });
  const late = hi.map(f.odd.with({ jobHandler }), [1]);
  await assertRejects(() => late.next(), hi.HandlerClosedError);
});

Deno.test("a handler that is disposed fails items that wait behind a job", async () => {
  const jobHandler = new hi.ParallelJobHandler({ numWorkers: 1 });
  const fn = f.odd.with({ jobHandler, crashRetries: 0 });
  function* naturals() {
    for (let n = 0;; n++) yield n;
  }
  const results = hi.map(fn, naturals());
  for (let i = 0; i < 3_000; i++) await results.next();
  const never = fn.run("never");
  const rest = assertRejects(
    () => Array.fromAsync(results),
    hi.HandlerClosedError,
  );
  for await (const event of never) {
    if (event.type === "status" && event.status === "running") break;
  }
  // Nothing more comes from the only worker.
  await new Promise((resolve) => setTimeout(resolve, 0));
  await jobHandler[Symbol.asyncDispose]();
  await rest;
  await assertRejects(() => never.then(), hi.HandlerClosedError);
});

Deno.test("Ctrl-C cancels items as it cancels jobs", async () => {
  const { code, stdout, stderr } = await runProgram({
    "main.ts": `
      import * as hi from "hither";
      const f = hi.func("f", "1", (x: number) =>
        x === 5_000 ? new Promise<number>(() => {}) : x);
      if (import.meta.main) {
        await using jobHandler = new hi.ParallelJobHandler({ numWorkers: 1 });
        const items = Array.from({ length: 5_500 }, (_, i) => i);
        try {
          for await (const x of hi.map(f.with({ jobHandler }), items)) {
            if (x === 4_999) Deno.kill(Deno.pid, "SIGINT");
          }
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
  assertMatch(stderr, /^hither: SIGINT: 500 jobs are cancelled/);
});

for (
  const [where, pool, options] of [
    ["in one of two workers", { numWorkers: 2 }, {}],
    ["in a worker with two places", { numWorkers: 1, jobsPerWorker: 2 }, {}],
    ["where all travel together", { numWorkers: 2 }, {
      chunk: 50,
      concurrency: 50,
    }],
  ] as const
) {
  Deno.test(`an item that never ends holds up none behind it: ${where}`, () =>
    inPool(pool, async () => {
      await Array.fromAsync(hi.map(f.odd, numbers(1_000)));
      const seen: unknown[] = [];
      const items = numbersWith("never" as const, 1_000, 970);
      const how = { ...options, ordered: false };
      for await (const result of hi.map(f.odd, items, how)) {
        seen.push(result);
        if (seen.length === 999) break;
      }
      assertEquals(new Set(seen), new Set(items.filter((x) => x !== "never")));
    }));
}

Deno.test("calls of next that do not wait for each other have the results in their order, and then the end", () =>
  inPool({ numWorkers: 2 }, async () => {
    const results = hi.map(f.odd, numbers(3_000));
    // The first ones wait; then there are results, and then none for so many at once.
    const given: IteratorResult<unknown, void>[] = [];
    for (const count of [3, 1, 700, 1, 1, 2_400]) {
      const asked = Array.from({ length: count }, () => results.next());
      given.push(...await Promise.all(asked));
    }
    assertEquals(given, [
      ...numbers(3_000).map((value) => ({ value, done: false })),
      ...new Array(106).fill({ value: undefined, done: true }),
    ]);
  }));

Deno.test("results keep their order for who asks for the next before the last one is there", () =>
  inPool({ numWorkers: 2 }, async () => {
    const results = hi.map(f.odd, later(numbers(3_000)));
    const asked = Array.from({ length: 3 }, () => results.next());
    for (let n = 0; n < 3_000; n++) {
      assertEquals(await asked.shift(), { value: n, done: false });
      asked.push(results.next());
    }
  }));

for (const how of ["return", "throw"] as const) {
  Deno.test(`${how} ends the results for those that ask behind it, and closes the source`, () =>
    inPool({ numWorkers: 2 }, async () => {
      let closed = false;
      function* source() {
        try {
          for (let n = 0;; n++) yield n;
        } finally {
          closed = true;
        }
      }
      const results = hi.map(f.odd, source());
      for (let n = 0; n < 2_000; n++) {
        assertEquals(await results.next(), { value: n, done: false });
      }
      const ended = Promise.allSettled([
        results.next(),
        how === "return" ? results.return() : results.throw(new Error("end")),
        results.next(),
      ]);
      const end = { value: undefined, done: true };
      assertEquals(
        (await ended).map((it) =>
          it.status === "fulfilled" ? it.value : `${it.reason}`
        ),
        [
          { value: 2_000, done: false },
          how === "return" ? end : "Error: end",
          end,
        ],
      );
      assert(closed);
      assertEquals(await results.next(), end);
    }));
}

Deno.test("the characters of a text are items", () =>
  inPool({ numWorkers: 1 }, async () => {
    const results = await Array.fromAsync(hi.map(f.same, "hello"));
    assertEquals(results, ["h", "e", "l", "l", "o"]);
  }));

Deno.test("items that submit jobs are each called once, beside others in the same worker", () =>
  inPool({ numWorkers: 1, jobsPerWorker: 3 }, async () => {
    const items = numbers(2_000);
    const results = await Array.fromAsync(hi.map(f.submits, items));
    assertEquals(results, items.map(() => 1));
    assertEquals((await hi.wait()).total, 2_200);
  }));
