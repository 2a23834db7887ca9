import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import * as hi from "../../mod.ts";

Deno.test("a function stays callable as it is", () => {
  const add = hi.func("func_add", "0.1.0", (a: number, b: number) => a + b);
  assertEquals(add(1, 2), 3);
  assertEquals([add.name, add.version], ["func_add", "0.1.0"]);
});

Deno.test("a second definition names both places", () => {
  hi.func("func_twice", "1", () => 1);
  const error = assertThrows(
    () => hi.func("func_twice", "1", () => 1),
    hi.DuplicateFunctionError,
  );
  assertEquals(error.message.match(/func_test\.ts:\d+:\d+/g)?.length, 2);
  hi.func("func_twice", "2", () => 1);
});

Deno.test("run finds a function by name, the latest version", async () => {
  hi.func("func_by_name", "1", () => "one");
  hi.func("func_by_name", "2", () => "two");
  assertEquals(await hi.run("func_by_name"), "two");
  assertThrows(
    () => hi.run("func_nowhere"),
    hi.FunctionNotFoundError,
    "func_by_name",
  );
});

Deno.test("map makes a job for each item", async () => {
  const square = hi.func("func_map", "1", (x: number) => x * x);
  const jobs = square.map(new Set([1, 2, 3]));
  assertEquals(await Promise.all(jobs), [1, 4, 9]);
});

Deno.test("with changes the options of its own jobs only", async () => {
  const slow = hi.func("func_with", "1", () => new Promise<void>(() => {}));
  await assertRejects(
    async () => await slow.with({ timeout: 5 }).run(),
    hi.JobTimeoutError,
  );
  const job = slow.run();
  await assertRejects(
    () => job.wait({ timeout: 20 }),
    hi.JobTimeoutError,
    "the job goes on",
  );
  job.cancel();
});

Deno.test("bad definitions say what is wrong", () => {
  const define = hi.func as (...args: unknown[]) => unknown;
  assertThrows(
    () => define("func_bad", 1, () => 1),
    TypeError,
    "current value is 1",
  );
  assertThrows(
    () => define("", "1", () => 1),
    TypeError,
    'current value is ""',
  );
  assertThrows(
    () => define("func_bad", "1", 5),
    TypeError,
    "must be a function",
  );
  assertThrows(
    () => define("func_bad", "1", () => 1, { timeout: 0 }),
    RangeError,
    "current value is 0",
  );
  assertThrows(
    () => define("func_bad", "1", () => 1, { cache: "no" }),
    TypeError,
    'cache must be true or false: current value is "no"',
  );
  assertThrows(
    () => define("func_bad", "1", () => 1, { chache: true }),
    TypeError,
    "there is none of that name",
  );
  assertThrows(
    () => define("func_bad", "1", () => 1, { module: "./here.ts" }),
    TypeError,
    "import.meta.url",
  );
});

Deno.test("bad configuration says what is wrong", () => {
  const config = hi.config as (
    options: unknown,
    body: () => unknown,
  ) => Promise<unknown>;
  assertThrows(
    () => config({ jobCache: "/tmp" }, () => 1),
    TypeError,
    "jobCache must be a JobCache or null",
  );
  assertThrows(
    () => config({ jobHandler: {} }, () => 1),
    TypeError,
    "jobHandler must be a job handler",
  );
  assertThrows(() => config({ forceRun: 1 }, () => 1), TypeError, "forceRun");
  assertThrows(
    () => config({ numWorkers: 1 }, () => 1),
    TypeError,
    "numWorkers",
  );
  assertThrows(() => config(null, () => 1), TypeError, "current value is null");
});

Deno.test("scopes inherit option by option, and end where they end", async () => {
  const slow = hi.func(
    "func_scopes",
    "1",
    (_: number) => new Promise<void>(() => {}),
  );
  await hi.config({ timeout: 5 }, async () => {
    await hi.config({ forceRun: true }, async () => {
      await assertRejects(async () => await slow.run(1), hi.JobTimeoutError);
    });
    await hi.config({ timeout: null }, async () => {
      const job = slow.run(2);
      await assertRejects(
        () => job.wait({ timeout: 20 }),
        hi.JobTimeoutError,
        "the job goes on",
      );
      job.cancel();
    });
  });
  const job = slow.run(3);
  await assertRejects(
    () => job.wait({ timeout: 20 }),
    hi.JobTimeoutError,
    "the job goes on",
  );
  job.cancel();
});

Deno.test("current is for jobs", () => {
  assertThrows(() => hi.current(), hi.NoCurrentJobError, ".run()");
});

Deno.test("map takes what can be iterated, and says so", async () => {
  const one = hi.func("func_map_bad", "1", (x: unknown) => x);
  const map = one.map as (items: unknown) => unknown;
  for (
    const items of [3, undefined, Promise.resolve([1]), one.run([1]), {
      length: 2,
    }]
  ) {
    assertThrows(() => map(items), TypeError, "Cannot call func_map_bad.map");
  }
  await hi.wait();
});

Deno.test("a misspelt option is told what there is", () => {
  const define = hi.func as (...args: unknown[]) => unknown;
  assertThrows(
    () => define("func_misspelt", "1", () => 1, { modul: "x" }),
    TypeError,
    "timeout, memory, importTimeout, cache, module, imports, values",
  );
  assertThrows(
    () => (hi.config as (options: unknown) => unknown)({}),
    TypeError,
    "second argument must be a function",
  );
});
