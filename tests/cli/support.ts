/** Runs the real command, on caches made through the public API. */

import { fromFileUrl, toFileUrl } from "@std/path";
import * as hi from "@hither/hither";
import { deno, type Ended, ROOT, stdArguments } from "../house/run.ts";

/** The entry of the command. */
export const MAIN = fromFileUrl(new URL("../../cli/main.ts", import.meta.url));

/** What stands before the arguments of the command. */
export function commandLine(): string[] {
  return ["run", "-A", "--quiet", ...stdArguments(), MAIN];
}

/** Where and with what environment a command runs. */
export interface CommandOptions {
  cwd?: string;
  env?: Record<string, string>;
}

/** Runs `hither` to its end. No cache is named in the environment but by `options`. */
export async function hither(
  args: string[],
  { cwd = ROOT, env = {} }: CommandOptions = {},
): Promise<Ended> {
  return await deno([...commandLine(), ...args], {
    cwd,
    env: { HITHER_CACHE_DIR: "", ...env },
  });
}

/** The lines of a text as values. */
export function jsonLines<T>(text: string): T[] {
  return text.split("\n").filter(Boolean).map((line) => JSON.parse(line));
}

/** The import of this hither in a script elsewhere. */
export const IMPORT = `import * as hi from ${
  JSON.stringify(toFileUrl(`${ROOT}mod.ts`).href)
};`;

/** The options of `hither explain` that a script elsewhere needs. */
export function denoArgs(): string[] {
  return stdArguments().join(" ")
    .replace("--import-map ", "--import-map=")
    .replace("--config ", "--config=")
    .split(" ").filter(Boolean)
    .map((arg) => `--deno-arg=${arg}`);
}

const half = hi.func("cli_half", "1", (x: number) => {
  console.log("halving", x);
  return x / 2;
});
const total = hi.func("cli_total", "2.0", (parts: number[]) => {
  return { total: parts.reduce((sum, part) => sum + part, 0) };
}, { label: "sums" });
const large = hi.func(
  "cli_large",
  "1",
  (length: number) => new Float64Array(length).fill(1),
);
const fails = hi.func("cli_fails", "1", (message: string) => {
  throw new RangeError(message);
});

/** The keys in a cache of `makeCache`. */
export interface Keys {
  halves: [string, string];
  total: string;
  large: string;
  failed: string;
}

/** Fills a folder with five records: two halves and their total, a large array, an error. */
export async function makeCache(path: string): Promise<Keys> {
  await using jobCache = new hi.JobCache({ path });
  return await hi.config({ jobCache, cacheFailing: true }, async () => {
    const halves = half.map([3, 5]);
    const sum = total.run(halves);
    await sum;
    const array = large.run(100_000);
    await array;
    const failed = fails.run("no such thing");
    await failed.then(() => {}, () => {});
    const [a, b] = halves;
    return {
      halves: [a!.key!, b!.key!],
      total: sum.key!,
      large: array.key!,
      failed: failed.key!,
    };
  });
}
