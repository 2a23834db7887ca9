/** Starts programs as a user would, and collects what they say. */

import { fromFileUrl, join } from "@std/path";
import config from "../../deno.json" with { type: "json" };

/** The folder of the project. */
export const ROOT = fromFileUrl(new URL("../../", import.meta.url));

/** What a program said, and its exit code. */
export interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

/** Where and with what environment a program runs. */
export interface RunOptions {
  cwd?: string;
  env?: Record<string, string>;
}

/** Runs deno to its end. The environment is this one's, without the choice that the launcher made. */
export async function deno(
  args: string[],
  { cwd = ROOT, env = {} }: RunOptions = {},
): Promise<Ended> {
  const { HITHER_STD: _, ...inherited } = Deno.env.toObject();
  return await endOf(
    new Deno.Command(Deno.execPath(), {
      args,
      cwd,
      clearEnv: true,
      env: { ...inherited, NO_COLOR: "1", ...env },
      stdin: "null",
    }),
  );
}

/** Runs a command to its end. */
export async function endOf(command: Deno.Command): Promise<Ended> {
  const { code, stdout, stderr } = await command.output();
  const decoder = new TextDecoder();
  return {
    code,
    stdout: decoder.decode(stdout),
    stderr: decoder.decode(stderr),
  };
}

/** A folder that is deleted at the end of its block. */
export async function temporaryFolder(
  files: Record<string, string> = {},
): Promise<AsyncDisposable & { path: string }> {
  const path = await Deno.makeTempDir({ prefix: "hither_" });
  for (const [name, text] of Object.entries(files)) {
    const target = `${path}/${name}`;
    await Deno.mkdir(target.slice(0, target.lastIndexOf("/")), {
      recursive: true,
    });
    await Deno.writeTextFile(target, text);
  }
  return {
    path,
    async [Symbol.asyncDispose](): Promise<void> {
      await Deno.remove(path, { recursive: true });
    },
  };
}

/** What a command needs so that a program elsewhere finds the `@std` packages as this one does. */
export function stdArguments(): string[] {
  const here = import.meta.resolve("jsr:@std/path@^1/join");
  if (!here.startsWith("jsr:")) {
    const map = join(ROOT, "tools/npm_import_map.json");
    return ["--no-lock", "--import-map", map];
  }
  // A checkout of denoland/std that takes JSR's place is named in deno.json alone.
  const { links } = config as { links?: string[] };
  return links === undefined ? [] : ["--config", join(ROOT, "deno.json")];
}

/** The words of a command that runs a program with all permissions, from anywhere. */
export function programArguments(
  path: string,
  ...args: readonly string[]
): string[] {
  return ["run", "-A", "-q", "--no-check", ...stdArguments(), path, ...args];
}
