import { assert, assertEquals } from "@std/assert";
import * as fc from "npm:fast-check@^4";
import { previewOf } from "../../lib/value/preview.ts";
import {
  shownDifferences,
  shownParts,
} from "../../lib/value/preview_difference.ts";
import { value } from "./arbitrary.ts";

function texts(preview: string): Record<string, string> {
  const parts = shownParts(preview, "v");
  return Object.fromEntries(
    Array.from(parts, ([path, { text }]) => [path, text]),
  );
}

Deno.test("a preview is taken apart into what it shows", () => {
  assertEquals(texts(""), {});
  assertEquals(texts('1, "a, b]", [], {}'), {
    "v[0]": "1",
    "v[1]": '"a, b]"',
    "v[2]": "[]",
    "v[3]": "{}",
  });
  assertEquals(texts('{ a: [1, , file("x")], "odd key": Map(2) }, load'), {
    "v[0]": '{ a: [1, , file("x")], "odd key": Map(2) }',
    "v[0].a": '[1, , file("x")]',
    "v[0].a[0]": "1",
    "v[0].a[2]": 'file("x")',
    'v[0]["odd key"]': "Map(2)",
    "v[1]": "load",
  });
});

Deno.test("what is cut, or cannot be taken apart, ends it", () => {
  assertEquals(texts("[1, 2…"), {
    "v[0]": "[1, 2…",
    "v[0][0]": "1",
    "v[0][1]": "2…",
  });
  assertEquals(texts('1, "a \\"quoted\\" and…'), {
    "v[0]": "1",
    "v[1]": '"a \\"quoted\\" and…',
  });
  assertEquals(texts("[1, […"), {
    "v[0]": "[1, […",
    "v[0][0]": "1",
    "v[0][1]": "[…",
  });
  // A pattern may hold whatever separates parts.
  assertEquals(texts("1, /a, b]/g, 2"), { "v[0]": "1" });
  assertEquals(texts("{ a: 1, /x/: 2 }, 3"), {
    "v[0]": "{ a: 1, /x/: 2 }, 3",
    "v[0].a": "1",
  });
  assertEquals(texts("[".repeat(100_000)), {});
});

Deno.test("what one value is shown by, cut here and there, is no difference", () => {
  const length = fc.integer({ min: 3, max: 120 });
  fc.assert(fc.property(value, length, length, (value, one, other) => {
    const left = shownParts(previewOf([value], one), "v").get("v[0]");
    const right = shownParts(previewOf([value], other), "v").get("v[0]");
    if (left === undefined || right === undefined) return;
    for (const found of shownDifferences(left, right, "v")) {
      const [a, b] = [found.left, found.right]
        .map((text) => text!.replace(/…$/, ""));
      assert(a!.startsWith(b!) || b!.startsWith(a!), `${a} and ${b}`);
    }
  }));
});
