/**
 * The options that say when a job runs, and how often.
 *
 * @module
 */

import { type RetryOptions, retryRefusal } from "./retry.ts";

/**
 * When a job runs, how often it is tried, and what it takes while it runs. As
 * all options they are inherited from the scope outside; `null` turns one off.
 *
 * @example
 * ```ts
 * import * as hi from "@hither/hither";
 *
 * const options: hi.SchedulingOptions = { retry: 3, priority: 10, queueTimeout: 60_000 };
 * const f = hi.func("scheduling_options_f", "1", () => 1, options);
 * console.assert(await f.run() === 1);
 * ```
 */
export interface SchedulingOptions {
  /**
   * How often a job is tried whose function throws or runs out of time, and how long
   * to wait in between; a number is short for `{ maxAttempts }`. `null`, as from the
   * start: once.
   */
  readonly retry?: number | RetryOptions | null | undefined;
  /** How often a job is tried again whose worker died under it (killed, crashed). From the start 2: three attempts. */
  readonly crashRetries?: number | undefined;
  /** Of the jobs that wait, those with a higher number start first; equal ones in the order of `.run()`. From the start 0. */
  readonly priority?: number | undefined;
  /** What each job takes of `resources` while it runs: `{ gpu: 1 }`. `null`, as from the start: nothing. */
  readonly limits?: Readonly<Record<string, number>> | null | undefined;
  /**
   * How much there is of what jobs take by their `limits`: `{ gpu: 2 }`. All jobs
   * share it that have it from the same call of `config` or `setDefaults`. From
   * the start there is nothing.
   */
  readonly resources?: Readonly<Record<string, number>> | null | undefined;
  /**
   * How long a job may wait to be started, in ms from when its arguments are there;
   * another attempt has that time anew, from when it may start. `null`, as from the
   * start: as long as it takes.
   */
  readonly queueTimeout?: number | null | undefined;
  /**
   * Cancels the jobs when it is aborted, also those that are submitted later. A
   * signal of a scope inside comes beside the one outside. `null`: neither.
   */
  readonly signal?: AbortSignal | null | undefined;
}

/** These options with nothing left out. */
export type ResolvedSchedulingOptions = {
  readonly [K in keyof SchedulingOptions]-?: Exclude<
    SchedulingOptions[K],
    undefined
  >;
};

/** What holds where nobody has said anything. */
export const SCHEDULING_DEFAULTS: ResolvedSchedulingOptions = {
  retry: null,
  crashRetries: 2,
  priority: 0,
  limits: null,
  resources: null,
  queueTimeout: null,
  signal: null,
};

/** Of each option, whether a value is of the right type, and what that is. */
export const SCHEDULING_CHECKS: Record<
  keyof SchedulingOptions,
  readonly [(value: unknown) => boolean, string]
> = {
  retry: [
    (value) => value === null || typeof value === "number" || isRecord(value),
    "a number of attempts, an object of options or null",
  ],
  crashRetries: [isNumber, "a number of retries"],
  priority: [isNumber, "a number"],
  limits: [
    (value) => value === null || isRecord(value, isNumber),
    "an object of numbers, { gpu: 1 } for instance, or null",
  ],
  resources: [
    (value) => value === null || isRecord(value, isNumber),
    "an object of numbers, { gpu: 2 } for instance, or null",
  ],
  queueTimeout: [
    (value) => value === null || isNumber(value),
    "a number of milliseconds or null",
  ],
  signal: [
    (value) => value === null || value instanceof AbortSignal,
    "an AbortSignal or null",
  ],
};

/** What is wrong with the value of an option of the right type: `queueTimeout must be ...: current value is 0`. */
export function schedulingRefusal(
  name: string,
  value: unknown,
): string | undefined {
  if (value === null) return undefined;
  switch (name) {
    case "retry":
      return retryRefusal(value as number | RetryOptions);
    case "crashRetries":
      return Number.isSafeInteger(value) && (value as number) >= 0
        ? undefined
        : `crashRetries must be a whole number of 0 or more: current value is ${value}`;
    case "priority":
      return Number.isNaN(value)
        ? "priority must be a number that can be compared: current value is NaN"
        : undefined;
    case "queueTimeout":
      return (value as number) > 0
        ? undefined
        : `queueTimeout must be more than 0 ms: current value is ${value}`;
    case "limits":
    case "resources":
      for (const [key, amount] of Object.entries(value as object)) {
        if (amount >= 0 && amount < Infinity) continue;
        return `${name}.${key} must be a finite number of 0 or more: current value is ${amount}`;
      }
  }
  return undefined;
}

const both = new WeakMap<AbortSignal, WeakMap<AbortSignal, AbortSignal>>();

/** The signal that is aborted as soon as one of the two is; the same one for the same two. */
export function eitherSignal(
  outer: AbortSignal,
  inner: AbortSignal,
): AbortSignal {
  if (outer === inner) return outer;
  let known = both.get(outer);
  if (known === undefined) both.set(outer, known = new WeakMap());
  let signal = known.get(inner);
  if (signal === undefined) {
    known.set(inner, signal = AbortSignal.any([outer, inner]));
  }
  return signal;
}

function isNumber(value: unknown): boolean {
  return typeof value === "number";
}

function isRecord(
  value: unknown,
  holds: (value: unknown) => boolean = () => true,
): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value) &&
    Object.values(value).every(holds);
}
