/**
 * Where a value stands in another, as one would write it.
 *
 * @module
 */

import { MAX_DEPTH } from "./format.ts";

/** What a step of a path means. */
export const Place = {
  /** An index of an array or a key of an object. */
  PROPERTY: 0,
  /** The value of a Map; the step is its key. */
  MAP_VALUE: 1,
  /** A key of a Map; the step is its position. */
  MAP_KEY: 2,
  /** A member of a Set; the step is its position. */
  SET_MEMBER: 3,
  /** What a codec made of an instance; the step is the codec's name. */
  ENCODED: 4,
} as const;

const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;

/** The step to an index or key, as `[0]`, `.key` or `["odd key"]`. */
export function propertyStep(key: string | number): string {
  if (typeof key === "number") return `[${key}]`;
  return IDENTIFIER.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}

function mapKey(key: unknown): string {
  switch (typeof key) {
    case "string":
      return JSON.stringify(key);
    case "bigint":
      return `${key}n`;
    case "object":
      return key === null ? "null" : "an object";
    default:
      return Object.is(key, -0) ? "-0" : String(key);
  }
}

/** The path from a root through the first `depth` steps. */
export function formatPath(
  root: string,
  places: ArrayLike<number>,
  steps: readonly unknown[],
  depth: number,
): string {
  let path = root;
  for (let i = 0; i < depth; i++) {
    const step = steps[i];
    switch (places[i]) {
      case Place.MAP_VALUE:
        path += `.get(${mapKey(step)})`;
        break;
      case Place.MAP_KEY:
        path += ` (key ${step})`;
        break;
      case Place.SET_MEMBER:
        path += ` (member ${step})`;
        break;
      case Place.ENCODED:
        path += ` (as ${step})`;
        break;
      default:
        path += propertyStep(step as string | number);
    }
  }
  return path;
}

/** Where a walk through a value is. */
export class Trail {
  /** How its paths begin. */
  root = "";
  /** What each step means, by depth. */
  readonly places = new Uint8Array(MAX_DEPTH + 1);
  /** The steps themselves. */
  readonly steps: unknown[] = [];

  /** The path to what is so deep. */
  path(depth: number): string {
    return formatPath(this.root, this.places, this.steps, depth);
  }
}
