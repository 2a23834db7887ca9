import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import * as fc from "npm:fast-check@^4";
import { decodeValue } from "../../lib/value/decode.ts";
import { encodeValue } from "../../lib/value/encode.ts";
import { value } from "./arbitrary.ts";
import { difference } from "./same.ts";

function roundTrip<T>(original: T): T {
  return decodeValue(encodeValue(original)) as T;
}

Deno.test("a value comes back with everything that a program can see", () => {
  fc.assert(
    fc.property(value, (original) => {
      assertEquals(difference(original, roundTrip(original)), undefined);
    }),
    { numRuns: 2_000 },
  );
});

Deno.test("what was decoded encodes to the same bytes", () => {
  fc.assert(fc.property(value, (original) => {
    const { bytes } = encodeValue(original);
    assertEquals(encodeValue(decodeValue({ bytes, leaves: [] })).bytes, bytes);
  }));
});

Deno.test("the comparison sees what may be lost", () => {
  const shared = {};
  const pairs: [unknown, unknown][] = [
    [0, -0],
    [[,], [undefined]],
    [{ a: 1, b: 2 }, { b: 2, a: 1 }],
    [{ a: undefined }, {}],
    [{}, Object.create(null)],
    [[shared, shared], [{}, {}]],
    [[{}, {}], [shared, shared]],
    [new Map([[1, 2], [3, 4]]), new Map([[3, 4], [1, 2]])],
    [new Error("a"), new RangeError("a")],
    [new Error("a"), new Error("b")],
    [new Error("a", { cause: undefined }), new Error("a")],
    [new Error(), new Error("")],
    [new Uint8Array(2), new Int8Array(2)],
    [Object.assign([1], { a: 1 }), [1]],
    [Object.assign(/a/g, { lastIndex: 1 }), /a/g],
    [new Date(1), new Date(2)],
    [1, 1n],
  ];
  for (const [a, b] of pairs) {
    assert(difference(a, b) !== undefined, Deno.inspect([a, b]));
  }
});

Deno.test("an object that stands in several places is one object again", () => {
  const shared = { x: 1 };
  const [a, b, map] = roundTrip(
    [shared, { shared }, new Map([[shared, shared]])] as const,
  );
  assertStrictEquals(b.shared, a);
  assertStrictEquals(map.get(a), a);
});

Deno.test("strings that UTF-8 does not have come back", () => {
  const texts = [
    "\ud800",
    "a\udc00b",
    "\udc00\ud800",
    "x".repeat(20_000) + "\ud800",
  ];
  assertEquals(roundTrip(texts), texts);
});

Deno.test("a string that begins with a byte order mark keeps it", () => {
  assertEquals(roundTrip("\ufeffa"), "\ufeffa");
  const long = "\ufeff" + "a".repeat(100);
  assertEquals(roundTrip(long), long);
});

Deno.test("text of any length in bytes and in code units comes back", () => {
  for (const unit of ["a", "é", "€", "😀"]) {
    for (
      const count of [8, 23, 24, 85, 96, 97, 255, 256, 21_845, 65_536, 400_000]
    ) {
      const text = unit.repeat(count);
      assertEquals(roundTrip(text) === text, true, `${count} × ${unit}`);
    }
  }
});

Deno.test("a key named __proto__ is a key", () => {
  const original = JSON.parse('{"__proto__": {"polluted": true}, "a": 1}');
  const copy = roundTrip(original);
  assertStrictEquals(Object.getPrototypeOf(copy), Object.prototype);
  assertEquals(Object.keys(copy), ["__proto__", "a"]);
  assertEquals((copy as { polluted?: boolean }).polluted, undefined);
});

Deno.test("a sparse array costs what it holds", () => {
  const sparse: number[] = [];
  sparse[4_000_000_000] = 1;
  const { bytes } = encodeValue(sparse);
  assert(bytes.length < 20);
  const copy = decodeValue({ bytes, leaves: [] }) as number[];
  assertEquals(copy.length, 4_000_000_001);
  assertEquals(Object.keys(copy), ["4000000000"]);
});

Deno.test("an array with holes in a shape of any length comes back", () => {
  for (const length of [1, 50, 95, 96, 97, 5_000]) {
    const array: unknown[] = new Array(length).fill(1);
    delete array[length >> 1];
    assertEquals(difference(array, roundTrip(array)), undefined);
    const keyed = Object.assign(new Array(length).fill(2), { note: "kept" });
    assertEquals(difference(keyed, roundTrip(keyed)), undefined);
  }
});

Deno.test("a view is its elements, wherever they stand in its buffer", () => {
  const view = new Float32Array(new ArrayBuffer(40), 8, 3);
  view.set([1, 2, 3]);
  const copy = roundTrip(view);
  assertEquals([...copy], [1, 2, 3]);
  assertEquals([copy.byteOffset, copy.buffer.byteLength], [0, 12]);
});

Deno.test("a thousand levels come back, in every container", () => {
  const wrappers: ((inner: unknown) => unknown)[] = [
    (inner) => [inner],
    (inner) => ({ inner }),
    (inner) => new Map([[1, inner]]),
    (inner) => new Map([[inner, 1]]),
    (inner) => new Set([inner]),
    (inner) => new Error("outer", { cause: inner }),
    (inner) => Object.assign([1, , 3], { inner }),
  ];
  for (const wrap of wrappers) {
    let nested = wrap(0);
    for (let level = 1; level < 1_000; level++) nested = wrap(nested);
    const again = encodeValue(roundTrip(nested));
    assertEquals(again.bytes, encodeValue(nested).bytes);
  }
});

Deno.test("wide values come back", () => {
  const numbers = Array.from({ length: 1_000_000 }, (_, i) => i * 0.5);
  assertEquals(difference(numbers, roundTrip(numbers)), undefined);
  const map = new Map(Array.from({ length: 1_000_000 }, (_, i) => [i, `${i}`]));
  const copy = roundTrip(map);
  assertEquals(copy.size, map.size);
  assertEquals(copy.get(999_999), "999999");
  const record = Object.fromEntries(
    Array.from({ length: 100_000 }, (_, i) => [`k${i}`, i]),
  );
  assertEquals(difference(record, roundTrip(record)), undefined);
});

Deno.test("a string of 100 MB comes back", () => {
  const text = "0123456789".repeat(10_000_000);
  assert(roundTrip(text) === text);
});
