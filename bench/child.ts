/** Runs the bench's scripts, each in a process of its own. */

import { fromFileUrl } from "@std/path";
import { type StdSource, withStd } from "../tools/deno.ts";

const SCRIPTS = new URL("scripts/", import.meta.url);
const ROOT = fromFileUrl(new URL("../", import.meta.url));

/** What the launcher decided. */
export const std = Deno.env.get("HITHER_STD") as StdSource;

/** Runs a script; the number that is its last line. */
export function numberOf(script: string, ...args: unknown[]): number {
  return numbersOf(script, ...args)[0]!;
}

/** Runs a script; the numbers in its last line. */
export function numbersOf(script: string, ...args: unknown[]): number[] {
  const said = run(script, args).trimEnd();
  const last = said.slice(said.lastIndexOf("\n") + 1);
  const numbers = last.split(" ").map(Number);
  if (last !== "" && numbers.every(Number.isFinite)) return numbers;
  throw new Error(`${script} ended with ${said} instead of numbers`);
}

/** Runs a script from start to exit; how long that took, in ms. */
export function durationOf(script: string, ...args: unknown[]): number {
  const start = performance.now();
  run(script, args);
  return performance.now() - start;
}

/** The arguments with which deno runs a script. */
export function argsOf(script: string, args: readonly unknown[]): string[] {
  const path = fromFileUrl(new URL(script, SCRIPTS));
  return withStd(std, ["run", "-A", path, ...args.map(String)]);
}

function run(script: string, args: readonly unknown[]): string {
  return runDenoSync(argsOf(script, args));
}

/** Runs deno in the project's folder, as from a terminal; what it writes to stdout. */
export function runDenoSync(
  args: string[],
  env: Record<string, string> = {},
): string {
  const { HITHER_STD: _, ...inherited } = Deno.env.toObject();
  const { success, stdout, stderr } = new Deno.Command(Deno.execPath(), {
    args,
    cwd: ROOT,
    clearEnv: true,
    env: { ...inherited, NO_COLOR: "1", ...env },
  }).outputSync();
  const decoder = new TextDecoder();
  if (success) return decoder.decode(stdout);
  throw new Error(`deno ${args.join(" ")} failed: ${decoder.decode(stderr)}`);
}
