/**
 * How a process that runs jobs is started: as the program itself was, with the
 * same configuration and the same permissions.
 *
 * @module
 */

import defer * as launch from "../../code/launch.ts";
import { launchWords, wordsOf } from "../../code/launch_words.ts";
import {
  isWithin,
  ITEM_NAMES,
  PERMISSION_NAMES,
  programMay,
} from "../../permissions.ts";
import type { PermissionName } from "../../task.ts";
import { PIPE_PATHS, type PipePlace } from "../../worker/pipe.ts";
import type { ProcessSandbox } from "../../worker/sandbox.ts";
import type { Sandbox } from "./connection.ts";

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
  return programMay("read") ? undefined : "--allow-read";
}

/** Whether a program may be started, without asking anybody. */
export function mayRun(command: string): boolean {
  return programMay("run", command);
}

/** How to start a process with so many MiB for the objects of JavaScript. */
export function launchOf(
  denoArgs: readonly string[],
  heap: number | undefined,
  sandbox?: Sandbox,
): Launch {
  if (Deno.build.standalone) {
    throw new TypeError(
      'a program made by deno compile cannot start Deno for them: use isolation: "worker"',
    );
  }
  const place = Deno.build.os !== "windows" && mayRun("sh") ? "3,4" : "stdio";
  const words = commandLine();
  const bounds = sandbox && boundsOf(sandbox, words, place);
  const deno = [
    Deno.execPath(),
    "run",
    "--quiet",
    "--no-prompt",
    ...resolution(words, denoArgs),
    ...bounds?.flags ?? permissions(words, place),
    ...(heap === undefined ? [] : [`--v8-flags=--max-old-space-size=${heap}`]),
    ENTRY,
    place,
    ...bounds === undefined ? [] : [JSON.stringify(bounds.told)],
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

/** What this program may do now, and what opens the pipe. */
function permissions(words: readonly string[], place: PipePlace): string[] {
  if (isAll()) return ["--allow-all"];
  return [
    ...PERMISSION_NAMES.flatMap((name) => {
      const has = inherited(name, words);
      if (has === true) return [`--allow-${name}`];
      if (place !== "stdio" && (name === "read" || name === "write")) {
        has.push(PIPE_PATHS[name]);
      }
      return listFlag(name, has);
    }),
    ...words.filter((word) => word.startsWith("--deny-")),
  ];
}

/** What this program may do now of one kind: all, or what its flags list. */
function inherited(
  name: PermissionName,
  words: readonly string[],
): true | string[] {
  if (programMay(name)) return true;
  return listed(words, `allow-${name}`).filter((item) =>
    programMay(name, item)
  );
}

function listFlag(name: string, items: readonly string[]): string[] {
  if (items.length === 0) return [];
  return [`--allow-${name}=${items.join(",")}`];
}

/** How a process begins that may do less than this program. */
interface Bounds {
  readonly flags: readonly string[];
  readonly told: ProcessSandbox;
}

/**
 * What Tasks may do, what opens the pipe, and what their modules are read with. Of a list Deno takes
 * back an item, and those that hold it: so a whole disk beside what was declared, and nothing smaller.
 */
function boundsOf(
  { permissions, imports }: Sandbox,
  words: readonly string[],
  place: PipePlace,
): Bounds {
  const drop: Deno.PermissionDescriptor[] = [];
  const flags = PERMISSION_NAMES.flatMap((name) => {
    const grant = permissions[name];
    const has = grant === "inherit" || (name === "import" && grant === false)
      ? inherited(name, words)
      : grant;
    if (name === "import" && grant === false) drop.push({ name } as never);
    if (has === true) return [`--allow-${name}`];
    const items = has === false ? [] : [...has];
    const add = (...more: string[]): void => {
      for (const item of more) {
        if (items.includes(item)) continue;
        items.push(item);
        drop.push({ name, [ITEM_NAMES[name]]: item } as never);
      }
    };
    if (name === "read") add(...rootsOf(imports));
    else if (name === "write" && place !== "stdio") {
      const isThere = items.some((item) => isWithin(PIPE_PATHS.write, item));
      if (!isThere) add(PIPE_PATHS.write);
    } else if (name === "import" && grant !== "inherit" && grant !== false) {
      add(...hostsOf(imports));
    }
    return listFlag(name, items);
  });
  return {
    flags: [...flags, ...words.filter((word) => word.startsWith("--deny-"))],
    told: { imports, drop },
  };
}

/** The disks on which modules are. */
function rootsOf(imports: readonly string[]): string[] {
  if (Deno.build.os !== "windows") return ["/"];
  const places = [ENTRY, ...imports, `file:///${Deno.cwd()}`];
  const drives = places.map((place) =>
    /^file:\/\/\/([A-Za-z]:)/.exec(place)?.[1]
  );
  return [...new Set(drives.flatMap((drive) => drive ? [`${drive}\\`] : []))];
}

/** The hosts from which modules come, and those from which any program may import. */
function hostsOf(imports: readonly string[]): string[] {
  const hosts = [ENTRY, ...imports].flatMap((place) => {
    const url = URL.parse(place);
    return url?.host ? [url.port ? url.host : `${url.host}:443`] : [];
  });
  return [...new Set([...hosts, "jsr.io:443"])];
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
  return PERMISSION_NAMES.every((name) => programMay(name)) &&
    !commandLine().some((word) => word.startsWith("--deny-"));
}
