import { assertEquals, assertInstanceOf } from "@std/assert";
import * as hi from "../../mod.ts";
import { makeTask, type TestTask, valueOf } from "../parallel/tasks.ts";

const reports = hi.func(
  "default_reports",
  "1",
  (fraction: number, message?: string) =>
    hi.current().progress(fraction, message),
);

const gates = new Map<number, PromiseWithResolvers<number>>();

const gate = hi.func("default_gate", "1", (n: number) => {
  const opened = Promise.withResolvers<number>();
  gates.set(n, opened);
  return opened.promise;
});

const sync = hi.func("default_sync", "1", (x: unknown) => x);

const untilAborted = hi.func(
  "default_until_aborted",
  "1",
  () =>
    new Promise((resolve) => {
      const { signal } = hi.current();
      signal.addEventListener("abort", () => resolve(signal.reason));
    }),
);

const prints = hi.func("default_prints", "1", (x: number) => {
  console.log("x is", x);
  console.error("done");
});

const mutates = hi.func("default_mutates", "1", (x: { list: number[] }) => {
  x.list.push(1);
  return x.list.length;
});

function gateTasks(count: number): TestTask[] {
  return Array.from({ length: count }, (_, n) => makeTask(gate, [n]));
}

const starts = (tasks: TestTask[]) => tasks.map(({ starts }) => starts);

Deno.test("tasks run in order, one at a time", async () => {
  await using handler = new hi.DefaultJobHandler();
  const tasks = gateTasks(3);
  const outcomes = tasks.map((task) => handler.run(task));
  for (const [n, task] of tasks.entries()) {
    await task.hasStarted;
    assertEquals(starts(tasks), [1, n > 0 ? 1 : 0, n > 1 ? 1 : 0]);
    gates.get(n)!.resolve(n * 10);
    assertEquals(valueOf(await outcomes[n]!), n * 10);
  }
});

Deno.test("as many tasks run at a time as were asked for", async () => {
  await using handler = new hi.DefaultJobHandler({ concurrency: 2 });
  const tasks = gateTasks(3);
  for (const task of tasks) handler.run(task);
  await tasks[1]!.hasStarted;
  assertEquals(starts(tasks), [1, 1, 0]);
  gates.get(1)!.resolve(0);
  await tasks[2]!.hasStarted;
});

Deno.test("a function is never called inside of run()", async () => {
  await using handler = new hi.DefaultJobHandler();
  const task = makeTask(sync, [1]);
  const outcome = handler.run(task);
  assertEquals(task.starts, 0);
  assertEquals(valueOf(await outcome), 1);
});

Deno.test("a long row of synchronous tasks behind an asynchronous one does not overflow the stack", async () => {
  await using handler = new hi.DefaultJobHandler();
  const [first] = gateTasks(1);
  handler.run(first!);
  const outcomes = Array.from(
    { length: 20_000 },
    (_, i) => handler.run(makeTask(sync, [i])),
  );
  await first!.hasStarted;
  gates.get(0)!.resolve(0);
  const values = (await Promise.all(outcomes)).map(valueOf);
  assertEquals(values.at(-1), 19_999);
});

Deno.test("a nested task needs no slot", async () => {
  await using handler = new hi.DefaultJobHandler();
  const [outer] = gateTasks(1);
  handler.run(outer!);
  await outer!.hasStarted;
  const nested = makeTask(sync, ["inside"], { nested: true });
  assertEquals(valueOf(await handler.run(nested)), "inside");
});

Deno.test("a waiting task that is cancelled is never called", async () => {
  await using handler = new hi.DefaultJobHandler();
  const [first, second, third] = gateTasks(3);
  handler.run(first!);
  const dropped = handler.run(second!);
  handler.run(third!);
  await first!.hasStarted;
  handler.cancel(second!, new Error("not needed"));
  assertEquals((await dropped).status, "error");
  gates.get(0)!.resolve(0);
  await third!.hasStarted;
  assertEquals(second!.starts, 0);
});

Deno.test("a running task that is cancelled is told why, and its slot comes back at once", async () => {
  await using handler = new hi.DefaultJobHandler();
  const task = makeTask(untilAborted, []);
  const outcome = handler.run(task);
  await task.hasStarted;
  const [deaf] = gateTasks(1);
  const reason = new RangeError("enough");
  handler.cancel(task, reason);
  assertEquals((valueOf(await outcome) as Error).message, "enough");
  handler.run(deaf!);
  await deaf!.hasStarted;
  handler.cancel(deaf!, reason);
  assertEquals(valueOf(await handler.run(makeTask(sync, [2]))), 2);
});

