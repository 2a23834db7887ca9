/**
 * Values of a few bytes: numbers, short texts and the like, which most jobs of
 * those that come by the thousand have for arguments and results. Their bytes are
 * kept as a string, a character for each: that takes a tenth of the memory and
 * of the time of a typed array, and finds its equal in a Map.
 *
 * @module
 */

import { decodeValue } from "./decode.ts";
import type { EncodedValue } from "./encoded.ts";
import { FORMAT_VERSION } from "./format.ts";
import { Initial, Major, Output } from "./output.ts";
import { sha256 } from "./sha256.ts";
import { shortText, writeText } from "./text.ts";

/** How long such a value may be, in bytes: less than what enters a key as a link. */
export const SMALL_BYTES = 256;

/** How long a text among the arguments may be, in UTF-16 code units: three bytes each, and a head. */
const SMALL_TEXT = 64;

const NO_LEAVES: readonly never[] = [];

const out = new Output();

/** An encoded value of a few bytes. */
export class SmallValue implements EncodedValue {
  /** The bytes, each a character. */
  readonly text: string;

  /** Takes what {@linkcode textOf} and {@linkcode smallArguments} give. */
  constructor(text: string) {
    this.text = text;
  }

  /** The bytes; another copy each time. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return bytesOf(this.text);
  }

  /** There are none. */
  get leaves(): readonly never[] {
    return NO_LEAVES;
  }
}

/** A result of a few bytes: a number is that itself, as there is nothing cheaper to keep. */
export type SmallResult = SmallValue | number;

/** A result of a few bytes as an encoded value. */
export function smallValueOf(result: SmallResult): SmallValue {
  return typeof result === "number"
    ? new SmallValue(smallResult(result)!)
    : result;
}

/** The bytes from `start` to `end` as characters. */
export function textOf(bytes: Uint8Array, start: number, end: number): string {
  let text = "";
  let at = start;
  for (; at + 4 <= end; at += 4) {
    text += String.fromCharCode(
      bytes[at]!,
      bytes[at + 1]!,
      bytes[at + 2]!,
      bytes[at + 3]!,
    );
  }
  for (; at < end; at++) text += String.fromCharCode(bytes[at]!);
  return text;
}

/** The bytes whose characters these are. */
export function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/**
 * The argument list as characters, if it is nothing but a few numbers, short texts,
 * booleans and the like. These are its faithful bytes and its deterministic form, which are the same.
 */
export function smallArguments(args: readonly unknown[]): string | undefined {
  out.clear();
  if (!writeSmallArguments(out, args)) return undefined;
  return textOf(out.bytes, 0, out.length);
}

/** Writes the argument list, if it is as {@linkcode smallArguments} wants it; else nothing. */
export function writeSmallArguments(
  out: Output,
  args: readonly unknown[],
): boolean {
  const start = out.length;
  if (writeAll(out, args) && out.length - start <= SMALL_BYTES) return true;
  out.length = start;
  return false;
}

function writeAll(out: Output, args: readonly unknown[]): boolean {
  // Those at the end do not enter the key.
  if (args.length > 0 && args.at(-1) === undefined) return false;
  // Each has a byte at least.
  if (args.length > SMALL_BYTES) return false;
  out.head(Major.ARRAY, args.length);
  for (let i = 0; i < args.length; i++) {
    const value = args[i];
    switch (typeof value) {
      case "number":
        out.number(value);
        break;
      case "string":
        if (value.length > SMALL_TEXT) return false;
        writeText(out, value);
        break;
      case "boolean":
        out.byte(value ? Initial.TRUE : Initial.FALSE);
        break;
      case "undefined":
        // A hole is something else.
        if (!Object.hasOwn(args, i)) return false;
        out.byte(Initial.UNDEFINED);
        break;
      case "object":
        if (value !== null) return false;
        out.byte(Initial.NULL);
        break;
      default:
        return false;
    }
  }
  return true;
}

/** Writes what a key begins with. */
export function writeKeyHead(out: Output, name: string, version: string): void {
  out.head(Major.ARRAY, 5);
  out.text("job");
  out.head(Major.UINT, FORMAT_VERSION);
  out.text(name);
  out.text(version);
}

