/**
 * What the code of a worker needs of the language, against the code of jobs: one that
 * puts something else in its place would otherwise stop its worker without a word.
 *
 * A replacement that does the same, as a polyfill does, stays. One that does not is
 * undone, and named.
 *
 * @module
 */

import { ReplacedBuiltinError } from "../errors.ts";

const { defineProperty, getOwnPropertyDescriptor } = Reflect;
const array = Array.prototype;
const map = Map.prototype;
const set = Set.prototype;
const weakMap = WeakMap.prototype;
const string = String.prototype;
const typed = Object.getPrototypeOf(Uint8Array.prototype) as Uint8Array;
const arrayIterator = Object.getPrototypeOf([][Symbol.iterator]()) as Iterator<
  unknown
>;
const mapIterator = Object.getPrototypeOf(new Map().values()) as Iterator<
  unknown
>;
const { push, pop, shift, slice, map: mapArray, at, indexOf } = array;
const eachOf = array[Symbol.iterator];
const nextOfArray = arrayIterator.next;
const nextOfMap = mapIterator.next;
const { get, set: setInMap, has, delete: deleteFromMap, values } = map;
const { add, has: hasInSet, delete: deleteFromSet } = set;
const { get: getWeak, set: setWeak } = weakMap;
const { charCodeAt } = string;
const { fromCharCode } = String;
const { parse, stringify } = JSON;
const { load, store, notify, compareExchange, waitAsync } = Atomics;
const { set: setBytes, subarray, slice: sliceBytes } = typed;
const { floor, min, max } = Math;
const { resolve, withResolvers } = Promise;
const { encodeInto } = TextEncoder.prototype;
const { decode } = TextDecoder.prototype;
const microtask = queueMicrotask;

/** Whether those are as they were with which quick items are taken up and their results written. */
export function isWayOfItemsIntact(): boolean {
  return array.push === push && string.charCodeAt === charCodeAt &&
    String.fromCharCode === fromCharCode &&
    Atomics.compareExchange === compareExchange;
}

/** Whether all of it is as it was. */
export function areIntact(): boolean {
  return array.push === push && array.pop === pop && array.shift === shift &&
    array.slice === slice && array.map === mapArray && array.at === at &&
    array.indexOf === indexOf && array[Symbol.iterator] === eachOf &&
    arrayIterator.next === nextOfArray && mapIterator.next === nextOfMap &&
    map.get === get && map.set === setInMap && map.has === has &&
    map.delete === deleteFromMap && map.values === values &&
    set.add === add && set.has === hasInSet && set.delete === deleteFromSet &&
    weakMap.get === getWeak && weakMap.set === setWeak &&
    string.charCodeAt === charCodeAt && String.fromCharCode === fromCharCode &&
    JSON.parse === parse && JSON.stringify === stringify &&
    Atomics.load === load && Atomics.store === store &&
    Atomics.notify === notify && Atomics.waitAsync === waitAsync &&
    Atomics.compareExchange === compareExchange &&
    typed.set === setBytes && typed.subarray === subarray &&
    typed.slice === sliceBytes && Math.floor === floor && Math.min === min &&
    Math.max === max && Promise.resolve === resolve &&
    Promise.withResolvers === withResolvers &&
    TextEncoder.prototype.encodeInto === encodeInto &&
    TextDecoder.prototype.decode === decode && queueMicrotask === microtask;
}

/** One of them. */
interface Builtin {
  readonly name: string;
  readonly holder: object;
  readonly key: PropertyKey;
  readonly original: PropertyDescriptor;
  /** Whether what is in its place now does the same. */
  readonly works: () => boolean;
}

const builtins: Builtin[] = [];
let count = 0;

function keep(
  where: string,
  holder: object,
  key: PropertyKey,
  works: () => boolean,
): void {
  const name = typeof key === "symbol"
    ? `${where}[Symbol.iterator]`
    : `${where}.${key as string}`;
  const original = getOwnPropertyDescriptor(holder, key)!;
  builtins[count++] = { name, holder, key, original, works };
}

/** For `Atomics`, which need memory. */
const cells = new Int32Array(new SharedArrayBuffer(4));

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
keep("Atomics", Atomics, "load", () => Atomics.load(cells, 0) === cells[0]);
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
keep("TextEncoder.prototype", TextEncoder.prototype, "encodeInto", () => {
  const bytes = new Uint8Array(1);
  return new TextEncoder().encodeInto("a", bytes).written === 1 &&
    bytes[0] === 97;
});
keep(
  "TextDecoder.prototype",
  TextDecoder.prototype,
  "decode",
  () => new TextDecoder().decode(new Uint8Array([97])) === "a",
);
keep(
  "globalThis",
  globalThis,
  "queueMicrotask",
  () => typeof queueMicrotask === "function",
);

/** How often to look: the test of one may need another that comes later. */
const ROUNDS = 3;

/** Puts back what was replaced by something that does not do the same; the names, `undefined` if there was nothing. */
export function repair(): string | undefined {
  let names = "";
  for (let round = 0; round < ROUNDS; round++) {
    for (let i = 0; i < count; i++) {
      const { name, holder, key, original, works } = builtins[i]!;
      const now = getOwnPropertyDescriptor(holder, key);
      if (now?.value === original.value || doesWork(works)) continue;
      if (!defineProperty(holder, key, original)) continue;
      names += names === "" ? name : `, ${name}`;
    }
  }
  return names === "" ? undefined : names;
}

function doesWork(works: () => boolean): boolean {
  try {
    return works();
  } catch {
    return false;
  }
}

/** Sets right what somebody has done to the builtins; the error that says so. */
export function damageBy(who: string): Error | undefined {
  const replaced = areIntact() ? undefined : repair();
  if (replaced === undefined) return undefined;
  return new ReplacedBuiltinError(
    `${who} replaced ${replaced} in a worker by something that does not do the same, and that was undone: give functions of your own names of their own`,
  );
}