Deno.test("disposing fails what waits and what runs, and takes no more", async () => {
  const handler = new hi.DefaultJobHandler();
  const [running, waiting] = gateTasks(2);
  const outcomes = [handler.run(running!), handler.run(waiting!)];
  await running!.hasStarted;
  await handler[Symbol.asyncDispose]();
  outcomes.push(handler.run(makeTask(sync, [1])));
  for (const outcome of outcomes) {
    assertInstanceOf(valueOf(await outcome), hi.HandlerClosedError);
  }
});

Deno.test("what a job prints is kept with its outcome, and nothing else is", async () => {
  await using handler = new hi.DefaultJobHandler({ concurrency: 2 });
  const outcomes = [1, 2].map((x) => handler.run(makeTask(prints, [x])));
  console.log("the program prints too");
  for (const [i, outcome] of (await Promise.all(outcomes)).entries()) {
    assertEquals(
      outcome.console.map(({ stream, text }) => [stream, text]),
      [["stdout", `x is ${i + 1}\n`], ["stderr", "done\n"]],
    );
  }
});

Deno.test("a function gets arguments of its own", async () => {
  await using handler = new hi.DefaultJobHandler();
  const argument = { list: [] };
  const outcome = await handler.run(makeTask(mutates, [argument]));
  assertEquals(valueOf(outcome), 1);
  assertEquals(argument.list, []);
});

Deno.test("a result that is not data is an error that names where, and is never kept", async () => {
  await using handler = new hi.DefaultJobHandler();
  const bad = hi.func(
    "default_bad_result",
    "1",
    () => ({ a: [Symbol.iterator] }),
  );
  const outcome = await handler.run(makeTask(bad, []));
  const error = valueOf(outcome);
  assertInstanceOf(error, hi.UnsupportedValueError);
  assertEquals((error as hi.UnsupportedValueError).path, "result.a[0]");
  assertEquals(outcome.status === "error" && outcome.lost, true);
});

Deno.test("arguments that are gone are an error of that task alone", async () => {
  await using handler = new hi.DefaultJobHandler();
  const gone = makeTask(sync, [1], {
    arguments: () => {
      throw new hi.ArgumentChangedError("args[0] was written to");
    },
  });
  const outcomes = [handler.run(gone), handler.run(makeTask(sync, [2]))];
  assertInstanceOf(valueOf(await outcomes[0]!), hi.ArgumentChangedError);
  assertEquals(valueOf(await outcomes[1]!), 2);
});

Deno.test("an outcome carries the contribution if it was asked for", async () => {
  await using handler = new hi.DefaultJobHandler();
  for (const digest of [true, false]) {
    const outcome = await handler.run(makeTask(sync, [1], { digest }));
    const carries = outcome.status === "finished" &&
      outcome.contribution instanceof Uint8Array;
    assertEquals(carries, digest);
  }
});

Deno.test("the context of a job can be taken apart", async () => {
  await using handler = new hi.DefaultJobHandler();
  const context = hi.func("default_context", "3", () => {
    const { name, version, signal, throwIfAborted, progress } = hi.current();
    throwIfAborted();
    progress(0.5, "half");
    return [name, version, signal.aborted];
  });
  const task = makeTask(context, []);
  assertEquals(valueOf(await handler.run(task)), [
    "default_context",
    "3",
    false,
  ]);
  assertEquals(task.events, [
    { type: "progress", fraction: 0.5, message: "half" },
  ]);
});

Deno.test("progress outside of 0 to 1 is refused", async () => {
  await using handler = new hi.DefaultJobHandler();
  for (const fraction of [-0.1, 1.1, NaN]) {
    const error = valueOf(await handler.run(makeTask(reports, [fraction])));
    assertInstanceOf(error, RangeError);
  }
});

Deno.test("progress that is not a number, or with a message that is no text, is refused", async () => {
  await using handler = new hi.DefaultJobHandler();
  for (const report of [[null], ["0.5"], [0.5, 1], [0.5, null]]) {
    const task = makeTask(reports, report as [number, string]);
    const error = valueOf(await handler.run(task));
    assertInstanceOf(error, TypeError);
    assertEquals(task.events, []);
  }
  // Something that cannot even be sent from a worker.
  const f = hi.func("default_progress_function", "1", () => {
    hi.current().progress(0.1, (() => 1) as unknown as string);
  });
  assertInstanceOf(valueOf(await handler.run(makeTask(f, []))), TypeError);
});
