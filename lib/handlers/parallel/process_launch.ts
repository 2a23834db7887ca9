/**
 * How a process that runs jobs is started: as the program itself was, with the
 * same configuration and the same permissions.
 *
 * @module
 */

import defer * as launch from "../../code/launch.ts";
import { launchWords, wordsOf } from "../../code/launch_words.ts";
import { PIPE_PATHS, type PipePlace } from "../../worker/pipe.ts";

/** The module with which a process begins. */
const ENTRY = new URL("../../worker/process_entry.ts", import.meta.url).href;

/**
 * Puts the pipe where nothing else is: what a job, or a program that it starts,
 * writes to its standard output goes to standard error.
 */
const MOVE_PIPE = 'exec "$@" 3<&0 4>&1 </dev/null >&2';

/** What to start. */
export interface Launch {
  readonly command: string;
  readonly args: readonly string[];
  readonly place: PipePlace;
}

/** The flag without which this program cannot have its jobs run in processes. */
export function missingFlag(): string | undefined {
  if (!mayRun(Deno.execPath())) return `--allow-run=${Deno.execPath()}`;
  return isGranted({ name: "read" }) ? undefined : "--allow-read";
}

/** Whether a program may be started, without asking anybody. */
export function mayRun(command: string): boolean {
  return isGranted({ name: "run", command });
}

/** How to start a process with so many MiB for the objects of JavaScript. */
export function launchOf(
  denoArgs: readonly string[],
  heap: number | undefined,
): Launch {
  if (Deno.build.standalone) {
    throw new TypeError(
      'a program made by deno compile cannot start Deno for them: use isolation: "worker"',
    );
  }
  const place = Deno.build.os !== "windows" && mayRun("sh") ? "3,4" : "stdio";
  const words = commandLine();
  const deno = [
    Deno.execPath(),
    "run",
    "--quiet",
    "--no-prompt",
    ...resolution(words, denoArgs),
    ...permissions(words, place),
    ...(heap === undefined ? [] : [`--v8-flags=--max-old-space-size=${heap}`]),
    ENTRY,
    place,
  ];
  return place === "stdio"
    ? { command: deno[0]!, args: deno.slice(1), place }
    : { command: "sh", args: ["-c", MOVE_PIPE, "sh", ...deno], place };
}

let read: readonly string[] | undefined;

/** The words that this program was started with, where they can be found out. */
function commandLine(): readonly string[] {
  return read ??= readCommandLine();
}

function readCommandLine(): readonly string[] {
  const words = launchWords();
  if (words.length > 0 || Deno.build.os !== "linux" || !mayRun("sh")) {
    return words;
  }
  // Deno does not show it to a program without all permissions, but may be asked to start one that looks.
  const { success, stdout } = new Deno.Command("sh", {
    args: ["-c", "cat /proc/$PPID/cmdline"],
    stderr: "null",
  }).outputSync();
  return success ? wordsOf(new TextDecoder().decode(stdout)) : [];
}

/** The flags that decide what an import means, as for the program. */
function resolution(
  words: readonly string[],
  denoArgs: readonly string[],
): string[] {
  const flags = [
    ...launch.resolutionFlags(words, Deno.cwd()),
    ...launch.resolutionFlags(denoArgs, Deno.cwd()),
  ];
  if (flags.some((flag) => /^--(config=|no-config)/.test(flag))) return flags;
  // Deno would look beside the entry of the process, and not beside the program.
  const config = launch.nearestConfig(Deno.mainModule);
  return [
    ...flags,
    config === undefined ? "--no-config" : `--config=${config}`,
  ];
}

const NAMES = [
  "read",
  "write",
  "net",
  "env",
  "sys",
  "run",
  "ffi",
  "import",
] as const;
type Name = typeof NAMES[number];

/** Of each permission with a list, what one of its items is called. */
const ITEM: Record<Name, string> = {
  read: "path",
  write: "path",
  net: "host",
  env: "variable",
  sys: "kind",
  run: "command",
  ffi: "path",
  import: "host",
};

/** What this program may do now, and what opens the pipe. */
function permissions(words: readonly string[], place: PipePlace): string[] {
  if (isAll()) return ["--allow-all"];
  return [
    ...NAMES.flatMap((name) => {
      if (isGranted({ name } as Deno.PermissionDescriptor)) {
        return [`--allow-${name}`];
      }
      const items = listed(words, `allow-${name}`).filter((item) =>
        isGranted({ name, [ITEM[name]]: item } as never)
      );
      if (place !== "stdio" && (name === "read" || name === "write")) {
        items.push(PIPE_PATHS[name]);
      }
      return items.length === 0 ? [] : [`--allow-${name}=${items.join(",")}`];
    }),
    ...words.filter((word) => word.startsWith("--deny-")),
  ];
}

/** The items of a flag. */
function listed(words: readonly string[], flag: string): string[] {
  const short: Record<string, string> = {
    "allow-read": "-R=",
    "allow-write": "-W=",
    "allow-net": "-N=",
    "allow-env": "-E=",
    "allow-sys": "-S=",
    "allow-import": "-I=",
  };
  return words.flatMap((word) => {
    const start = [`--${flag}=`, short[flag]].find((start) =>
      start !== undefined && word.startsWith(start)
    );
    return start === undefined ? [] : word.slice(start.length).split(",");
  });
}

function isAll(): boolean {
  return NAMES.every((name) => isGranted({ name } as never)) &&
    !commandLine().some((word) => word.startsWith("--deny-"));
}

function isGranted(descriptor: Deno.PermissionDescriptor): boolean {
  return Deno.permissions.querySync(descriptor).state === "granted";
}
