/** Starts `child.ts`. */

import { fromFileUrl } from "@std/path";
import type { Layout } from "../../lib/cache/folder.ts";
import { type Ended, endOf, stdArguments } from "../house/run.ts";

const CHILD = fromFileUrl(new URL("child.ts", import.meta.url));

/** How a child is started. */
export interface ChildOptions {
  /** Permissions; all by default. */
  permissions?: string[];
  /** A command that starts the child in its turn, as `["setpriv", "--reuid=1000"]`. */
  prefix?: string[];
  /** The layout of a cache that it makes. */
  layout?: Layout;
}

/** The command line of a child. */
export function childCommand(
  args: string[],
  { permissions = ["-A"], prefix = [], layout = "sqlite" }: ChildOptions = {},
): [command: string, args: string[]] {
  const [command, ...rest] = [
    ...prefix,
    Deno.execPath(),
    "run",
    "--quiet",
    "--no-prompt",
    ...permissions,
    ...stdArguments(),
    CHILD,
    layout,
    ...args,
  ];
  return [command!, rest];
}

/** Runs a child to its end. */
export async function runChild(
  args: string[],
  options?: ChildOptions,
): Promise<{ answer: unknown; stderr: string }> {
  const [command, rest] = childCommand(args, options);
  const { code, stdout, stderr } = await toEnd(command, rest);
  if (code !== 0) throw new Error(`the child ended with ${code}: ${stderr}`);
  return { answer: JSON.parse(stdout), stderr };
}

/** Runs another script to its end, perhaps behind a prefix. */
export async function runScript(
  script: string,
  args: string[],
  prefix: string[] = [],
): Promise<Ended> {
  const [command, ...rest] = [
    ...prefix,
    Deno.execPath(),
    "run",
    "-A",
    "--quiet",
    ...stdArguments(),
    fromFileUrl(new URL(script, import.meta.url)),
    ...args,
  ];
  return await toEnd(command!, rest);
}

function toEnd(command: string, args: string[]): Promise<Ended> {
  const env = { NO_COLOR: "1" };
  return endOf(new Deno.Command(command, { args, env, stdin: "null" }));
}

/** Starts a child that goes on until it is told otherwise. */
export function spawnChild(
  args: string[],
  options?: ChildOptions,
): Deno.ChildProcess {
  const [command, rest] = childCommand(args, options);
  return new Deno.Command(command, {
    args: rest,
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
}

/** Whether this machine lets us mount file systems that only a child sees. */
export function canMount(): boolean {
  return Deno.build.os === "linux" &&
    succeeds(["unshare", "--mount", "--map-root-user", "true"]);
}

/** A prefix that runs a child after a shell command in a mount namespace of its own. */
export function inNamespace(script: string): string[] {
  return [
    "unshare",
    "--mount",
    "--map-root-user",
    "sh",
    "-ec",
    `${script}; exec "$@"`,
    "sh",
  ];
}

/**
 * A prefix that runs a child to which the modes of files and folders apply, as
 * they do not to root; `undefined` if that cannot be had here.
 */
export function withoutPrivileges(): string[] | undefined {
  if (Deno.build.os === "windows") return undefined;
  if (Deno.uid() !== 0) return [];
  const prefix = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"];
  return succeeds([...prefix, "true"]) ? prefix : undefined;
}

/** Makes a file immutable, for root too, while it is in use; `undefined` if that cannot be done here. */
export function immutable(path: string): Disposable | undefined {
  if (!succeeds(["chattr", "+i", path])) return undefined;
  return { [Symbol.dispose]: () => void succeeds(["chattr", "-i", path]) };
}

function succeeds([command, ...args]: string[]): boolean {
  try {
    return new Deno.Command(command!, { args, stderr: "null" })
      .outputSync().success;
  } catch {
    return false;
  }
}
