/**
 * What is said of a value that is not data: what it is, and what to do instead.
 *
 * @module
 */

import { UnsupportedValueError } from "../errors.ts";

const CURES: ReadonlyMap<string, string> = new Map([
  ["AbortSignal", "ask hi.current().signal in the job"],
  ["AsyncGenerator", "pass what it yields, as an array"],
  ["BigInt", "pass the bigint itself"],
  ["Blob", "pass its bytes: await blob.bytes()"],
  ["Boolean", "pass the boolean itself"],
  ["Buffer", "pass new Uint8Array(buffer)"],
  ["CryptoKey", "pass what identifies it, and import it in the job"],
  ["File", "pass hi.file(path), or its bytes: await file.bytes()"],
  ["FormData", "pass an array of its entries"],
  ["Generator", "pass what it yields, as an array"],
  ["Headers", "pass Object.fromEntries(headers)"],
  ["Job", "await it first, and pass its result"],
  ["Number", "pass the number itself"],
  ["Promise", "await it first"],
  ["ReadableStream", "read it first, and pass the bytes"],
  ["Request", "pass its URL, and fetch in the job"],
  ["Response", "pass its text or bytes: await response.text()"],
  ["SharedArrayBuffer", "copy it into an ArrayBuffer"],
  ["String", "pass the string itself"],
  ["URLSearchParams", "pass its text: String(params)"],
  ["WeakMap", "pass a Map"],
  ["WeakRef", "pass what it refers to"],
  ["WeakSet", "pass a Set"],
]);

/** What a value is, as "a function" or "an instance of Point". */
export function describe(value: unknown): string {
  switch (typeof value) {
    case "function":
      return named(isClass(value) ? "class" : "function", value.name);
    case "symbol":
      return `a symbol (${String(value)})`;
    case "object": {
      if (value === null) return "null";
      const name = className(value);
      return name === ""
        ? "an object of no known class"
        : `an instance of ${name}`;
    }
    default:
      return `a ${typeof value}`;
  }
}

/** A value as messages show it. */
export function shown(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "function" || typeof value === "object") {
    return describe(value);
  }
  return String(value);
}

/** What one does instead of passing this value. */
function cure(value: unknown): string {
  if (typeof value === "function") {
    return isClass(value)
      ? "pass its name"
      : "pass its name, or what it returns, or make it a hi.func and call it in the job";
  }
  if (typeof value === "symbol") return "pass a string";
  const object = value as object;
  const name = className(object);
  const known = CURES.get(name);
  if (known !== undefined) return known;
  if (hasMethod(object, "then")) return "await it first";
  if (Error.isError(object)) {
    return `throw it, or register a codec for the class with hi.registerCodec`;
  }
  if (hasMethod(object, "next")) return "pass what it yields, as an array";
  if (name === "") return "pass a plain object with its data";
  return name in globalThis
    ? "pass the data that the job needs of it"
    : "register a codec for the class with hi.registerCodec, or pass a plain object with its data";
}

/** The error for a value that is not data. */
export function refusal(value: unknown, path: string): UnsupportedValueError {
  return new UnsupportedValueError(
    `${path} is ${describe(value)}, which is not data: ${cure(value)}`,
    path,
  );
}

/** The name of an object's class; empty if it has none. */
export function className(object: object): string {
  try {
    const prototype = Object.getPrototypeOf(object);
    // Inherited, it would be the name of another class.
    if (!Object.hasOwn(prototype, "constructor")) return "";
    const { constructor } = prototype;
    return typeof constructor === "function" ? String(constructor.name) : "";
  } catch {
    return "";
  }
}

function named(kind: string, name: unknown): string {
  return typeof name === "string" && name !== ""
    ? `a ${kind} (${name})`
    : `a ${kind}`;
}

function isClass(fn: unknown): boolean {
  return /^class\b/.test(Function.prototype.toString.call(fn));
}

/** Whether an object has or inherits a method of that name. */
export function hasMethod(object: object, key: string): boolean {
  try {
    return typeof (object as Record<string, unknown>)[key] === "function";
  } catch {
    return false;
  }
}
