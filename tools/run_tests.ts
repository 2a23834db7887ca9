/**
 * Runs the tests and the examples in the documentation: all of them, or those in
 * the files and folders that are named. The last line is `N passed, N failed`.
 *
 * @module
 */

import { chooseStd, runDeno } from "./deno.ts";

/** The end of the line with which `deno test` ends, colours taken out. */
const SUMMARY = /(\d+) passed .*?\| (\d+) failed/g;

// deno-lint-ignore no-control-regex
const COLOUR = /\x1b\[[\d;]*m/g;

let end = "";
const code = await runDeno(
  await chooseStd(),
  ["test", "-A", "-q", "--doc", ...Deno.args],
  (text) => end = (end + text).slice(-10_000),
);
const [, passed = "0", failed = "1"] =
  [...end.replaceAll(COLOUR, "").matchAll(SUMMARY)].at(-1) ?? [];
// Without a summary nothing ran (a wrong type, a crash): that is a failure too.
console.log(`${passed} passed, ${failed} failed`);
Deno.exit(code);
