/**
 * Limits of waiting: a time and a signal.
 *
 * @module
 */

/**
 * How long to wait.
 *
 * @example
 * ```ts
 * import * as hi from "@hither/hither";
 *
 * const options: hi.WaitOptions = { timeout: 1_000, signal: AbortSignal.timeout(5_000) };
 * await hi.wait(options);
 * ```
 */
export interface WaitOptions {
  /** The most to wait, in ms. From the start for ever. */
  readonly timeout?: number | undefined;
  /** Ends the waiting when it is aborted. */
  readonly signal?: AbortSignal | undefined;
}

/** The most that a timer can wait, in ms: more is for ever. */
const MOST = 2 ** 31 - 1;

/** The promise, or a rejection if a limit is reached first. */
export async function withinLimits<T>(
  promise: Promise<T>,
  options: WaitOptions,
  late: () => Error,
): Promise<T> {
  // Whatever becomes of the waiting, the promise has somebody who looks at it.
  promise.catch(() => {});
  const { timeout = Infinity, signal } = checked(options);
  const timer = timeout > MOST ? undefined : AbortSignal.timeout(timeout);
  const limits = [timer, signal].filter((limit) => limit !== undefined);
  if (limits.length === 0) return await promise;
  const { abortable } = await import("jsr:@std/async@^1/abortable");
  try {
    return await abortable(promise, AbortSignal.any(limits));
  } catch (error) {
    throw timer?.aborted && error === timer.reason ? late() : error;
  }
}

function checked(options: WaitOptions): WaitOptions {
  const cannot = (what: string, value: unknown): string =>
    `Cannot wait as ${what}: current value is ${Deno.inspect(value)}`;
  if (
    typeof options !== "object" || options === null || "then" in options
  ) {
    throw new TypeError(
      cannot("the options must be { timeout, signal }", options),
    );
  }
  const { timeout, signal, ...others } = options;
  for (const name in others) {
    throw new TypeError(
      `Cannot wait with the option ${name} as there is none of that name: the options are timeout, signal`,
    );
  }
  if (timeout !== undefined && typeof timeout !== "number") {
    throw new TypeError(cannot("timeout must be a number of ms", timeout));
  }
  if (timeout !== undefined && !(timeout >= 0)) {
    throw new RangeError(cannot("timeout must be 0 ms or more", timeout));
  }
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new TypeError(cannot("signal must be an AbortSignal", signal));
  }
  return options;
}
