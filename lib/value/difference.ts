/**
 * Where two values differ first, in the sense that counts for a key.
 *
 * @module
 */

import { contributionOf } from "./contribution.ts";
import { formatPath, Place } from "./path.ts";
import { previewOf } from "./preview.ts";

/** The first place in which two values differ. */
export interface ValueDifference {
  /** Where, as `result.rows[3]`. */
  readonly path: string;
  /** What one of them has there, as one would write it. */
  readonly left: string;
  /** What the other has. */
  readonly right: string;
}

/** A part of both values. */
interface Step {
  readonly place: number;
  readonly step: unknown;
  readonly left: unknown;
  readonly right: unknown;
}

/** The first difference of two values that are data; `undefined` if they are the same. */
export function firstDifference(
  left: unknown,
  right: unknown,
  root: string,
): ValueDifference | undefined {
  if (areSame(left, right)) return undefined;
  const places: number[] = [];
  const steps: unknown[] = [];
  // From a difference to the part that makes it, as far as parts can be told.
  for (;;) {
    const found = differingPart(left, right);
    if (found === undefined) break;
    places.push(found.place);
    steps.push(found.step);
    ({ left, right } = found);
  }
  return {
    path: formatPath(root, places, steps, steps.length),
    left: previewOf([left]),
    right: previewOf([right]),
  };
}

function differingPart(left: unknown, right: unknown): Step | undefined {
  for (const part of commonParts(left, right)) {
    if (!areSame(part.left, part.right)) return part;
  }
  return undefined;
}

/** The parts of two values of one shape; none where the shapes differ. */
function* commonParts(left: unknown, right: unknown): Iterable<Step> {
  if (left instanceof Map && right instanceof Map) {
    for (const [key, value] of left) {
      if (!right.has(key)) return;
      yield {
        place: Place.MAP_VALUE,
        step: key,
        left: value,
        right: right.get(key),
      };
    }
  } else if (isIndexed(left) && isIndexed(right)) {
    if (left.length !== right.length) return;
    for (let i = 0; i < left.length; i++) {
      yield { place: Place.PROPERTY, step: i, left: left[i], right: right[i] };
    }
  } else if (isPlain(left) && isPlain(right)) {
    const keys = Object.keys(left);
    if (keys.length !== Object.keys(right).length) return;
    for (const key of keys) {
      if (!Object.hasOwn(right, key)) return;
      yield {
        place: Place.PROPERTY,
        step: key,
        left: left[key],
        right: right[key],
      };
    }
  }
}

function areSame(left: unknown, right: unknown): boolean {
  if (Object.is(left, right)) return true;
  if (typeof left !== typeof right) return false;
  const one = contributionOf(left), other = contributionOf(right);
  return one.length === other.length &&
    one.every((byte, i) => byte === other[i]);
}

function isIndexed(value: unknown): value is ArrayLike<unknown> {
  return Array.isArray(value) ||
    ArrayBuffer.isView(value) && !(value instanceof DataView);
}

function isPlain(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
