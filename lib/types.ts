/**
 * The types of arguments: everywhere that a function takes a value, `.run()`
 * takes a Job of it as well.
 *
 * @module
 */

import type { Job } from "./job.ts";

/**
 * A value, a Job of it, or (to 8 levels) arrays, plain objects and Maps that
 * hold Jobs instead of values.
 *
 * @example
 * ```ts
 * import * as hi from "@hither/hither";
 *
 * const one = hi.func("argument_one", "1", () => 1);
 * const points: hi.Argument<{ x: number; y: number }[]> = [{ x: one.run(), y: 2 }];
 * const sum = hi.func("argument_sum", "1", (all: { x: number; y: number }[]) =>
 *   all.reduce((total, { x, y }) => total + x + y, 0));
 * console.assert(await sum.run(points) === 3);
 * ```
 */
export type Argument<T, Depth extends number = 7> =
  | T
  | Job<T>
  // The indexed tuple counts down the levels.
  | (Depth extends 0 ? never
    // Nothing inside of these can be a Job.
    : T extends
      | string
      | number
      | bigint
      | boolean
      | symbol
      | null
      | undefined
      | Date
      | RegExp
      | URL
      | Error
      | ArrayBufferLike
      | ArrayBufferView
      | ReadonlySet<unknown>
      | Job<unknown>
      | ((...args: never[]) => unknown) ? never
    : T extends ReadonlyMap<infer K, infer V>
      ? ReadonlyMap<K, Argument<V, [never, 0, 1, 2, 3, 4, 5, 6][Depth]>>
    : T extends object ? {
        [K in keyof T]: Argument<T[K], [never, 0, 1, 2, 3, 4, 5, 6][Depth]>;
      }
    : never);

/**
 * The arguments of a function as `.run()` takes them.
 *
 * @example
 * ```ts
 * import * as hi from "@hither/hither";
 *
 * const args: hi.Arguments<[number, string]> = [1, "one"];
 * console.assert(args.length === 2);
 * ```
 */
export type Arguments<A extends readonly unknown[]> = {
  [I in keyof A]: Argument<A[I]>;
};
