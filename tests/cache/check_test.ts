import { assert, assertEquals, assertNotEquals } from "@std/assert";
import * as fc from "npm:fast-check@^4";
import { Checker } from "../../lib/cache/check.ts";

function checkOf(...parts: (Uint8Array | number)[]): readonly number[] {
  const checker = new Checker().start();
  for (const part of parts) {
    if (typeof part === "number") checker.number(part);
    else checker.bytes(part);
  }
  return checker.finish();
}

Deno.test("A check sees every flipped bit", () => {
  fc.assert(fc.property(
    fc.uint8Array({ minLength: 1, maxLength: 300 }),
    fc.nat(),
    (bytes, where) => {
      const before = checkOf(bytes);
      bytes[where % bytes.length]! ^= 1 << where % 8;
      assertNotEquals(checkOf(bytes), before);
    },
  ));
});

Deno.test("A check sees where one part ends and the next begins", () => {
  fc.assert(fc.property(
    fc.uint8Array({ minLength: 1, maxLength: 60 }),
    fc.nat(),
    fc.nat(),
    (bytes, i, j) => {
      const [a, b] = [i % (bytes.length + 1), j % (bytes.length + 1)];
      const cut = (at: number) => checkOf(bytes.slice(0, at), bytes.slice(at));
      assertEquals(a === b, cut(a).join() === cut(b).join());
    },
  ));
});

Deno.test("A check does not depend on what was checked before", () => {
  const checker = new Checker();
  const bytes = new Uint8Array(100).fill(7);
  const first = checker.start().bytes(bytes).number(1).finish();
  checker.start().bytes(new Uint8Array(100_000).fill(9)).finish();
  assertEquals(checker.start().bytes(bytes).number(1).finish(), first);
});

Deno.test("The bits of a check look random", () => {
  const seen = new Set<string>();
  let ones = 0;
  const count = 20_000;
  for (let i = 0; i < count; i++) {
    const [high = 0, low = 0] = checkOf(i);
    seen.add(`${high} ${low}`);
    for (let bits = low; bits !== 0; bits &= bits - 1) ones++;
  }
  assertEquals(seen.size, count);
  assert(Math.abs(ones / count - 16) < 0.2, `${ones / count} bits of 32`);
});
