/**
 * How the program was started, as far as that decides what its imports mean: the
 * flags of Deno, and the files of configuration. Runs in a process of its own.
 *
 * @module
 */

import { dirname, isAbsolute, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { isFile } from "./on_disk.ts";

/** Flags with a value that names a file. */
const FILES = new Set(["--config", "-c", "--import-map", "--lock", "--cert"]);

/** Flags whose value is no file, or that have none. */
const OTHERS =
  /^--(no-config|no-lock|no-npm|no-remote|node-modules-dir|node-modules-linker|vendor|conditions|min-dep-age|unstable(-[\w-]+)?)(=|$)/;

const CONFIGS = ["deno.json", "deno.jsonc", "package.json", "deno.lock"];

/** The flags of a command line that decide how imports are resolved, with full paths. */
export function resolutionFlags(
  words: readonly string[],
  folder: string,
): string[] {
  const flags: string[] = [];
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    const [name, value] = split(word);
    if (FILES.has(name)) {
      // `--lock` alone means the usual file.
      const given = value ?? (words[i + 1]?.startsWith("-") ? "" : words[++i]);
      if (given) flags.push(`${longName(name)}=${fullPath(given, folder)}`);
    } else if (OTHERS.test(word)) flags.push(word);
  }
  return flags;
}

function split(word: string): [name: string, value: string | undefined] {
  const [, name, value] = word.match(/^(--[\w-]+)=(.*)$/s) ?? [];
  return name === undefined ? [word, undefined] : [name, value];
}

function longName(name: string): string {
  return name === "-c" ? "--config" : name;
}

function fullPath(given: string, folder: string): string {
  return isAbsolute(given) || /^\w{2,}:/.test(given)
    ? given
    : resolve(folder, given);
}

/** The files that decide how imports are resolved. */
export interface ConfigFiles {
  /** Those that there are. */
  readonly files: readonly string[];
  /** For each folder that was looked in, the names that were not there. */
  readonly absent: ReadonlyMap<string, readonly string[]>;
  /** Whether imports that are used as types alone are run all the same. */
  readonly verbatim: boolean;
}

/** The files of configuration for a program whose main module is in `folder`. */
export function configFiles(
  folder: string,
  flags: readonly string[],
): ConfigFiles {
  const files = new Set<string>();
  const absent = new Map<string, string[]>();
  const isDiscovered = !flags.includes("--no-config");
  for (let at = folder; isDiscovered; at = dirname(at)) {
    const missing: string[] = [];
    for (const name of CONFIGS) {
      const path = resolve(at, name);
      if (isFile(path)) files.add(path);
      else missing.push(name);
    }
    // Whether one comes to be farther up is not watched: to look there costs more than to read.
    if (at === folder || at === dirname(folder)) absent.set(at, missing);
    if (dirname(at) === at) break;
  }
  for (const flag of flags) {
    const path = flag.match(/^--(?:config|import-map|lock)=(.*)$/s)?.[1];
    if (path !== undefined && isFile(path)) files.add(path);
  }
  let verbatim = false;
  for (const path of [...files]) {
    if (!/\.jsonc?$/.test(path)) continue;
    const text = Deno.readTextFileSync(path);
    // Comments are allowed in there: so a pattern, and no parser.
    verbatim ||= /"verbatimModuleSyntax"\s*:\s*true/.test(text);
    for (
      const [, other] of text.matchAll(
        /"(?:importMap|lock|path)"\s*:\s*"([^"]+)"/g,
      )
    ) {
      const named = resolve(dirname(path), other!);
      if (isFile(named)) files.add(named);
    }
  }
  return { files: [...files], absent, verbatim };
}

/** The file of configuration that Deno finds for a program by itself, which looks beside the main module. */
export function nearestConfig(main: string): string | undefined {
  const folder = main.startsWith("file:")
    ? dirname(fileURLToPath(main))
    : Deno.cwd();
  for (let at = folder;; at = dirname(at)) {
    const path = ["deno.json", "deno.jsonc"].map((name) => resolve(at, name))
      .find(isFile);
    if (path !== undefined || dirname(at) === at) return path;
  }
}
