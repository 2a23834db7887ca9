/** What is the same for items of `hi.map` in web workers and in processes. */

import {
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import * as hi from "../../mod.ts";
import { temporaryFolder } from "../house/run.ts";
import * as f from "./fixtures/item_functions.ts";
import { appears, inPool, numbers } from "./pool.ts";

/** Numbers with something else among them, when it is known that they are quick. */
export function numbersWith<T>(
  wish: T,
  count = 1_000,
  at = 700,
): (number | T)[] {
  return numbers(count).map((x) => x === at ? wish : x);
}

/** The same, each with a folder. */
function inFolder<T>(path: string, wish: T): [string, number | T][] {
  return numbersWith(wish).map((x) => [path, x]);
}

/** Items that are not at hand. */
export async function* later<T>(items: Iterable<T>): AsyncGenerator<T> {
  for (const item of items) yield await item;
}

/** Each item is run once, by both workers of a pool. */
export async function checkEachOnce(
  source: Iterable<number> | AsyncIterable<number>,
  ordered: boolean,
): Promise<void> {
  const results = await Array.fromAsync(hi.map(f.counted, source, { ordered }));
  const calls = new Map<string, number>();
  const seen = results.map((result) => {
    const [worker, call, x] = result.split(" ");
    calls.set(worker!, Math.max(calls.get(worker!) ?? 0, Number(call)));
    return Number(x);
  });
  if (!ordered) seen.sort((a, b) => a - b);
  assertEquals(seen, numbers(3_000));
  const all = [...calls.values()].reduce((sum, count) => sum + count, 0);
  assertEquals([calls.size, all], [2, 3_000]);
}

/** Items of an asynchronous function are not run at a time in a worker. */
export async function checkAlone(): Promise<void> {
  const results = await Array.fromAsync(hi.map(f.alone, numbers(2_000)));
  assertEquals(new Set(results), new Set([1]));
  assertEquals(results.length, 2_000);
}

/** How an item is busy while its iteration ends, and how that ends. */
export const HOWS = ["computes", "waits"] as const;
export const ENDS = ["the signal", "leaving the loop"] as const;

/** An item hears of the end, and nothing behind it is run. */
export async function checkTold(
  options: hi.ParallelJobHandlerOptions,
  how: typeof HOWS[number],
  end: typeof ENDS[number],
): Promise<void> {
  await using folder = await temporaryFolder({ calls: "" });
  await inPool(options, async () => {
    const controller = new AbortController();
    const items = inFolder(folder.path, how);
    const results = hi.map(f.told, items, { signal: controller.signal });
    for (let i = 0; i < 700; i++) await results.next();
    const there = appears(folder.path, how);
    const stopped = appears(folder.path, "stopped true");
    if (end === "the signal") {
      const next = results.next();
      await there;
      controller.abort(new RangeError("enough"));
      await assertRejects(() => next, RangeError, "enough");
    } else {
      await there;
      await results.return();
    }
    await stopped;
    assertEquals(callsIn(folder.path), [...numbers(700).map(String), how]);
  });
}

/** All items but one, which never ends, have their results. */
export async function checkNever(): Promise<void> {
  const items = numbersWith("never" as const, 3_000);
  const results = hi.map(f.odd, items, { ordered: false });
  const seen = new Set<unknown>();
  for await (const x of results) {
    seen.add(x);
    if (seen.size === 2_999) break;
  }
  assertEquals(seen.size, 2_999);
}

/** An item that fails is tried again. */
export async function checkTriedAgain(
  options: hi.ParallelJobHandlerOptions,
): Promise<void> {
  await using folder = await temporaryFolder({ calls: "" });
  await inPool(options, async () => {
    const fn = f.second.with({ retry: 2 });
    const items = inFolder(folder.path, "fails" as const);
    const results = await Array.fromAsync(hi.map(fn, items));
    assertEquals(results as unknown[], numbersWith("again"));
  });
}

/** Of a worker that dies only the item that ran is lost or run again; `prepare` is run first, and returns what kills it. */
export async function checkLost(
  options: hi.ParallelJobHandlerOptions,
  crashRetries: number,
  prepare: () => Promise<() => void>,
): Promise<void> {
  await using folder = await temporaryFolder({ calls: "" });
  await inPool(options, async () => {
    const kill = await prepare();
    const hangs = appears(folder.path, "hangs");
    const fn = f.second.with({ crashRetries });
    const seen: unknown[] = [];
    const ended = Promise.allSettled([(async () => {
      const items = inFolder(folder.path, "hangs" as const);
      for await (const x of hi.map(fn, items)) seen.push(x);
    })()]);
    await hangs;
    kill();
    const [result] = await ended;
    if (result.status === "rejected") {
      assertEquals(crashRetries, 0);
      assertInstanceOf(result.reason, hi.WorkerLostError);
      assertStringIncludes(result.reason.message, "items_second 1");
      assertEquals(seen, numbers(700));
    } else assertEquals(seen, numbersWith("again"));
    const called = callsIn(folder.path);
    assertEquals(new Set(called).size, called.length);
    if (crashRetries > 0) assertEquals(called.length, 999);
  });
}

/** A handler that is disposed ends the iteration; returns the handler. */
export async function checkDisposed(
  options: hi.ParallelJobHandlerOptions,
): Promise<hi.ParallelJobHandler> {
  const jobHandler = new hi.ParallelJobHandler(options);
  const results = hi.map(f.odd.with({ jobHandler }), numbersWith("never"));
  for (let i = 0; i < 700; i++) await results.next();
  const next = assertRejects(
    () => results.next(),
    hi.HandlerClosedError,
    "items_odd 1",
  );
  await jobHandler[Symbol.asyncDispose]();
  await next;
  return jobHandler;
}

function callsIn(folder: string): string[] {
  return Deno.readTextFileSync(`${folder}/calls`).trim().split("\n");
}
