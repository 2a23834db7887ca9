/**
 * What was thrown, as bytes. That always succeeds: a thrown error is not refused
 * because something in it is not data.
 *
 * @module
 */

import { encodeValue } from "./encode.ts";
import { decodeValue } from "./decode.ts";
import type { EncodedValue, FileContent, Leaf } from "./encoded.ts";
import {
  bareError,
  DOM_EXCEPTION,
  type ErrorClass,
  errorClass,
  errorClassName,
} from "./error_classes.ts";
import { codecOfPrototype } from "./codec.ts";
import { describe } from "./refusal.ts";

/** Causes of causes beyond this many are named, not kept. */
const MAX_CAUSES = 100;

/**
 * Encodes what was thrown. An error of an unregistered class becomes one of the nearest
 * built-in class with its `name` and own properties; what cannot be encoded in it becomes
 * a short text that says what it was.
 */
export function encodeThrown(error: unknown): EncodedValue {
  for (
    const attempt of [() => error, () => tame(error, []), () => bare(error)]
  ) {
    try {
      return encodeValue(attempt(), { root: "error" });
    } catch {
      // The next attempt keeps less.
    }
  }
  return encodeValue(
    new Error("something that cannot be described was thrown"),
  );
}

/**
 * What was thrown, encoded once somebody wants the bytes: of a job that was cancelled
 * nobody does, and to read a `stack` takes longer than all else that ends a job.
 */
export class ThrownValue implements EncodedValue {
  /** The error itself, to be looked at: whoever gets one gets a copy. */
  readonly error: unknown;
  #encoded: EncodedValue | undefined;

  constructor(error: unknown) {
    this.error = error;
  }

  /** Whether it is one: `instanceof` would run code of whoever has thrown something else. */
  static is(value: unknown): value is ThrownValue {
    return typeof value === "object" && value !== null && #encoded in value;
  }

  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#value.bytes;
  }

  get leaves(): readonly Leaf[] {
    return this.#value.leaves;
  }

  get files(): readonly FileContent[] | undefined {
    return this.#value.files;
  }

  get #value(): EncodedValue {
    return this.#encoded ??= encodeThrown(this.error);
  }
}

/**
 * Decodes what was thrown.
 *
 * @throws {DecodeError} if the bytes are not whole.
 */
export function decodeThrown(encoded: EncodedValue): unknown {
  return decodeValue(encoded);
}

/** A copy of an error that can be encoded; `parents` are the errors that it stands in. */
function tame(error: unknown, parents: readonly object[]): unknown {
  if (!Error.isError(error)) {
    return isEncodable(error)
      ? error
      : new Error(`what was thrown is not an Error but ${describe(error)}`);
  }
  if (isRegistered(error) && isEncodable(error)) return error;
  const type = nearestClass(error);
  const family = [...parents, error];
  const copy = type === DOMException
    ? new DOMException(text(error, "message"), text(error, "name"))
    : bareError(type);
  copy.stack = text(error, "stack");
  for (const name of Object.getOwnPropertyNames(error)) {
    if (name === "stack") continue;
    const property = Object.getOwnPropertyDescriptor(error, name);
    if (property === undefined) continue;
    Object.defineProperty(copy, name, {
      value: property.writable === undefined
        ? "[an accessor]"
        : tameProperty(property.value, family),
      writable: true,
      enumerable: property.enumerable ?? false,
      configurable: true,
    });
  }
  const name = text(error, "name");
  if (copy.name !== name) {
    Object.defineProperty(copy, "name", {
      value: name,
      writable: true,
      enumerable: false,
      configurable: true,
    });
  }
  return copy;
}

function tameProperty(value: unknown, family: readonly object[]): unknown {
  if (Error.isError(value)) {
    if (family.includes(value)) return `[${describe(value)}, again]`;
    if (family.length > MAX_CAUSES) return `[${describe(value)}]`;
    return tame(value, family);
  }
  if (isEncodable(value)) return value;
  if (Array.isArray(value) && !family.includes(value)) {
    const parents = [...family, value];
    return Array.from(value, (item) => tameProperty(item, parents));
  }
  return `[${describe(value)}]`;
}

/** What is left if even the copy cannot be encoded. */
function bare(error: unknown): unknown {
  const copy = new Error(
    Error.isError(error)
      ? text(error, "message")
      : `what was thrown is ${describe(error)}`,
  );
  if (Error.isError(error)) {
    copy.name = text(error, "name");
    copy.stack = text(error, "stack");
  }
  return copy;
}

function isEncodable(value: unknown): boolean {
  try {
    encodeValue(value);
    return true;
  } catch {
    return false;
  }
}

function isRegistered(error: object): boolean {
  const prototype = Object.getPrototypeOf(error);
  return prototype !== null &&
    (errorClassName(prototype) ?? codecOfPrototype(prototype)) !== undefined;
}

function nearestClass(error: object): ErrorClass {
  let prototype = Object.getPrototypeOf(error);
  while (prototype !== null) {
    const name = errorClassName(prototype);
    // Only the platform makes true instances of its class.
    if (
      name !== undefined && (name !== DOM_EXCEPTION || isDomException(error))
    ) {
      return errorClass(name)!;
    }
    prototype = Object.getPrototypeOf(prototype);
  }
  return Error;
}

function isDomException(error: object): boolean {
  try {
    return typeof (error as DOMException).code === "number";
  } catch {
    return false;
  }
}

/** A property of an error as text, whatever its getter does. */
function text(error: object, key: "name" | "message" | "stack"): string {
  try {
    const value: unknown = (error as Record<string, unknown>)[key];
    return typeof value === "string" ? value : String(value ?? "");
  } catch {
    return "";
  }
}
