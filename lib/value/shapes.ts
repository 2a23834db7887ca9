/**
 * The keys of plain objects as bytes, in the order in which they are written.
 * Objects come in families with the same keys, so the work is done once for each.
 *
 * @module
 */

import { LINK_BYTES } from "./format.ts";
import { Tag } from "./kinds.ts";
import { Output } from "./output.ts";
import { sha256 } from "./sha256.ts";
import { writeText } from "./text.ts";

/** The keys of an object, prepared. */
export interface Shape {
  /** The keys as the object has them. */
  readonly names: readonly string[];
  /** Positions in `names` in the order of writing. */
  readonly order: readonly number[];
  /** The bytes of each key, in the order of writing. */
  readonly keys: readonly Uint8Array<ArrayBuffer>[];
}

// A family has few keys, and they are short. What is kept is bounded, and only saves time.
const FAMILIES = 128;
const FAMILY_KEYS = 32;
const FAMILY_KEY_LENGTH = 64;

const sortedFamilies = new Array<Shape | undefined>(FAMILIES).fill(undefined);
const plainFamilies = new Array<Shape | undefined>(FAMILIES).fill(undefined);

const scratch = new Output();

/** The shape of an object with these own keys, sorted (RFC 8949, section 4.2.1) or in their own order. */
export function shapeOf(names: readonly string[], sorted: boolean): Shape {
  const { length } = names;
  if (length === 0 || length > FAMILY_KEYS) return newShape(names, sorted);
  const families = sorted ? sortedFamilies : plainFamilies;
  const first = names[0]!;
  const last = names[length - 1]!;
  const slot = (length * 31 + first.length * 7 + last.length +
    first.charCodeAt(0) * 3 + last.charCodeAt(last.length - 1)) & FAMILIES - 1;
  const family = families[slot];
  if (family !== undefined && hasNames(family, names)) return family;
  const shape = newShape(names, sorted);
  if (names.every((name) => name.length <= FAMILY_KEY_LENGTH)) {
    families[slot] = shape;
  }
  return shape;
}

function hasNames(shape: Shape, names: readonly string[]): boolean {
  const known = shape.names;
  const { length } = names;
  if (known.length !== length) return false;
  for (let i = 0; i < length; i++) {
    if (known[i] !== names[i]) return false;
  }
  return true;
}

function newShape(names: readonly string[], sorted: boolean): Shape {
  const order = names.map((_, i) => i);
  const keys = names.map((name) => keyBytes(name, sorted));
  if (!sorted) return { names, order, keys };
  // The bytes of ASCII sort by length, then as the text does.
  order.sort(
    names.every(isAscii)
      ? (a, b) => compareAscii(names[a]!, names[b]!)
      : (a, b) => compareBytes(keys[a]!, keys[b]!),
  );
  return { names, order, keys: order.map((i) => keys[i]!) };
}

function keyBytes(name: string, linked: boolean): Uint8Array<ArrayBuffer> {
  scratch.clear();
  writeText(scratch, name);
  const bytes = scratch.copy();
  if (!linked || bytes.length <= LINK_BYTES) return bytes;
  scratch.clear();
  scratch.tag(Tag.NODE_LINK);
  scratch.byteString(sha256(bytes));
  return scratch.copy();
}

function isAscii(name: string): boolean {
  // A key that is longer enters a map as a link.
  if (name.length > LINK_BYTES - 3) return false;
  for (let i = 0; i < name.length; i++) {
    if (name.charCodeAt(i) > 0x7f) return false;
  }
  return true;
}

function compareAscii(a: string, b: string): number {
  return a.length - b.length || (a < b ? -1 : 1);
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const difference = a[i]! - b[i]!;
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}
