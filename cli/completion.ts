/**
 * What may stand where the cursor is in a command line.
 *
 * @module
 */

import type {
  CommandUnknownOpts,
  Option,
} from "npm:@commander-js/extra-typings@^15";
import type { RecordSummary } from "../lib/cache/report.ts";
import type { JobCache } from "../mod.ts";
import { shortKey } from "./keys.ts";

/** A word, and what it is. */
export interface Candidate {
  readonly value: string;
  readonly what: string;
}

/** Candidates; or what the shell itself completes. */
export type Completion = readonly Candidate[] | "files" | "folders";

/** Where the cursor is. */
interface Place {
  readonly command: CommandUnknownOpts;
  /** How many arguments of the command stand before it. */
  readonly index: number;
  /** The option whose value is being written. */
  readonly option: Option | undefined;
}

/** Keys that are offered, and records that are looked through for names. */
const MOST_KEYS = 50;
const MOST_RECORDS = 5_000;

/**
 * Completes the last of some words.
 *
 * @param cache Opens the cache that `--cache` names.
 */
export async function complete(
  program: CommandUnknownOpts,
  words: readonly string[],
  cache: (folder: string | undefined) => Promise<JobCache>,
): Promise<Completion> {
  const { before, current, prefix } = lastWord(words);
  const { command, index, option } = placeOf(program, before);
  const look = () => cache(folderOf(before));
  const completion = option !== undefined
    ? await valuesOf(option.name(), option.argChoices, current, look)
    : current.startsWith("-")
    ? optionsOf(command)
    : command.commands.length > 0
    ? subcommandsOf(command)
    : await valuesOf(...argumentOf(command, index), current, look);
  if (typeof completion === "string") return completion;
  return completion.filter(({ value }) => value.startsWith(current))
    .map(({ value, what }) => ({ value: prefix + value, what }));
}

/** What is to be completed, and what it stands behind in its word. */
interface LastWord {
  readonly before: readonly string[];
  readonly current: string;
  readonly prefix: string;
}

/** Takes `--option=value` apart; Bash has done so already, and counts the sign as a word. */
function lastWord(words: readonly string[]): LastWord {
  const plain = words.filter((word, i) =>
    word !== "=" || i === words.length - 1
  );
  const last = plain.at(-1) ?? "";
  const before = plain.slice(0, -1);
  if (last === "=") return { before, current: "", prefix: "" };
  const [, option, value = ""] = /^(--[^=]+)=(.*)$/s.exec(last) ?? [];
  return option === undefined
    ? { before, current: last, prefix: "" }
    : { before: [...before, option], current: value, prefix: `${option}=` };
}

function placeOf(
  program: CommandUnknownOpts,
  words: readonly string[],
): Place {
  let command = program;
  let index = 0;
  let option: Option | undefined;
  for (const word of words) {
    if (option !== undefined) {
      option = undefined;
    } else if (word.startsWith("-")) {
      const known = command.options.find(({ long, short }) =>
        word === long || word === short
      );
      if (known?.required) option = known;
    } else {
      const below = command.commands.find((each) => each.name() === word);
      if (below === undefined) index++;
      else command = below;
    }
  }
  return { command, index, option };
}

function folderOf(words: readonly string[]): string | undefined {
  const at = words.lastIndexOf("--cache");
  return at < 0 ? undefined : words[at + 1];
}

function optionsOf(command: CommandUnknownOpts): Candidate[] {
  return command.createHelp().visibleOptions(command).map((option) => ({
    value: option.long ?? option.short ?? "",
    what: option.description,
  }));
}

function subcommandsOf(command: CommandUnknownOpts): Candidate[] {
  return command.createHelp().visibleCommands(command).map((below) => ({
    value: below.name(),
    what: below.description(),
  }));
}

function argumentOf(
  command: CommandUnknownOpts,
  index: number,
): [name: string, choices: readonly string[] | undefined] {
  const all = command.registeredArguments;
  const last = all.at(-1);
  const argument = all[index] ?? (last?.variadic ? last : undefined);
  return [argument?.name() ?? "", argument?.argChoices];
}

/** What an option or argument of a name can be. */
async function valuesOf(
  name: string,
  choices: readonly string[] | undefined,
  current: string,
  cache: () => Promise<JobCache>,
): Promise<Completion> {
  if (choices !== undefined) {
    return choices.map((value) => ({ value, what: "" }));
  }
  switch (name) {
    case "cache":
    case "folder":
      return "folders";
    case "file":
    case "sign":
    case "script":
    case "args":
      return "files";
    case "key":
    case "keys":
      return keysOf(await cache(), current);
    case "function":
      return distinct(await cache(), ({ fn }) => fn.name);
    case "version-of":
      return distinct(await cache(), ({ fn }) => fn.version);
    case "label":
      return distinct(await cache(), ({ fn }) => fn.label);
    default:
      return [];
  }
}

function keysOf(cache: JobCache, prefix: string): Candidate[] {
  const records = cache.records({ keyPrefix: prefix, limit: MOST_KEYS });
  return Array.from(records, ({ key, fn, preview }) => ({
    value: prefix.length > shortKey(key).length ? key : shortKey(key),
    what: `${fn.name} ${fn.version}(${preview})`,
  }));
}

function distinct(
  cache: JobCache,
  of: (record: RecordSummary) => string,
): Candidate[] {
  const found = new Set<string>();
  for (const record of cache.records({ limit: MOST_RECORDS })) {
    found.add(of(record));
  }
  found.delete("");
  return [...found].sort().map((value) => ({ value, what: "" }));
}
