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
  "TextEncoder.prototype": TextEncoder.prototype,
  "TextDecoder.prototype": TextDecoder.prototype,
  String,
  JSON,
  Atomics,
  Math,
  Promise,
};

Deno.test("whatever can be put back is noticed, named and put back, and nothing else is touched", () => {
  let found = "";
  let count = 0;
  for (const where in HOLDERS) {
    const holder = HOLDERS[where]!;
    for (const key of Reflect.ownKeys(holder)) {
      const original = Reflect.getOwnPropertyDescriptor(holder, key)!;
      if (typeof original.value !== "function" || !original.writable) continue;
      if (key === "constructor") continue;
      Reflect.defineProperty(holder, key, {
        ...original,
        value: () => undefined,
      });
      const intact = areIntact();
      const named = repair();
      const now = Reflect.getOwnPropertyDescriptor(holder, key)!.value;
      Reflect.defineProperty(holder, key, original);
      if (intact !== (named === undefined)) found += `${where}.${String(key)} `;
      if (named === undefined) continue;
      count++;
      if (now !== original.value) found += `${named} is not back `;
    }
  }
  assertEquals(found, "");
  assertEquals(count > 35, true);
  assertEquals(areIntact(), true);
});
