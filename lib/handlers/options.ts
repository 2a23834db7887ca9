/**
 * Checks of the options of handlers.
 *
 * @module
 */

/**
 * Checks what a handler was given as its options.
 *
 * @throws {TypeError} if it is not an object, or has an option that there is not.
 */
export function checkOptions(
  handler: string,
  options: unknown,
  names: readonly string[],
): void {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(
      `Cannot make a ${handler} as its options must be an object: current value is ${
        Deno.inspect(options)
      }`,
    );
  }
  for (const name of Object.keys(options)) {
    if (names.includes(name)) continue;
    throw new TypeError(
      `Cannot make a ${handler} as it has no option ${name}: ${
        names.length === 1 ? "its only option is" : "its options are"
      } ${names.join(" and ")}`,
    );
  }
}

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

/**
 * Returns `value`, the option called `name`.
 *
 * @throws {TypeError} if it is none of `values`.
 */
export function oneOf<T extends string>(
  name: string,
  value: unknown,
  values: readonly T[],
): T {
  const found = values.find((known) => known === value);
  if (found !== undefined) return found;
  const known = values.map((it) => JSON.stringify(it)).join(" or ");
  throw new TypeError(
    `Cannot make a job handler as "${name}" must be ${known}: current value is ${
      Deno.inspect(value)
    }`,
  );
}
