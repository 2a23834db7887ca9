import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import * as hi from "../../mod.ts";
import { temporaryFolder } from "../house/run.ts";
import { add, countCalls } from "../parallel/fixtures/functions.ts";

const square = hi.func("map_test_square", "1", (x: number) => x * x);
const later = hi.func(
  "map_test_later",
  "1",
  (x: number) => Promise.resolve(x),
);

/** A function whose calls the test ends. */
function gate(name: string) {
  const calls = new Map<number, PromiseWithResolvers<number>>();
  const signals: AbortSignal[] = [];
  let wake = () => {};
  const fn = hi.func(name, "1", (x: number) => {
    const call = Promise.withResolvers<number>();
    calls.set(x, call);
    signals.push(hi.current().signal);
    wake();
    return call.promise;
  });
  /** Resolves when so many calls have begun. */
  const begun = async (count: number) => {
    while (calls.size < count) await new Promise<void>((done) => wake = done);
  };
  return { fn, calls, signals, begun };
}

/** The naturals, with how far they were asked for and whether they were closed. */
function naturals(end = Infinity) {
  const source = {
    taken: 0,
    closed: false,
    *[Symbol.iterator]() {
      try {
        for (let n = 0; n < end; n++) {
          source.taken++;
          yield n;
        }
      } finally {
        source.closed = true;
      }
    },
  };
  return source;
}

Deno.test("what is all in the cache comes at once, in any order and chunks", async () => {
  const jobCache = new hi.JobCache({ path: await Deno.makeTempDir() });
  for (const options of [{}, { ordered: false }, { chunk: 2 }]) {
    for (const items of [[1, 2, 3], naturals(100)]) {
      for (const _ of [1, 2]) {
        const results = await hi.config(
          { jobCache },
          () => Array.fromAsync(hi.map(square, items, options)),
        );
        assertEquals(results.slice(-1)[0], Array.isArray(items) ? 9 : 99 * 99);
      }
    }
  }
  await jobCache[Symbol.asyncDispose]();
  await Deno.remove(jobCache.path, { recursive: true });
});

Deno.test("results come in the order of the items", async () => {
  assertEquals(await Array.fromAsync(hi.map(square, [3, 1, 2])), [9, 1, 4]);
  assertEquals(await Array.fromAsync(hi.map(square, [])), []);
});

Deno.test("results come as they are there if the order does not matter", async () => {
  await using jobHandler = new hi.DefaultJobHandler({ concurrency: 3 });
  const { fn, calls, begun } = gate("map_test_unordered");
  const results = hi.map(fn.with({ jobHandler }), [0, 1, 2], {
    ordered: false,
  });
  const first = results.next();
  await begun(3);
  calls.get(2)!.resolve(2);
  assertEquals((await first).value, 2);
  calls.get(0)!.resolve(0);
  assertEquals((await results.next()).value, 0);
  calls.get(1)!.resolve(1);
  assertEquals((await results.next()).value, 1);
  assertEquals((await results.next()).done, true);
});

Deno.test("an endless source is asked only for what may be outstanding, and closed at the end", async () => {
  const source = naturals();
  const seen: number[] = [];
  for await (
    const result of hi.map(square, source, { concurrency: 3, chunk: 1 })
  ) {
    seen.push(result);
    assert(source.taken <= seen.length + 3, `${source.taken} taken`);
    if (seen.length === 20) break;
  }
  assertEquals(seen.at(-1), 361);
  assert(source.closed);
});

Deno.test("a chunk is taken in one go, and no more than concurrency is outstanding", async () => {
  const source = naturals();
  const results = hi.map(square, source, { concurrency: 8, chunk: 4 });
  const taken: number[] = [];
  for (let i = 0; i < 13; i++) {
    await results.next();
    taken.push(source.taken);
  }
  await results.return();
  assert(taken.every((n, i) => (n - 8) % 4 === 0 && n <= i + 8), taken.join());
});

Deno.test("more is outstanding while jobs are quick, and less while they are slow", async () => {
  const source = naturals(5_000);
  let most = 0;
  let seen = 0;
  for await (const _ of hi.map(later, source)) {
    most = Math.max(most, source.taken - ++seen);
  }
  assertEquals(seen, 5_000);
  assert(most > 4 * navigator.hardwareConcurrency && most <= 2_048, `${most}`);
});

Deno.test("an asynchronous source, with Jobs as items, and a slow one holds up no result", async () => {
  const { promise: open, resolve } = Promise.withResolvers<void>();
  async function* items() {
    yield square.run(2);
    await open;
    yield square.run(3);
  }
  const results = hi.map(square, items());
  assertEquals((await results.next()).value, 16);
  resolve();
  assertEquals((await results.next()).value, 81);
  assertEquals((await results.next()).done, true);
});

Deno.test("the first error ends the iteration, cancels the rest and closes the source", async () => {
  await using jobHandler = new hi.DefaultJobHandler({ concurrency: 4 });
  const { fn, calls, signals, begun } = gate("map_test_error");
  const source = naturals();
  const results = hi.map(fn.with({ jobHandler }), source, { concurrency: 4 });
  const next = results.next();
  await begun(4);
  calls.get(2)!.reject(new RangeError("no"));
  await assertRejects(() => next, RangeError, "no");
  assertEquals(signals.map((signal) => signal.aborted), [
    true,
    true,
    false,
    true,
  ]);
  assertEquals([source.closed, (await results.next()).done], [true, true]);
});

