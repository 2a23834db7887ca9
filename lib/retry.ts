/**
 * Whether a job is tried again, and after how long.
 *
 * The waiting is that of `jsr:@std/async/retry`, with its names and from the start its
 * numbers: exponential backoff with jitter
 * (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/). That
 * function itself waits in a way that cannot be cancelled.
 *
 * @module
 */

import {
  HitherError,
  JobQueueTimeoutError,
  JobTimeoutError,
  StrayError,
} from "./errors.ts";

/**
 * A class of errors, or the `name` of one.
 *
 * @example
 * ```ts
 * import * as hi from "@hither/hither";
 *
 * const on: hi.ErrorKind[] = [TypeError, "TimeoutError"];
 * const f = hi.func("error_kind_f", "1", () => 1, { retry: { on } });
 * console.assert(await f.run() === 1);
 * ```
 */
export type ErrorKind = string | (abstract new (...args: never[]) => Error);

/**
 * How often a job is tried and how long it waits in between. The wait before the
 * attempt n + 1 is `minTimeout * multiplier ** (n - 1)`, at most `maxTimeout`, of
 * which a random share of up to `jitter` is left out.
 *
 * @example
 * ```ts
 * import * as hi from "@hither/hither";
 *
 * let calls = 0;
 * const retry: hi.RetryOptions = { maxAttempts: 3, minTimeout: 1, on: (error) => error instanceof RangeError };
 * const flaky = hi.func("retry_options_flaky", "1", () => {
 *   if (++calls < 3) throw new RangeError("busy");
 *   return calls;
 * }, { retry });
 * const job = flaky.run();
 * console.assert(await job === 3 && job.attempts === 3);
 * ```
 */
export interface RetryOptions {
  /** How often the job is tried in all. From the start 5. */
  readonly maxAttempts?: number | undefined;
  /** How long to wait before the second attempt, in ms. From the start 1,000. */
  readonly minTimeout?: number | undefined;
  /** The most to wait, in ms. From the start 60,000. */
  readonly maxTimeout?: number | undefined;
  /** How much longer each wait is than the one before. From the start 2. */
  readonly multiplier?: number | undefined;
  /** The share of the wait that is left to chance, from 0 to 1, as from the start. */
  readonly jitter?: number | undefined;
  /**
   * Which errors are worth another attempt: a function that tells, or classes of
   * errors and their names, one or an array. From the start whatever the function
   * throws. Errors of hither's own (a cycle, a result that is not data) never are,
   * but for `JobTimeoutError` and `StrayError`.
   */
  readonly on?:
    | ((error: unknown) => boolean)
    | ErrorKind
    | readonly ErrorKind[]
    | undefined;
}

type Numbers = { [K in keyof Omit<RetryOptions, "on">]-?: number };

const DEFAULTS: Numbers = {
  maxAttempts: 5,
  minTimeout: 1_000,
  maxTimeout: 60_000,
  multiplier: 2,
  jitter: 1,
};

function numbersOf(options: number | RetryOptions): Numbers {
  if (typeof options === "number") return { ...DEFAULTS, maxAttempts: options };
  const numbers: { -readonly [K in keyof Numbers]: Numbers[K] } = {
    ...DEFAULTS,
  };
  for (const name of Object.keys(DEFAULTS) as (keyof Numbers)[]) {
    numbers[name] = options[name] ?? DEFAULTS[name];
  }
  return numbers;
}

/**
 * How long to wait before the next attempt, in ms; `undefined` if the job has failed for good.
 *
 * @param failures How often it has failed so far.
 */
export function waitBeforeRetry(
  options: number | RetryOptions | null,
  failures: number,
  error: unknown,
): number | undefined {
  if (options === null) return undefined;
  const { maxAttempts, minTimeout, maxTimeout, multiplier, jitter } = numbersOf(
    options,
  );
  if (failures >= maxAttempts || !mayPass(error)) return undefined;
  if (typeof options === "object" && !isAmong(error, options.on)) {
    return undefined;
  }
  const longest = Math.min(
    maxTimeout,
    minTimeout * multiplier ** (failures - 1),
  );
  return (1 - jitter * Math.random()) * longest;
}

/** Whether another attempt can end in another way. */
function mayPass(error: unknown): boolean {
  if (!(error instanceof HitherError)) return true;
  return error instanceof StrayError ||
    (error instanceof JobTimeoutError &&
      !(error instanceof JobQueueTimeoutError));
}

function isAmong(error: unknown, on: RetryOptions["on"]): boolean {
  if (on === undefined) return true;
  if (typeof on === "function" && !isErrorClass(on)) {
    return on(error) === true;
  }
  return [on as ErrorKind | readonly ErrorKind[]].flat().some((kind) =>
    typeof kind === "string"
      ? (error as Error | undefined)?.name === kind
      : error instanceof (kind as new () => Error)
  );
}

function isErrorClass(
  value: unknown,
): value is abstract new (...args: never[]) => Error {
  return typeof value === "function" &&
    (value === Error || value.prototype instanceof Error);
}

/** What is wrong with the option `retry`. */
export function retryRefusal(
  options: number | RetryOptions,
): string | undefined {
  if (typeof options === "object") {
    for (const name of Object.keys(options)) {
      if (name in DEFAULTS || name === "on") continue;
      return `retry has no option ${name}: its options are ${
        [...Object.keys(DEFAULTS), "on"].join(", ")
      }`;
    }
    const { on } = options;
    const kinds = [on ?? []].flat();
    const isFine = typeof on === "function" ||
      kinds.every((kind) => typeof kind === "string" || isErrorClass(kind));
    if (!isFine) {
      return `retry.on must be a function, or classes of errors or their names: current value is ${
        Deno.inspect(on)
      }`;
    }
  }
  const numbers = numbersOf(options);
  const { maxAttempts, minTimeout, maxTimeout, multiplier, jitter } = numbers;
  const must: [keyof Numbers, boolean, string][] = [
    [
      "maxAttempts",
      Number.isSafeInteger(maxAttempts) && maxAttempts >= 1,
      "a whole number of 1 or more",
    ],
    [
      "minTimeout",
      minTimeout >= 0 && minTimeout <= maxTimeout,
      `from 0 to maxTimeout, ${maxTimeout} ms`,
    ],
    [
      "maxTimeout",
      maxTimeout > 0 && maxTimeout < 2 ** 31,
      "from 1 ms to 24 days",
    ],
    [
      "multiplier",
      multiplier >= 1 && multiplier < Infinity,
      "a finite number of 1 or more",
    ],
    ["jitter", jitter >= 0 && jitter <= 1, "from 0 to 1"],
  ];
  for (const [name, isFine, what] of must) {
    if (isFine && typeof numbers[name] === "number") continue;
    return `retry.${name} must be ${what}: current value is ${
      Deno.inspect(numbers[name])
    }`;
  }
  return undefined;
}
