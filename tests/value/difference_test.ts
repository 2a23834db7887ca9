import { assertEquals } from "@std/assert";
import * as fc from "npm:fast-check@^4";
import { firstDifference } from "../../lib/value/difference.ts";
import { value } from "./arbitrary.ts";
import { meansTheSame } from "./same.ts";

const cases: readonly [string, unknown, unknown, string, string, string][] = [
  ["a number", 1, 2, "v", "1", "2"],
  ["a sign", 0, -0, "v", "0", "-0"],
  [
    "a property",
    { a: 1, b: { c: [1, 2] } },
    { b: { c: [1, 3] }, a: 1 },
    "v.b.c[1]",
    "2",
    "3",
  ],
  ["a length", { a: [1] }, { a: [1, 2] }, "v.a", "[1]", "[1, 2]"],
  ["a key", { a: 1 }, { b: 1 }, "v", "{ a: 1 }", "{ b: 1 }"],
  [
    "a Map's value",
    new Map([["k", [1]]]),
    new Map([["k", [2]]]),
    'v.get("k")[0]',
    "1",
    "2",
  ],
  [
    "an element",
    new Float64Array([1, 2, 3]),
    new Float64Array([1, 2, 4]),
    "v[2]",
    "3",
    "4",
  ],
  ["a kind", { a: 1 }, { a: 1n }, "v.a", "1", "1n"],
  [
    "nothing and undefined",
    {},
    { a: undefined },
    "v",
    "{}",
    "{ a: undefined }",
  ],
];

for (const [what, left, right, path, one, other] of cases) {
  Deno.test(`the first difference is found in ${what}`, () => {
    assertEquals(firstDifference(left, right, "v"), {
      path,
      left: one,
      right: other,
    });
  });
}

Deno.test("two values differ somewhere unless they mean the same", () => {
  fc.assert(
    fc.property(value, value, (a, b) => {
      assertEquals(
        firstDifference(a, b, "v") === undefined,
        meansTheSame(a, b),
      );
      assertEquals(firstDifference([1, a], [1, a], "v"), undefined);
    }),
  );
});