/** The key of a job whose argument list is small, as characters. */
export function smallKey(
  name: string,
  version: string,
  list: string,
): Uint8Array<ArrayBuffer> {
  out.clear();
  writeKeyHead(out, name, version);
  out.raw(bytesOf(list));
  return sha256(out.bytes.subarray(0, out.length));
}

/** Decodes a small value. Throws as `decodeValue` does. */
export function decodeSmall(value: SmallResult, root: string): unknown {
  if (typeof value === "number") return value;
  const { text } = value;
  const initial = text.charCodeAt(0);
  switch (text.length) {
    case 1:
      if (initial < 24) return initial;
      if (initial === Initial.NULL) return null;
      if (initial === Initial.UNDEFINED) return undefined;
      if (initial === Initial.TRUE) return true;
      if (initial === Initial.FALSE) return false;
      break;
    case 2:
      if (initial === 24) return text.charCodeAt(1);
      break;
    case 3:
      if (initial === 25) return text.charCodeAt(1) * 256 + text.charCodeAt(2);
      break;
    case 5:
      if (initial !== 26) break;
      return ((text.charCodeAt(1) * 256 + text.charCodeAt(2)) * 256 +
            text.charCodeAt(3)) * 256 + text.charCodeAt(4);
  }
  return decodeValue(
    { bytes: value.bytes, leaves: NO_LEAVES },
    { root },
  );
}

/**
 * A result as characters, if it is a number, a short text, a boolean or the like. As
 * with arguments, these are its faithful bytes and its deterministic form, which are the same.
 */
export function smallResult(value: unknown): string | undefined {
  out.clear();
  switch (typeof value) {
    case "number":
      out.number(value);
      break;
    case "string":
      if (value.length > SMALL_TEXT) return undefined;
      writeText(out, value);
      break;
    case "boolean":
      return value ? TRUE : FALSE;
    case "undefined":
      return UNDEFINED;
    case "object":
      return value === null ? NULL : undefined;
    default:
      return undefined;
  }
  return textOf(out.bytes, 0, out.length);
}

const TRUE = String.fromCharCode(Initial.TRUE);
const FALSE = String.fromCharCode(Initial.FALSE);
const NULL = String.fromCharCode(Initial.NULL);
const UNDEFINED = String.fromCharCode(Initial.UNDEFINED);

/**
 * Decodes an argument list that is nothing but a few numbers, short texts, booleans and
 * the like; `undefined` if it holds something else, or is broken: {@linkcode decodeValue} reads it then.
 */
export function readSmallArguments(
  bytes: Uint8Array,
  start: number,
  end: number,
): unknown[] | undefined {
  const count = bytes[start]! - (Major.ARRAY << 5);
  if (!(count >= 0 && count < 24)) return undefined;
  const values = new Array<unknown>(count);
  let at = start + 1;
  for (let i = 0; i < count; i++) {
    if (at >= end) return undefined;
    const initial = bytes[at++]!;
    const info = initial & 31;
    const major = initial >> 5;
    if (major === Major.SIMPLE) {
      if (initial === Initial.FLOAT64) {
        for (let k = 0; k < 8; k++) eight[k] = bytes[at + k]!;
        values[i] = eightView.getFloat64(0);
        at += 8;
      } else if (initial === Initial.UNDEFINED) values[i] = undefined;
      else if (initial === Initial.NULL) values[i] = null;
      else if (initial === Initial.TRUE) values[i] = true;
      else if (initial === Initial.FALSE) values[i] = false;
      else return undefined;
      continue;
    }
    let argument = info;
    if (info === 24) argument = bytes[at++]!;
    else if (info === 25) argument = bytes[at++]! * 256 + bytes[at++]!;
    else if (info === 26) {
      argument = ((bytes[at++]! * 256 + bytes[at++]!) * 256 + bytes[at++]!) *
          256 + bytes[at++]!;
    } else if (info > 26) return undefined;
    if (major === Major.UINT) values[i] = argument;
    else if (major === Major.NEGATIVE) values[i] = -1 - argument;
    else if (major === Major.TEXT) {
      const text = at + argument <= end
        ? shortText(bytes, at, argument)
        : undefined;
      if (text === undefined) return undefined;
      values[i] = text;
      at += argument;
    } else return undefined;
  }
  return at === end ? values : undefined;
}

const eight = new Uint8Array(8);
const eightView = new DataView(eight.buffer);
