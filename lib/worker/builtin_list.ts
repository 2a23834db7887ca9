/**
 * What the code of a worker needs of the language, and how to tell whether what stands
 * in its place does the same.
 *
 * @module
 */

import {
  array,
  arrayIterator,
  bytes,
  callable,
  cells,
  dataView,
  map,
  mapIterator,
  MEANINGFUL,
  memory,
  object,
  set,
  setIterator,
  string,
  textDecoder,
  textEncoder,
  typed,
  typedArrays,
  weakMap,
} from "./intact.ts";

const { getOwnPropertyDescriptor, setPrototypeOf } = Reflect;
const { iterator } = Symbol;

/** One of them. */
export interface Builtin {
  readonly name: string;
  readonly holder: object;
  readonly key: PropertyKey;
  /** None if there was nothing. */
  readonly original: PropertyDescriptor | undefined;
  /** Whether what is in its place now does the same. */
  readonly works: () => boolean;
}

const list: Builtin[] = [];

/** All of them, in the order in which they are put back. */
export const builtins: readonly Builtin[] = list;

function keep(
  where: string,
  holder: object,
  key: PropertyKey,
  works: () => boolean,
): void {
  const name = typeof key === "symbol"
    ? `${where}[Symbol.iterator]`
    : `${where}.${key as string}`;
  const original = getOwnPropertyDescriptor(holder, key);
  // It must inherit nothing that somebody gives to all objects.
  if (original !== undefined) setPrototypeOf(original, null);
  list.push({ name, holder, key, original, works });
}

// What every object inherits comes first: the tests of all others suffer from it.
for (const key of MEANINGFUL) {
  keep("Object.prototype", object, key, () => !(key in {}));
}
for (const key of ["then", "toJSON"]) {
  keep("Array.prototype", array, key, () => !(key in []));
}

