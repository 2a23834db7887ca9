/**
 * Warnings to the person at the terminal: one line on stderr each.
 *
 * @module
 */

// What has been said once is not said again, by whichever part of this isolate.
const said = new Set<string>();

/** Prints `hither: ...` on stderr. */
export function warn(message: string): void {
  console.error(`hither: ${message}`);
}

/** Prints a warning unless one with the same key was printed before. */
export function warnOnce(key: string, message: string): void {
  if (said.has(key)) return;
  said.add(key);
  warn(message);
}
