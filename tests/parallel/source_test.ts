import {
  assertEquals,
  assertInstanceOf,
  assertStringIncludes,
} from "@std/assert";
import * as hi from "../../mod.ts";
import { encodeValue } from "../../lib/value/encode.ts";
import * as f from "./fixtures/functions.ts";
import { inPool } from "./pool.ts";
import { makeTask, valueOf } from "./tasks.ts";

function sourceTask(
  source: string,
  args: unknown[],
  given: { imports?: Record<string, string>; values?: object } = {},
) {
  const { imports = {}, values = {} } = given;
  return makeTask(f.same, args as [unknown], {
    name: "cell",
    code: {
      kind: "source",
      source,
      imports,
      values: encodeValue(values, { root: "values" }),
    },
  });
}

const SOURCES: Record<string, string> = {
  "an arrow function": "(a, b) => a * b",
  "an async arrow function": "async (a, b) => await a * b",
  "a function": "function (a, b) { return a * b; }",
  "a named function": "function times(a, b) { return a * b; }",
  "a method": "times(a, b) { return a * b; }",
  "an async method": "async times(a, b) { return await a * b; }",
  "an arrow function with a comment at its end": "(a, b) => a * b // product",
};

for (const [what, source] of Object.entries(SOURCES)) {
  Deno.test(`the source of ${what} runs in a worker`, () =>
    inPool({ numWorkers: 1 }, async (jobHandler) => {
      const outcome = await jobHandler.run(sourceTask(source, [6, 7]));
      assertEquals(valueOf(outcome), 42);
    }));
}

Deno.test("a source gets its imports, its values and hi", () =>
  inPool({ numWorkers: 1 }, async (jobHandler) => {
    const module = (text: string) => `data:text/javascript,${text}`;
    const task = sourceTask(
      "(x) => [named(x), other(x), whole.part(x), k, list[1], hi.current().name]",
      [5],
      {
        imports: {
          named: module("export const named = (x) => x + 1"),
          other: module("export default (x) => x + 2"),
          whole: module("export const part = (x) => x + 3"),
        },
        values: { k: 3, list: [1, 2] },
      },
    );
    assertEquals(valueOf(await jobHandler.run(task)), [6, 7, 8, 3, 2, "cell"]);
  }));

Deno.test("the same source with other values is another function", () =>
  inPool({ numWorkers: 1 }, async (jobHandler) => {
    for (const k of [1, 2, 1]) {
      const task = sourceTask("() => k", [], { values: { k } });
      assertEquals(valueOf(await jobHandler.run(task)), k);
    }
  }));

Deno.test("a source whose import is missing is an error that names it", () =>
  inPool({ numWorkers: 1 }, async (jobHandler) => {
    const nowhere = sourceTask("() => gone()", [], {
      imports: { gone: "file:///there/is/nothing.ts" },
    });
    const failure = valueOf(await jobHandler.run(nowhere)) as Error;
    assertInstanceOf(failure, hi.ModuleLoadError);
    assertStringIncludes(failure.message, "file:///there/is/nothing.ts");
  }));

Deno.test("a source that is not a function is an error", () =>
  inPool({ numWorkers: 1 }, async (jobHandler) => {
    const outcome = await jobHandler.run(sourceTask("[native code]", []));
    assertInstanceOf(valueOf(outcome), hi.ModuleLoadError);
  }));