keep(
  "globalThis",
  globalThis,
  "Object",
  () => Object.prototype === object && Object(7) == 7,
);
keep(
  "globalThis",
  globalThis,
  "Array",
  () => new Array(7).length === 7 && Array.prototype === array,
);
keep("globalThis", globalThis, "Map", () => new Map([[1, 7]]).get(1) === 7);
keep(
  "globalThis",
  globalThis,
  "Set",
  () => new Set([7]).has(7) === true && new Set().size === 0,
);
keep("globalThis", globalThis, "WeakMap", () => {
  const key = {};
  return new WeakMap([[key, 7]]).get(key) === 7;
});
keep("globalThis", globalThis, "WeakSet", () => {
  const key = {};
  return new WeakSet([key]).has(key) === true;
});
keep("globalThis", globalThis, "WeakRef", () => {
  const key = {};
  return new WeakRef(key).deref() === key;
});
keep(
  "globalThis",
  globalThis,
  "Promise",
  () =>
    new Promise(() => {}) instanceof Promise &&
    (async () => {})() instanceof Promise,
);
keep(
  "globalThis",
  globalThis,
  "String",
  () => String(7) === "7" && String.prototype === string,
);
keep("globalThis", globalThis, "Number", () => Number("7") === 7);
keep("globalThis", globalThis, "BigInt", () => BigInt(7) === 7n);
keep("globalThis", globalThis, "Symbol", () => Symbol.iterator === iterator);
keep(
  "globalThis",
  globalThis,
  "Error",
  () => Error.isError(new Error("7")) && new Error("7").message === "7",
);
keep(
  "globalThis",
  globalThis,
  "TypeError",
  () =>
    new TypeError("7").message === "7" && new TypeError("7") instanceof Error,
);
keep(
  "globalThis",
  globalThis,
  "RangeError",
  () =>
    new RangeError("7").message === "7" && new RangeError("7") instanceof Error,
);
keep(
  "globalThis",
  globalThis,
  "ArrayBuffer",
  () =>
    new ArrayBuffer(7).byteLength === 7 &&
    new Uint8Array(1).buffer instanceof ArrayBuffer,
);
keep(
  "globalThis",
  globalThis,
  "SharedArrayBuffer",
  () =>
    cells.buffer instanceof SharedArrayBuffer &&
    new SharedArrayBuffer(7).byteLength === 7,
);
keep(
  "globalThis",
  globalThis,
  "DataView",
  () => new DataView(memory).buffer === memory,
);
keep(
  "globalThis",
  globalThis,
  "Uint8Array",
  () =>
    new Uint8Array(memory, 8, 1).buffer === memory &&
    new Uint8Array([7])[0] === 7,
);
keep(
  "globalThis",
  globalThis,
  "Uint16Array",
  () =>
    new Uint16Array(memory, 8, 1).buffer === memory &&
    new Uint16Array([7])[0] === 7,
);
keep(
  "globalThis",
  globalThis,
  "Uint32Array",
  () =>
    new Uint32Array(memory, 8, 1).buffer === memory &&
    new Uint32Array([7])[0] === 7,
);
keep(
  "globalThis",
  globalThis,
  "Int32Array",
  () =>
    new Int32Array(memory, 8, 1).buffer === memory &&
    new Int32Array([7])[0] === 7,
);
keep(
  "globalThis",
  globalThis,
  "Float64Array",
  () =>
    new Float64Array(memory, 8, 1).buffer === memory &&
    new Float64Array([7])[0] === 7,
);
keep("globalThis", globalThis, "Date", () => new Date(7).getTime() === 7);
keep(
  "globalThis",
  globalThis,
  "RegExp",
  () => new RegExp("b").test("ab") === true,
);
keep(
  "globalThis",
  globalThis,
  "URL",
  () => new URL("about:blank").href === "about:blank",
);
keep(
  "globalThis",
  globalThis,
  "JSON",
  () => JSON.stringify([7]) === "[7]" && JSON.parse("[7]")[0] === 7,
);
keep(
  "globalThis",
  globalThis,
  "Math",
  () => Math.floor(7.5) === 7 && Math.max(6, 7) === 7 && Math.min(7, 8) === 7,
);
keep(
  "globalThis",
  globalThis,
  "Atomics",
  () => loads(7) && loads(8),
);
keep(
  "globalThis",
  globalThis,
  "Reflect",
  () => Reflect.ownKeys({ a: 7 })[0] === "a",
);
keep(
  "globalThis",
  globalThis,
  "performance",
  () => typeof performance.now() === "number",
);
keep("Array.prototype", array, "push", () => {
  const list: number[] = [];
  return list.push(7) === 1 && list.length === 1 && list[0] === 7;
});
keep("Array.prototype", array, "pop", () => {
  const list = [6, 7];
  return list.pop() === 7 && list.length === 1;
});
keep("Array.prototype", array, "shift", () => {
  const list = [6, 7];
  return list.shift() === 6 && list.length === 1;
});
keep("Array.prototype", array, "slice", () => [6, 7].slice(1)[0] === 7);
keep("Array.prototype", array, "map", () => [6].map((x) => x + 1)[0] === 7);
keep("Array.prototype", array, "at", () => [6, 7].at(-1) === 7);
keep("Array.prototype", array, "indexOf", () => [6, 7].indexOf(7) === 1);
keep("Array.prototype", array, Symbol.iterator, () => [...[7]][0] === 7);
keep("ArrayIterator.prototype", arrayIterator, "next", () => {
  const [first, second] = [6, 7];
  return first === 6 && second === 7;
});
keep("MapIterator.prototype", mapIterator, "next", () => {
  for (const value of new Map([[1, 7]]).values()) return value === 7;
  return false;
});
keep("Map.prototype", map, "get", () => new Map([[1, 7]]).get(1) === 7);
keep("Map.prototype", map, "set", () => {
  const some = new Map<number, number>();
  return some.set(1, 7) === some && some.size === 1;
});
keep("Map.prototype", map, "has", () => {
  const some = new Map([[1, 7]]);
  return some.has(1) === true && some.has(2) === false;
});
keep("Map.prototype", map, "delete", () => {
  const some = new Map([[1, 7]]);
  return some.delete(1) === true && some.size === 0;
});
keep(
  "Map.prototype",
  map,
  "values",
  () => [...new Map([[1, 7]]).values()][0] === 7,
);
keep("Set.prototype", set, "add", () => {
  const some = new Set<number>();
  return some.add(7) === some && some.size === 1;
});
keep("Set.prototype", set, "has", () => {
  const some = new Set([7]);
  return some.has(7) === true && some.has(8) === false;
});
keep("Set.prototype", set, "delete", () => {
  const some = new Set([7]);
  return some.delete(7) === true && some.size === 0;
});
keep("WeakMap.prototype", weakMap, "get", () => {
  const key = {};
  return new WeakMap([[key, 7]]).get(key) === 7;
});
keep("WeakMap.prototype", weakMap, "set", () => {
  const key = {};
  const some = new WeakMap<object, number>();
  return some.set(key, 7) === some && some.has(key);
});
keep("String.prototype", string, "charCodeAt", () => "ab".charCodeAt(1) === 98);
keep(
  "String",
  String,
  "fromCharCode",
  () => String.fromCharCode(97, 98) === "ab",
);
keep("JSON", JSON, "parse", () => JSON.parse("[7]")[0] === 7);
keep("JSON", JSON, "stringify", () => JSON.stringify([7]) === "[7]");
keep("Atomics", Atomics, "load", () => loads(7) && loads(8));
keep(
  "Atomics",
  Atomics,
  "store",
  () => Atomics.store(cells, 0, 7) === 7 && cells[0] === 7,
);
keep("Atomics", Atomics, "notify", () => Atomics.notify(cells, 0) === 0);
keep("Atomics", Atomics, "compareExchange", () => {
  cells[0] = 6;
  return Atomics.compareExchange(cells, 0, 6, 7) === 6 && cells[0] === 7;
});
keep("Atomics", Atomics, "waitAsync", () => {
  cells[0] = 7;
  const { async, value } = Atomics.waitAsync(cells, 0, 6);
  return async === false && value === "not-equal";
});
keep("TypedArray.prototype", typed, "set", () => {
  const bytes = new Uint8Array(2);
  bytes.set([7], 1);
  return bytes[1] === 7;
});
keep("TypedArray.prototype", typed, "subarray", () => {
  const bytes = new Uint8Array(3);
  const part = bytes.subarray(1, 2);
  return part.buffer === bytes.buffer && part.byteOffset === 1 &&
    part.length === 1;
});
keep("TypedArray.prototype", typed, "slice", () => {
  const bytes = new Uint8Array([6, 7]);
  const part = bytes.slice(1);
  return part.buffer !== bytes.buffer && part.length === 1 && part[0] === 7;
});
keep("Math", Math, "floor", () => Math.floor(7.5) === 7);
keep("Math", Math, "min", () => Math.min(7, 8) === 7);
keep("Math", Math, "max", () => Math.max(6, 7) === 7);
keep("Promise", Promise, "resolve", () => {
  const promise = new Promise(() => {});
  return Promise.resolve(promise) === promise &&
    Promise.resolve(7) instanceof Promise;
});
keep("Promise", Promise, "withResolvers", () => {
  const { promise, resolve, reject } = Promise.withResolvers();
  return promise instanceof Promise && typeof resolve === "function" &&
    typeof reject === "function";
});
keep("TextEncoder.prototype", textEncoder, "encodeInto", () => {
  const bytes = new Uint8Array(1);
  return new TextEncoder().encodeInto("a", bytes).written === 1 &&
    bytes[0] === 97;
});
keep(
  "TextDecoder.prototype",
  textDecoder,
  "decode",
  () => new TextDecoder().decode(new Uint8Array([97])) === "a",
);
keep(
  "globalThis",
  globalThis,
  "queueMicrotask",
  () => typeof queueMicrotask === "function",
);
keep("Array.prototype", array, "join", () => [6, 7].join("-") === "6-7");
keep(
  "Array.prototype",
  array,
  "filter",
  () => [6, 7].filter((x) => x > 6)[0] === 7,
);
keep(
  "Array.prototype",
  array,
  "includes",
  () => [7].includes(7) === true && [7].includes(6) === false,
);
keep(
  "Array.prototype",
  array,
  "some",
  () => [6, 7].some((x) => x > 6) === true && [6].some((x) => x > 6) === false,
);
keep(
  "Array.prototype",
  array,
  "every",
  () =>
    [7].every((x) => x > 6) === true && [6, 7].every((x) => x > 6) === false,
);
keep("Array.prototype", array, "find", () => [6, 7].find((x) => x > 6) === 7);
keep("Array.prototype", array, "forEach", () => {
  let sum = 0;
  [3, 4].forEach((x) => sum += x);
  return sum === 7;
});
keep("Array.prototype", array, "splice", () => {
  const list = [6, 7, 8];
  return list.splice(1, 1)[0] === 7 && list[1] === 8 && list.length === 2;
});
keep("Array.prototype", array, "unshift", () => {
  const list = [7];
  return list.unshift(6) === 2 && list[0] === 6 && list[1] === 7;
});
keep("Array.prototype", array, "sort", () => {
  const list = [7, 6].sort();
  return list[0] === 6 && list[1] === 7;
});
keep("Array.prototype", array, "fill", () => {
  const list = [6, 6].fill(7);
  return list[0] === 7 && list[1] === 7;
});
keep(
  "Array.prototype",
  array,
  "lastIndexOf",
  () => [7, 7].lastIndexOf(7) === 1,
);
keep(
  "Array",
  Array,
  "isArray",
  () => Array.isArray([]) === true && Array.isArray({}) === false,
);
keep("Array", Array, "from", () => {
  const list = Array.from([6], (x) => x + 1);
  return list.length === 1 && list[0] === 7;
});
keep("Map.prototype", map, "clear", () => {
  const some = new Map([[1, 7]]);
  some.clear();
  return some.size === 0;
});
keep("Map.prototype", map, "forEach", () => {
  let sum = 0;
  new Map([[3, 4]]).forEach((value, key) => sum += value + key);
  return sum === 7;
});
keep(
  "Map.prototype",
  map,
  "keys",
  () => [...new Map([[7, 1]]).keys()][0] === 7,
);
keep(
  "Map.prototype",
  map,
  "entries",
  () => [...new Map([[1, 7]]).entries()][0]![1] === 7,
);
keep("Map.prototype", map, "size", () => new Map([[1, 7]]).size === 1);
keep(
  "Map.prototype",
  map,
  Symbol.iterator,
  () => [...new Map([[1, 7]])][0]![1] === 7,
);
keep("Set.prototype", set, "clear", () => {
  const some = new Set([7]);
  some.clear();
  return some.size === 0;
});
keep("Set.prototype", set, "forEach", () => {
  let sum = 0;
  new Set([3, 4]).forEach((value) => sum += value);
  return sum === 7;
});
keep("Set.prototype", set, "values", () => [...new Set([7]).values()][0] === 7);
keep("Set.prototype", set, "size", () => new Set([7]).size === 1);
keep("Set.prototype", set, Symbol.iterator, () => [...new Set([7])][0] === 7);
keep("SetIterator.prototype", setIterator, "next", () => {
  for (const value of new Set([7])) return value === 7;
  return false;
});
keep("WeakMap.prototype", weakMap, "has", () => {
  const key = {};
  return new WeakMap([[key, 7]]).has(key) === true &&
    new WeakMap().has(key) === false;
});
keep("WeakMap.prototype", weakMap, "delete", () => {
  const key = {};
  const some = new WeakMap([[key, 7]]);
  return some.delete(key) === true && !some.has(key);
});
keep("WeakRef.prototype", WeakRef.prototype, "deref", () => {
  const key = {};
  return new WeakRef(key).deref() === key;
});
keep("String.prototype", string, "slice", () => "abc".slice(1, 2) === "b");
keep(
  "String.prototype",
  string,
  "startsWith",
  () => "ab".startsWith("a") === true && "ab".startsWith("b") === false,
);
keep(
  "String.prototype",
  string,
  "endsWith",
  () => "ab".endsWith("b") === true && "ab".endsWith("a") === false,
);
keep(
  "String.prototype",
  string,
  "includes",
  () => "ab".includes("b") === true && "ab".includes("c") === false,
);
keep("String.prototype", string, "indexOf", () => "ab".indexOf("b") === 1);
keep("String.prototype", string, "split", () => {
  const parts = "a,b".split(",");
  return parts.length === 2 && parts[1] === "b";
});
keep(
  "String.prototype",
  string,
  "replace",
  () => "aba".replace("a", "c") === "cba",
);
keep(
  "String.prototype",
  string,
  "replaceAll",
  () => "aba".replaceAll("a", "c") === "cbc",
);
keep(
  "String.prototype",
  string,
  "padStart",
  () => "7".padStart(2, "0") === "07",
);
keep(
  "String.prototype",
  string,
  "isWellFormed",
  () => "a".isWellFormed() === true && "\ud800".isWellFormed() === false,
);
keep(
  "RegExp.prototype",
  RegExp.prototype,
  "exec",
  () => /b/.exec("ab")?.[0] === "b" && /c/.exec("ab") === null,
);
keep(
  "RegExp.prototype",
  RegExp.prototype,
  "test",
  () => /b/.test("ab") === true && /c/.test("ab") === false,
);
keep(
  "Number",
  Number,
  "isSafeInteger",
  () => Number.isSafeInteger(7) === true && Number.isSafeInteger(7.5) === false,
);
keep(
  "Number",
  Number,
  "isInteger",
  () => Number.isInteger(7) === true && Number.isInteger(7.5) === false,
);
keep(
  "Number",
  Number,
  "isNaN",
  () => Number.isNaN(NaN) === true && Number.isNaN(7) === false,
);
keep(
  "Number",
  Number,
  "isFinite",
  () => Number.isFinite(7) === true && Number.isFinite(Infinity) === false,
);
keep(
  "Number.prototype",
  Number.prototype,
  "toString",
  () => (7).toString() === "7" && (255).toString(16) === "ff",
);
keep(
  "BigInt.prototype",
  BigInt.prototype,
  "toString",
  () => 7n.toString() === "7" && 255n.toString(16) === "ff",
);
keep("BigInt", BigInt, "asIntN", () => BigInt.asIntN(8, 255n) === -1n);
keep(
  "Math",
  Math,
  "fround",
  () => Math.fround(7.5) === 7.5 && Math.fround(0.1) !== 0.1,
);
keep(
  "Math",
  Math,
  "f16round",
  () => Math.f16round(7.5) === 7.5 && Math.f16round(0.1) !== 0.1,
);
keep(
  "Object",
  Object,
  "getPrototypeOf",
  () =>
    Object.getPrototypeOf([]) === array && Object.getPrototypeOf({}) === object,
);
keep("Object", Object, "getOwnPropertyNames", () => {
  const names = Object.getOwnPropertyNames({ a: 7 });
  return names.length === 1 && names[0] === "a";
});
keep("Object", Object, "getOwnPropertySymbols", () => {
  const symbol = Symbol.iterator;
  return Object.getOwnPropertySymbols({ [symbol]: 7 })[0] === symbol &&
    Object.getOwnPropertySymbols({}).length === 0;
});
keep(
  "Object",
  Object,
  "getOwnPropertyDescriptor",
  () =>
    Object.getOwnPropertyDescriptor({ a: 7 }, "a")?.value === 7 &&
    Object.getOwnPropertyDescriptor({}, "a") === undefined,
);
keep("Object", Object, "defineProperty", () => {
  const some: { a?: number } = {};
  return Object.defineProperty(some, "a", { value: 7 }) === some &&
    some.a === 7;
});
keep(
  "Object",
  Object,
  "hasOwn",
  () =>
    Object.hasOwn({ a: 7 }, "a") === true && Object.hasOwn({}, "a") === false,
);
keep("Object", Object, "keys", () => {
  const keys = Object.keys({ a: 7 });
  return keys.length === 1 && keys[0] === "a";
});
keep("Object", Object, "values", () => {
  const values = Object.values({ a: 7 });
  return values.length === 1 && values[0] === 7;
});
keep("Object", Object, "entries", () => {
  const entries = Object.entries({ a: 7 });
  return entries.length === 1 && entries[0]![1] === 7;
});
keep(
  "Object",
  Object,
  "fromEntries",
  () => Object.fromEntries([["a", 7]])["a"] === 7,
);
keep(
  "Object",
  Object,
  "assign",
  () => Object.assign({ a: 6 }, { a: 7 }).a === 7,
);
keep(
  "Object",
  Object,
  "create",
  () => Object.getPrototypeOf(Object.create(array)) === array,
);
keep(
  "Object",
  Object,
  "is",
  () => Object.is(-0, -0) === true && Object.is(0, -0) === false,
);
keep("Object", Object, "freeze", () => {
  const some = {};
  return Object.freeze(some) === some;
});
keep(
  "Object.prototype",
  object,
  "toString",
  () => ({}).toString() === "[object Object]",
);
keep(
  "Object.prototype",
  object,
  "propertyIsEnumerable",
  () =>
    object.propertyIsEnumerable.call({ a: 7 }, "a") === true &&
    object.propertyIsEnumerable.call([], "length") === false,
);
keep("Reflect", Reflect, "ownKeys", () => {
  const keys = Reflect.ownKeys({ a: 7 });
  return keys.length === 1 && keys[0] === "a";
});
keep(
  "Reflect",
  Reflect,
  "apply",
  () => Reflect.apply((x: number) => x + 1, undefined, [6]) === 7,
);
keep(
  "Function.prototype",
  callable,
  "call",
  () => ((x: number) => x + 1).call(undefined, 6) === 7,
);
keep(
  "Function.prototype",
  callable,
  "apply",
  () => ((x: number) => x + 1).apply(undefined, [6]) === 7,
);
keep(
  "Function.prototype",
  callable,
  "bind",
  () => ((x: number) => x + 1).bind(undefined, 6)() === 7,
);
keep(
  "Error",
  Error,
  "isError",
  () => Error.isError(new Error()) === true && Error.isError({}) === false,
);
keep("Uint8Array", Uint8Array, "fromHex", () => {
  const bytes = Uint8Array.fromHex("0607");
  return bytes.length === 2 && bytes[1] === 7;
});
keep(
  "Uint8Array.prototype",
  bytes,
  "toHex",
  () => new Uint8Array([6, 255]).toHex() === "06ff",
);
keep("TypedArray.prototype", typed, "fill", () => {
  const some = new Uint8Array(2).fill(7, 1);
  return some[0] === 0 && some[1] === 7;
});
keep("TypedArray.prototype", typed, "copyWithin", () => {
  const some = new Uint8Array([6, 7]);
  some.copyWithin(0, 1);
  return some[0] === 7;
});
keep(
  "ArrayBuffer",
  ArrayBuffer,
  "isView",
  () =>
    ArrayBuffer.isView(new Uint8Array()) === true &&
    ArrayBuffer.isView(new ArrayBuffer()) === false,
);
keep(
  "ArrayBuffer.prototype",
  ArrayBuffer.prototype,
  "slice",
  () => new ArrayBuffer(3).slice(1).byteLength === 2,
);
keep("Atomics", Atomics, "add", () => {
  cells[0] = 6;
  return Atomics.add(cells, 0, 1) === 6 && cells[0] === 7;
});
keep("Atomics", Atomics, "sub", () => {
  cells[0] = 8;
  return Atomics.sub(cells, 0, 1) === 8 && cells[0] === 7;
});
keep("DataView.prototype", dataView, "setUint8", () => {
  const view = new DataView(new ArrayBuffer(8));
  view.setUint8(0, 7);
  return view.getUint8(0) === 7 && view.getUint8(0) === 7;
});
keep("DataView.prototype", dataView, "getUint8", () => {
  const view = new DataView(new ArrayBuffer(8));
  view.setUint8(0, 7);
  return view.getUint8(0) === 7 && view.getUint8(0) === 7;
});
keep("DataView.prototype", dataView, "setUint16", () => {
  const view = new DataView(new ArrayBuffer(8));
  view.setUint16(0, 7);
  return view.getUint16(0) === 7 && view.getUint8(1) === 7;
});
keep("DataView.prototype", dataView, "getUint16", () => {
  const view = new DataView(new ArrayBuffer(8));
  view.setUint16(0, 7);
  return view.getUint16(0) === 7 && view.getUint8(1) === 7;
});
keep("DataView.prototype", dataView, "setUint32", () => {
  const view = new DataView(new ArrayBuffer(8));
  view.setUint32(0, 7);
  return view.getUint32(0) === 7 && view.getUint8(3) === 7;
});
keep("DataView.prototype", dataView, "getUint32", () => {
  const view = new DataView(new ArrayBuffer(8));
  view.setUint32(0, 7);
  return view.getUint32(0) === 7 && view.getUint8(3) === 7;
});
keep("DataView.prototype", dataView, "setInt32", () => {
  const view = new DataView(new ArrayBuffer(8));
  view.setInt32(0, 7);
  return view.getInt32(0) === 7 && view.getUint8(3) === 7;
});
keep("DataView.prototype", dataView, "getInt32", () => {
  const view = new DataView(new ArrayBuffer(8));
  view.setInt32(0, 7);
  return view.getInt32(0) === 7 && view.getUint8(3) === 7;
});
keep("DataView.prototype", dataView, "setFloat16", () => {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat16(0, 7.5);
  return view.getFloat16(0) === 7.5 && view.getUint8(0) !== 0;
});
keep("DataView.prototype", dataView, "getFloat16", () => {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat16(0, 7.5);
  return view.getFloat16(0) === 7.5 && view.getUint8(0) !== 0;
});
keep("DataView.prototype", dataView, "setFloat32", () => {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat32(0, 7.5);
  return view.getFloat32(0) === 7.5 && view.getUint8(0) !== 0;
});
keep("DataView.prototype", dataView, "getFloat32", () => {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat32(0, 7.5);
  return view.getFloat32(0) === 7.5 && view.getUint8(0) !== 0;
});
keep("DataView.prototype", dataView, "setFloat64", () => {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, 7.5);
  return view.getFloat64(0) === 7.5 && view.getUint8(0) !== 0;
});
keep("DataView.prototype", dataView, "getFloat64", () => {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, 7.5);
  return view.getFloat64(0) === 7.5 && view.getUint8(0) !== 0;
});
keep("Date", Date, "now", () => typeof Date.now() === "number");
keep(
  "Date.prototype",
  Date.prototype,
  "getTime",
  () => new Date(7).getTime() === 7,
);
keep(
  "performance",
  performance,
  "now",
  () => typeof performance.now() === "number",
);
keep(
  "TextEncoder.prototype",
  textEncoder,
  "encode",
  () => new TextEncoder().encode("a")[0] === 97,
);

