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

/** The promise, or a rejection if a limit is reached first. */
export async function withinLimits<T>(
  promise: Promise<T>,
  options: WaitOptions,
  late: () => Error,
): Promise<T> {
  const { timeout, signal } = options;
  if (timeout !== undefined && !(timeout >= 0)) {
    throw new RangeError(
      `Cannot wait as timeout must be 0 ms or more: current value is ${timeout}`,
    );
  }
  if (timeout === undefined && signal === undefined) return await promise;
  const { abortable } = await import("jsr:@std/async@^1/abortable");
  const timer = timeout === undefined
    ? undefined
    : AbortSignal.timeout(timeout);
  const limits = [timer, signal].filter((limit) => limit !== undefined);
  try {
    return await abortable(promise, AbortSignal.any(limits));
  } catch (error) {
    throw timer?.aborted && error === timer.reason ? late() : error;
  }
}
