/**
 * What `hi.map` is called with.
 *
 * @module
 */

import { Job } from "./job.ts";
import type { MapOptions } from "./map.ts";

/**
 * Refuses what is no call of `hi.map`.
 *
 * @throws {TypeError} and {RangeError} as that says.
 */
export function checkMap(
  fn: unknown,
  items: unknown,
  options: MapOptions,
): void {
  const cannot = (what: string, value: unknown): string =>
    `Cannot call map as ${what}: current value is ${Deno.inspect(value)}`;
  const { name, run } = Object(fn) as { name?: unknown; run?: unknown };
  if (typeof fn !== "function" || typeof run !== "function") {
    throw new TypeError(
      cannot("its first argument must be what hi.func has returned", fn),
    );
  }
  const iterable = Object(items) as object;
  if (
    items instanceof Job ||
    !(Symbol.iterator in iterable || Symbol.asyncIterator in iterable)
  ) {
    throw new TypeError(
      `${
        cannot(`the items for ${name} must be iterable`, items)
      }. Await a Promise or a Job of an array first`,
    );
  }
  if (typeof options !== "object" || options === null) {
    throw new TypeError(cannot("the options must be an object", options));
  }
  const { concurrency, chunk, ordered, signal, ...others } = options;
  for (const other in others) {
    throw new TypeError(
      `Cannot call map with the option ${other} as there is none of that name: the options are concurrency, chunk, ordered, signal`,
    );
  }
  for (const [what, value] of Object.entries({ concurrency, chunk })) {
    if (value === undefined) continue;
    if (typeof value !== "number") {
      throw new TypeError(cannot(`${what} must be a number`, value));
    }
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new RangeError(
        cannot(`${what} must be a whole number of 1 or more`, value),
      );
    }
  }
  if (ordered !== undefined && typeof ordered !== "boolean") {
    throw new TypeError(cannot("ordered must be true or false", ordered));
  }
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new TypeError(cannot("signal must be an AbortSignal", signal));
  }
}