// Nothing stands before what all typed arrays share, and their getters tell the truth.
for (const key of ["set", "subarray", "slice", "fill", "copyWithin"] as const) {
  const { works } = list.find((it) => it.holder === typed && it.key === key)!;
  keep("Uint8Array.prototype", bytes, key, works);
}
for (const key of ["buffer", "byteOffset", "byteLength"] as const) {
  keep(
    "TypedArray.prototype",
    typed,
    key,
    () => tells(new Uint8Array(memory, 8, 8)),
  );
  keep(
    "DataView.prototype",
    dataView,
    key,
    () => tells(new DataView(memory, 8)),
  );
  for (const type of typedArrays) {
    const works = () => tells(new type(memory, 8));
    keep(`${type.name}.prototype`, type.prototype, key, works);
  }
}
keep(
  "TypedArray.prototype",
  typed,
  "length",
  () => new Uint8Array(7).length === 7,
);
for (const type of typedArrays) {
  keep(
    `${type.name}.prototype`,
    type.prototype,
    "length",
    () => new type(7).length === 7,
  );
}
for (const type of [ArrayBuffer, SharedArrayBuffer]) {
  keep(
    `${type.name}.prototype`,
    type.prototype,
    "byteLength",
    () => new type(7).byteLength === 7,
  );
}

function loads(value: number): boolean {
  cells[0] = value;
  return Atomics.load(cells, 0) === value;
}

/** Whether a view of the second half of the memory says so. */
function tells(view: ArrayBufferView): boolean {
  return view.buffer === memory && view.byteOffset === 8 &&
    view.byteLength === 8;
}
