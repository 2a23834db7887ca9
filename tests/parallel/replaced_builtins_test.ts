// Code that replaces what its worker needs of the language: nothing is ever silently stuck.
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertStringIncludes,
} from "@std/assert";
import * as hi from "../../mod.ts";
import * as f from "./fixtures/replacing.ts";
import { never } from "./fixtures/replacing_module.ts";
import { failureOf, inPool } from "./pool.ts";

const BREAKING = [
  "Array.prototype.push",
  "Array.prototype[Symbol.iterator]",
  "Map.prototype.get",
  "Map.prototype.delete",
  "JSON.stringify",
  "JSON.parse",
  "Atomics.compareExchange",
  "Atomics.waitAsync",
  "TypedArray.prototype.set",
  "Uint8Array.prototype.set",
  "Uint8Array.prototype.subarray",
  "Uint8Array.prototype.byteLength",
  "DataView.prototype.setFloat64",
  "Object.getPrototypeOf",
  "Array.isArray",
  "Number.isSafeInteger",
  "Array.prototype[0]",
  "Object.prototype.get",
  "globalThis.Map",
  "globalThis.Uint8Array",
  "globalThis.Promise",
];

/** Nobody else's calls are in the way of a worker's own. */
const HARMLESS = ["Promise.prototype.then", "globalThis.postMessage"];

for (const isolation of ["worker", "process"] as const) {
  const options = { numWorkers: 1, isolation };

  for (const name of BREAKING) {
    Deno.test(`a job that replaces ${name} fails by name, and its slot comes back (${isolation})`, () =>
      inPool(options, async () => {
        for (const fn of [f.replaces, f.replacesLater, f.replacesAndThrows]) {
          // As the first job of a worker, and among others.
          const error = await failureOf(fn.run(name));
          assertInstanceOf(error, hi.ReplacedBuiltinError);
          assertStringIncludes(error.message, name);
          assertEquals(await f.sums.run([1, 2, 3]), 6);
        }
        const error = await failureOf(f.replaces.run(name));
        assertInstanceOf(error, hi.ReplacedBuiltinError);
      }));
  }

  for (const name of HARMLESS) {
    Deno.test(`a job that replaces ${name} has its result, and so have others (${isolation})`, () =>
      inPool(options, async () => {
        for (const fn of [f.replaces, f.replacesLater]) {
          assertEquals(await fn.run(name), name);
          assertEquals(await f.sums.run([1, 2, 3]), 6);
        }
      }));
  }

  Deno.test(`what is replaced after a job has ended holds up no other (${isolation})`, () =>
    inPool(options, async () => {
      for (const name of [...BREAKING, ...HARMLESS]) {
        assertEquals(await f.replacesAfterwards.run(name), name);
        assertEquals(await f.sums.run([1, 2, 3]), 6);
      }
    }));

  Deno.test(`a replacement that does the same stays (${isolation})`, () =>
    inPool(options, async () => {
      assert(await f.replacesWell.run() > 0);
      assertEquals(await f.isPushReplaced.run(), true);
      assertEquals(await f.sums.run([1, 2, 3]), 6);
    }));

  Deno.test(`a module that replaces a builtin when it is imported fails its jobs by name (${isolation})`, () =>
    inPool(options, async () => {
      const error = await failureOf(never.run());
      assertInstanceOf(error, hi.ModuleLoadError);
      assertStringIncludes(error.message, "Map.prototype.get");
      assertEquals(await f.sums.run([1, 2, 3]), 6);
    }));
}

Deno.test("an item of hi.map that replaces a builtin ends the iteration by name", () =>
  inPool({ numWorkers: 2 }, async () => {
    const seen: number[] = [];
    const error = await failureOf((async () => {
      const items = Array.from({ length: 2_000 }, (_, i) => i);
      for await (const x of hi.map(f.negatesOrReplaces, items)) seen.push(x);
    })());
    assertInstanceOf(error, hi.ReplacedBuiltinError);
    assertStringIncludes(error.message, "Array.prototype.push");
    assert(seen.length <= 333);
    assertEquals(await f.sums.run([1, 2, 3]), 6);
  }));

for (
  const name of [
    "DataView.prototype.setFloat64",
    "Uint8Array.prototype.set",
    "Number.isSafeInteger",
    "Array.prototype[0]",
  ]
) {
  Deno.test(`no item of hi.map has a wrong result where one of them replaces ${name}`, () =>
    inPool({ numWorkers: 1 }, async () => {
      let wrong = 0;
      let seen = 0;
      const error = await failureOf((async () => {
        const items = Array.from({ length: 2_000 }, (_, i) => `${i} ${name}`);
        for await (const x of hi.map(f.halvesOrReplaces, items)) {
          if (x !== seen++ / 2) wrong++;
        }
      })());
      assertInstanceOf(error, hi.ReplacedBuiltinError);
      assertStringIncludes(error.message, name);
      assertEquals(wrong, 0);
      assert(seen <= 333);
    }));
}
