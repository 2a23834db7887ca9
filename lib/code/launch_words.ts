/**
 * The command line of this program, as far as Deno took it for itself.
 *
 * @module
 */

import { isReadable } from "./memo.ts";

let words: readonly string[] | undefined;

/** The words of the command line before the arguments of the script, where they can be read. */
export function launchWords(): readonly string[] {
  if (words !== undefined) return words;
  const path = "/proc/self/cmdline";
  if (Deno.build.os !== "linux" || !isReadable(path)) return words = [];
  try {
    return words = wordsOf(Deno.readTextFileSync(path));
  } catch {
    // Deno shows it to programs with all permissions only.
    return words = [];
  }
}

/** The words before the arguments of the script, of a command line as Linux shows it. */
export function wordsOf(commandLine: string): readonly string[] {
  const all = commandLine.split("\0");
  // Behind the last word there is a zero, too.
  return all.slice(1, all.length - 1 - Deno.args.length);
}
