import { assert, assertEquals } from "@std/assert";
import { contributionOf, digestOf } from "../../lib/value/contribution.ts";
import { keyParts } from "../../lib/value/parts.ts";

function paths(...args: unknown[]): string[] {
  return keyParts(args).map((part) => part.path);
}

Deno.test("each argument is a part, and short text is shown", () => {
  const parts = keyParts([5, "abc", "x".repeat(30)]);
  assertEquals(parts.map(({ path, text }) => [path, text]), [
    ["args[0]", "5"],
    ["args[1]", '"abc"'],
    ["args[2]", undefined],
  ]);
  const digest = digestOf(contributionOf(5)).toHex().slice(0, 16);
  assertEquals(parts[0]!.digest, digest);
});

Deno.test("plain objects and short arrays are taken apart, two levels deep", () => {
  assertEquals(paths({ a: 1, b: { c: 2, d: { e: 3 } } }, [1, [2]]), [
    "args[0].a",
    "args[0].b.c",
    "args[0].b.d",
    "args[1][0]",
    "args[1][1][0]",
  ]);
});

Deno.test("there are at most sixteen parts", () => {
  const wide = Object.fromEntries(
    Array.from({ length: 17 }, (_, i) => [`k${i}`, i]),
  );
  assertEquals(paths(wide), ["args[0]"]);
  assertEquals(paths({ wide, a: 1 }), ["args[0].wide", "args[0].a"]);
  assertEquals(paths(...Array(20).keys()).length, 16);
  const square = Array.from({ length: 4 }, () => [1, 2, 3, 4]);
  assertEquals(paths(square).length, 16);
  assert(paths(square, 1).length <= 16);
});

Deno.test("only the part that differs has another digest", () => {
  const one = keyParts([{ width: 1, depth: 2 }, [1, 2]]);
  const two = keyParts([{ width: 1, depth: 3 }, [1, 2]]);
  const differing = one.filter((part, i) => part.digest !== two[i]!.digest);
  assertEquals(differing.map((part) => part.path), ["args[0].depth"]);
});

Deno.test("an array with holes or keys of its own stays whole", () => {
  assertEquals(paths([1, , 2], Object.assign([1], { a: 1 })), [
    "args[0]",
    "args[1]",
  ]);
});

Deno.test("a job is a part that contributes what its result contributes", () => {
  class FakeJob {}
  const options = {
    job: (node: object) =>
      node instanceof FakeJob ? contributionOf("result") : undefined,
  };
  assertEquals(keyParts([{ a: new FakeJob() }], options), [{
    path: "args[0].a",
    digest: digestOf(contributionOf("result")).toHex().slice(0, 16),
  }]);
});

Deno.test("a Proxy has the parts that the key saw", () => {
  const proxy = new Proxy({ a: 1 }, {
    get: () => {
      throw new Error("not that way");
    },
  });
  assertEquals(keyParts([proxy]), keyParts([{ a: 1 }]));
});
