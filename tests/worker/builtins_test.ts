import { assertEquals } from "@std/assert";
import { repair } from "../../lib/worker/builtins.ts";
import { areIntact } from "../../lib/worker/intact.ts";

const HOLDERS: Record<string, object> = {
  "Array.prototype": Array.prototype,
  "ArrayIterator.prototype": Object.getPrototypeOf([][Symbol.iterator]()),
  "MapIterator.prototype": Object.getPrototypeOf(new Map().values()),
  "Map.prototype": Map.prototype,
  "Set.prototype": Set.prototype,
  "WeakMap.prototype": WeakMap.prototype,
  "String.prototype": String.prototype,
  "TypedArray.prototype": Object.getPrototypeOf(Uint8Array.prototype),
  "SetIterator.prototype": Object.getPrototypeOf(new Set().values()),
  "WeakRef.prototype": WeakRef.prototype,
  "RegExp.prototype": RegExp.prototype,
  "Number.prototype": Number.prototype,
  "BigInt.prototype": BigInt.prototype,
  "Date.prototype": Date.prototype,
  "Object.prototype": Object.prototype,
  "Function.prototype": Function.prototype,
  "Uint8Array.prototype": Uint8Array.prototype,
  "ArrayBuffer.prototype": ArrayBuffer.prototype,
  "DataView.prototype": DataView.prototype,
  "TextEncoder.prototype": TextEncoder.prototype,
  "TextDecoder.prototype": TextDecoder.prototype,
  String,
  JSON,
  Atomics,
  Math,
  Promise,
  Array,
  Number,
  BigInt,
  Object,
  Reflect,
  Error,
  Date,
  Uint8Array,
  ArrayBuffer,
  globalThis,
};

const { defineProperty, deleteProperty, getOwnPropertyDescriptor, ownKeys } =
  Reflect;

Deno.test("whatever can be put back is noticed, named and put back, and nothing else is touched", () => {
  let found = "";
  let count = 0;
  for (const where in HOLDERS) {
    const holder = HOLDERS[where]!;
    for (const key of ownKeys(holder)) {
      const original = getOwnPropertyDescriptor(holder, key)!;
      if (typeof original.value !== "function" || !original.writable) continue;
      // What any other function in its place does shows only later.
      if (key === "constructor" || key === "queueMicrotask") continue;
      defineProperty(holder, key, {
        ...original,
        value: () => undefined,
      });
      const intact = areIntact();
      const named = repair();
      const now = getOwnPropertyDescriptor(holder, key)!.value;
      defineProperty(holder, key, original);
      if (intact !== (named === undefined)) found += `${where}.${String(key)} `;
      if (named === undefined) continue;
      count++;
      if (now !== original.value) found += `${named} is not back `;
    }
  }
  assertEquals(found, "");
  assertEquals(count > 150, true);
  assertEquals(areIntact(), true);
});

/** What nobody has put there, and what tells how large something is. */
const OTHERS: [string, object, PropertyKey][] = [
  ["Array.prototype[0]", Array.prototype, 0],
  ["Array.prototype[70000]", Array.prototype, 70_000],
  ["Object.prototype[0]", Object.prototype, 0],
  ...["get", "set", "value", "then", "toJSON"].map((
    key,
  ): [string, object, PropertyKey] => [
    `Object.prototype.${key}`,
    Object.prototype,
    key,
  ]),
  ["Array.prototype.then", Array.prototype, "then"],
  ["Array.prototype.toJSON", Array.prototype, "toJSON"],
  ["Map.prototype.size", Map.prototype, "size"],
  ["Set.prototype.size", Set.prototype, "size"],
  ["ArrayBuffer.prototype.byteLength", ArrayBuffer.prototype, "byteLength"],
];
for (const type of [Uint8Array, Int32Array, Float32Array, Float64Array]) {
  for (const key of ["buffer", "byteOffset", "byteLength", "length"]) {
    OTHERS.push([`${type.name}.prototype.${key}`, type.prototype, key]);
  }
}
for (const key of ["set", "subarray", "slice", "fill", "copyWithin"]) {
  OTHERS.push([`Uint8Array.prototype.${key}`, Uint8Array.prototype, key]);
}
for (const key of ["buffer", "byteOffset", "byteLength"]) {
  OTHERS.push([`DataView.prototype.${key}`, DataView.prototype, key]);
}

for (const kind of ["value", "getter"]) {
  Deno.test(`a ${kind} that stands before what is inherited, or in the place of a getter, is noticed, named and taken away`, () => {
    const wrong = () => () => undefined;
    for (const [name, holder, key] of OTHERS) {
      const original = getOwnPropertyDescriptor(holder, key);
      const other = kind === "value" ? { value: wrong() } : { get: wrong };
      defineProperty(holder, key, { ...other, configurable: true });
      const intact = areIntact();
      const named = repair();
      const now = getOwnPropertyDescriptor(holder, key);
      deleteProperty(holder, key);
      if (original !== undefined) defineProperty(holder, key, original);
      assertEquals([name, intact], [name, false]);
      assertEquals(named, name);
      assertEquals(now?.get, original?.get);
      assertEquals(now === undefined, original === undefined);
      assertEquals(areIntact(), true);
    }
  });
}

Deno.test("what stands before a shared method and does the same stays", () => {
  const { prototype } = Uint8Array;
  const { subarray } = prototype;
  const own = function (this: Uint8Array, start?: number, end?: number) {
    return subarray.call(this, start, end);
  };
  defineProperty(prototype, "subarray", { value: own, configurable: true });
  try {
    assertEquals(areIntact(), false);
    assertEquals(repair(), undefined);
    assertEquals(prototype.subarray === own, true);
  } finally {
    deleteProperty(prototype, "subarray");
  }
  assertEquals(areIntact(), true);
});
