/**
 * Checks of the options of handlers.
 *
 * @module
 */

/**
 * Returns `value`, the option called `name`.
 *
 * @throws {TypeError} if it is not a number.
 * @throws {RangeError} if it is not a whole number of 1 or more.
 */
export function wholeNumber(name: string, value: unknown): number {
  if (typeof value !== "number") {
    throw new TypeError(
      `Cannot make a job handler as "${name}" must be a number: current value is ${
        typeof value === "string" ? JSON.stringify(value) : String(value)
      }`,
    );
  }
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new RangeError(
      `Cannot make a job handler as "${name}" must be a whole number of 1 or more: current value is ${value}`,
    );
  }
  return value;
}
