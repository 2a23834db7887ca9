/** Programs of a few files that run one job with a cache, each run a process of its own. */

import { assertEquals } from "@std/assert";
import { toFileUrl } from "@std/path";
import { deno, stdArguments, temporaryFolder } from "../house/run.ts";

const HITHER = new URL("../../mod.ts", import.meta.url).href;

/** A function whose result comes from two imports away. */
export const FILES: Readonly<Record<string, string>> = {
  "main.ts": `import * as hi from "${HITHER}";
import { twice } from "./lib/twice.ts";

export const job = hi.func("job", "1", (x: number) => twice(x));

if (import.meta.main) {
  const [code, ...denoArgs] = Deno.args as ["warn", ...string[]];
  const jobCache = new hi.JobCache({
    path: new URL("./cache/", import.meta.url),
    readonly: Deno.env.get("READONLY") === "yes",
  });
  await hi.config({ jobCache, code, denoArgs }, async () => {
    try {
      const one = job.run(1);
      const value = await one;
      const explain = one.explain().text;
      console.log(JSON.stringify({ value, cached: one.cached, explain }));
    } catch (error) {
      const { name, message } = error as Error;
      console.log(JSON.stringify({ name, message }));
    }
  });
}
`,
  "lib/twice.ts": `import { factor } from "./factor.ts";
export const twice = (x: number): number => x * factor;
`,
  "lib/factor.ts": "export const factor = 2;\n",
};

/** An import map with these names, and those that a program needs here to find `@std`. */
export async function importMap(
  imports: Record<string, string>,
): Promise<string> {
  const [, , path] = stdArguments();
  if (path?.endsWith(".json") !== true) return JSON.stringify({ imports });
  const map = JSON.parse(await Deno.readTextFile(path));
  const here = Object.entries(map.imports as Record<string, string>).map((
    [name, target],
  ) => [
    name,
    target.startsWith(".") ? new URL(target, toFileUrl(path)).href : target,
  ]);
  return JSON.stringify({
    imports: { ...Object.fromEntries(here), ...imports },
  });
}

/** What came of one run. */
export interface Ran {
  readonly value?: unknown;
  readonly cached?: boolean;
  readonly explain?: string;
  readonly name?: string;
  readonly message?: string;
  readonly stderr: string;
}

/** A program in a folder of its own. */
export interface Program extends AsyncDisposable {
  readonly path: string;
  /** Runs it to its end. */
  run(code?: string, options?: RunProgram): Promise<Ran>;
  /** Writes one of its files. */
  write(name: string, text: string): Promise<void>;
}

/** How a program is run. */
export interface RunProgram {
  readonly flags?: readonly string[];
  readonly args?: readonly string[];
  readonly env?: Record<string, string>;
  readonly script?: string;
}

/** Makes a program of these files; those of the function that imports from two away by default. */
export async function program(
  files: Readonly<Record<string, string>> = {},
): Promise<Program> {
  const folder = await temporaryFolder({ ...FILES, ...files });
  return {
    path: folder.path,
    async run(code = "warn", { flags = ["-A"], args = [], env, script } = {}) {
      const { stdout, stderr, code: exit } = await deno([
        "run",
        "--quiet",
        "--no-prompt",
        ...flags,
        ...flags.some((flag) => flag.startsWith("--import-map"))
          ? []
          : stdArguments(),
        script ?? "main.ts",
        code,
        ...args,
      ], { cwd: folder.path, env: { HITHER_CACHE_DIR: "", ...env } });
      assertEquals(exit, 0, stderr);
      return { ...JSON.parse(stdout), stderr };
    },
    write: (name, text) => Deno.writeTextFile(`${folder.path}/${name}`, text),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}
