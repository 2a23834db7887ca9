/**
 * What an error says, whatever was thrown.
 *
 * @module
 */

/**
 * The message of an error, or how another thrown value looks. Never throws:
 * code can throw what has no string form.
 */
export function errorText(error: unknown): string {
  if (typeof error === "string") return error;
  try {
    const message = (error as { message?: unknown } | null | undefined)
      ?.message;
    return typeof message === "string" ? message : Deno.inspect(error);
  } catch {
    // A getter, a proxy or an inspection of its own has thrown.
    return `a value of type ${typeof error} that cannot be shown`;
  }
}