Deno.test("results before an error are not lost with it", async () => {
  const picky = hi.func("map_test_picky", "1", (x: number) => {
    if (x === 2) throw new RangeError("two");
    return x;
  });
  const seen: number[] = [];
  await assertRejects(async () => {
    for await (const x of hi.map(picky, [0, 1, 2, 3])) seen.push(x);
  }, RangeError);
  assertEquals(seen, [0, 1]);
});

Deno.test("leaving the loop cancels what is outstanding", async () => {
  await using jobHandler = new hi.DefaultJobHandler({ concurrency: 4 });
  const { fn, calls, signals, begun } = gate("map_test_break");
  const items = [0, 1, 2];
  const results = hi.map(fn.with({ jobHandler }), items);
  const first = results.next();
  await begun(3);
  calls.get(0)!.resolve(0);
  await first;
  await results.return();
  assertEquals(signals.map((signal) => signal.aborted), [false, true, true]);
});

Deno.test("a signal ends the iteration with its reason, also while the source is waited for", async () => {
  const controller = new AbortController();
  const reason = new Error("enough");
  async function* never() {
    yield 1;
    await new Promise(() => {});
  }
  const results = hi.map(square, never(), { signal: controller.signal });
  assertEquals((await results.next()).value, 1);
  const next = results.next();
  controller.abort(reason);
  assertStrictEquals(await assertRejects(() => next), reason);
  const late = hi.map(square, naturals(), { signal: controller.signal });
  assertStrictEquals(await assertRejects(() => late.next()), reason);
});

Deno.test("an error of the source ends the iteration", async () => {
  function* broken() {
    yield 1;
    throw new RangeError("source");
  }
  async function* brokenLater() {
    yield* broken();
  }
  for (const items of [broken(), brokenLater()]) {
    await assertRejects(
      () => Array.fromAsync(hi.map(square, items)),
      RangeError,
      "source",
    );
  }
});

Deno.test("results that are there come before what the source throws", async () => {
  await using folder = await temporaryFolder();
  await using jobCache = new hi.JobCache({ path: folder.path });
  function* broken() {
    yield* [1, 2, 3];
    throw new RangeError("source");
  }
  await hi.config({ jobCache }, async () => {
    await Promise.all(square.map([1, 2, 3]));
    const seen: number[] = [];
    await assertRejects(
      async () => {
        const options = { concurrency: 3, chunk: 1 };
        for await (const x of hi.map(square, broken(), options)) seen.push(x);
      },
      RangeError,
      "source",
    );
    assertEquals(seen, [1, 4, 9]);
  });
});

Deno.test("an item that is no data ends the iteration", async () => {
  const any = hi.func("map_test_any", "1", (x: unknown) => typeof x);
  async function* items() {
    yield 1;
    yield () => 1;
  }
  await assertRejects(
    () => Array.fromAsync(hi.map(any, items())),
    hi.UnsupportedValueError,
  );
  await assertRejects(
    () => Array.fromAsync(hi.map(any, [() => 1])),
    hi.UnsupportedValueError,
  );
});

Deno.test("every item has a key of its own in the cache, and the scope is that of the call", async () => {
  await using jobCache = new hi.JobCache({ path: await Deno.makeTempDir() });
  const results = await hi.config(
    { jobCache },
    () => hi.map(square, [1, 2, 3]),
  );
  assertEquals(await Array.fromAsync(results), [1, 4, 9]);
  const job = hi.config({ jobCache }, async () => {
    const job = square.run(2);
    await job;
    return job.cached;
  });
  assertEquals(await job, true);
});

Deno.test("on workers, all results come, in order", async () => {
  await using jobHandler = new hi.ParallelJobHandler({ numWorkers: 2 });
  const plusOne = countCalls.with({ jobHandler, cache: false });
  assertEquals(
    (await Array.fromAsync(hi.map(plusOne, naturals(300) as Iterable<never>)))
      .length,
    300,
  );
  const sums = hi.map(add.with({ jobHandler }), naturals(100));
  assertEquals((await Array.fromAsync(sums)).length, 100);
});

Deno.test("wrong options and items are refused at once", () => {
  assertThrows(() => hi.map(square, 1 as never), TypeError, "iterable");
  assertThrows(
    () => hi.map(square, square.run(1) as never),
    TypeError,
    "Await",
  );
  assertThrows(() => hi.map((() => 1) as never, []), TypeError, "hi.func");
  assertThrows(
    () => hi.map(square, [], { concurrency: 0 }),
    RangeError,
    "concurrency",
  );
  assertThrows(() => hi.map(square, [], { chunk: 1.5 }), RangeError, "chunk");
  assertThrows(
    () => hi.map(square, [], { order: 1 } as never),
    TypeError,
    "order",
  );
  assertInstanceOf(hi.map(square, [])[Symbol.asyncIterator], Function);
});
