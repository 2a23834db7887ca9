/** What the tests of the pool share. */

import { join } from "@std/path";
import * as hi from "../../mod.ts";
import { stdArguments, temporaryFolder } from "../house/run.ts";

/** A program that has not ended after this long hangs; nothing here takes a tenth of it. */
const HANGS = 30_000;

/** Runs `body` with jobs on a pool and without a cache. */
export async function inPool(
  options: hi.ParallelJobHandlerOptions,
  body: (jobHandler: hi.ParallelJobHandler) => Promise<void>,
): Promise<void> {
  await using jobHandler = new hi.ParallelJobHandler(options);
  // A worker that dies is what a test is about, and not to be made good.
  await hi.config(
    { jobHandler, jobCache: null, crashRetries: 0 },
    () => body(jobHandler),
  );
}

/** The numbers below `count`. */
export function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}

/** The error with which a job fails. */
export async function failureOf(job: PromiseLike<unknown>): Promise<Error> {
  try {
    await job;
  } catch (error) {
    if (error instanceof Error) return error;
    throw new TypeError(`the job threw ${error}`);
  }
  throw new TypeError("the job did not fail");
}

/** What a program said, and how it ended. */
export interface EndedProgram {
  /** `undefined` if it did not end by itself. */
  readonly code: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs `main.ts` of the given files, in a folder of their own, to its end. In
 * the files, "hither" as an import is the module under test.
 */
export async function runProgram(
  files: Record<string, string>,
  { permissions = ["-A"], args = [] as string[] } = {},
): Promise<EndedProgram> {
  const hither = new URL("../../mod.ts", import.meta.url).href;
  const here = Object.entries(files).map(([name, text]) =>
    [name, text.replaceAll(`from "hither"`, `from "${hither}"`)] as const
  );
  await using folder = await temporaryFolder(Object.fromEntries(here));
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--quiet",
      "--no-prompt",
      "--no-check",
      ...stdArguments(),
      ...permissions.map((flag) => flag.replace("FOLDER", folder.path)),
      join(folder.path, "main.ts"),
      ...args,
    ],
    cwd: folder.path,
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let hangs = false;
  const timer = setTimeout(() => {
    hangs = true;
    child.kill("SIGKILL");
  }, HANGS);
  const { code, stdout, stderr } = await child.output();
  clearTimeout(timer);
  const text = (bytes: Uint8Array): string =>
    new TextDecoder().decode(bytes).replaceAll(folder.path, "FOLDER");
  return {
    code: hangs ? undefined : code,
    stdout: text(stdout),
    stderr: text(stderr),
  };
}

/** Resolves when there is such a file. */
export async function appears(folder: string, name: string): Promise<void> {
  const watcher = Deno.watchFs(folder);
  const isThere = () =>
    [...Deno.readDirSync(folder)].some((e) => e.name === name);
  if (isThere()) return watcher.close();
  for await (const _ of watcher) if (isThere()) break;
}

/** Notes the web workers that start meanwhile. */
export function noting(workers: Worker[]): Disposable {
  const original = globalThis.Worker;
  globalThis.Worker = class extends original {
    constructor(...args: ConstructorParameters<typeof Worker>) {
      super(...args);
      workers.push(this);
    }
  };
  return {
    [Symbol.dispose]() {
      globalThis.Worker = original;
    },
  };
}
