/**
 * The tree of commands, and how it speaks.
 *
 * @module
 */

import {
  Command,
  type CommandUnknownOpts,
} from "npm:@commander-js/extra-typings@^15";
import { HITHER_VERSION } from "../lib/cache/host.ts";
import { addCacheCommands } from "./commands/cache.ts";
import { UsageError } from "./errors.ts";
import { addCompletions } from "./commands/completions.ts";
import { addExplain } from "./commands/explain.ts";
import { addLineage } from "./commands/lineage.ts";
import { addLog } from "./commands/log.ts";
import { textOption } from "./options.ts";

const DESCRIPTION =
  "Looks after the caches of hither, and explains what a script would compute.";

const AFTER = `
The cache is the folder that --cache names; else the environment variable
HITHER_CACHE_DIR; else .hither beside the nearest deno.json at or above the
working folder. Keys may be given by their first digits, at least 4.

Answers go to stdout, all else to stderr. With --json a single answer is one
JSON document, and a list one document a line; times are in ms, sizes in bytes.
Errors are text on stderr all the same: look at the exit code first.

Exit codes: 0 fine; 1 it failed, or verify found damage; 2 wrong usage;
130 interrupted (Ctrl-C).

Examples:
  # the latest results, then all about one of them
  hither cache ls
  hither cache show 3f2a91
  # what would this script compute, and why?
  hither explain main.ts`;

/** The whole command. */
export function makeProgram(): CommandUnknownOpts {
  const program = new Command("hither")
    .description(DESCRIPTION)
    .version(HITHER_VERSION, "-V, --version", "show the version")
    .option("--json", "answer in JSON")
    .addOption(textOption("--cache <folder>", "the cache folder"))
    .enablePositionalOptions()
    .exitOverride()
    .configureHelp({
      // Without [options], which all of them have.
      subcommandTerm: (command) => command.name() + argumentsOf(command),
      styleTitle: (text) => `\x1b[1m${text}\x1b[22m`,
    })
    .configureOutput({
      outputError: (text, write) => write(oneLine(text)),
    })
    .helpOption("-h, --help", "show this help")
    .helpCommand(false)
    .addHelpText("after", AFTER);
  addCacheCommands(program);
  addExplain(program);
  addLog(program);
  addLineage(program);
  addCompletions(program);
  addHelp(program);
  return program;
}

/** `hither help cache ls`, which Commander's own does not know. */
function addHelp(program: CommandUnknownOpts): void {
  const help = new Command("help")
    .copyInheritedSettings(program)
    .description("show the help of a command")
    .argument("[commands...]")
    .action((names) => {
      let at = program;
      for (const name of names) {
        const below = at.commands.find((each) => each.name() === name);
        if (below === undefined) {
          throw new UsageError(
            `Cannot show the help of ${
              names.join(" ")
            } as there is no command ${name}: ${
              at.commands.length === 0
                ? `${at.name()} has no commands below it`
                : `hither help ${names.slice(0, names.indexOf(name)).join(" ")}`
                  .trimEnd() + " lists them"
            }`,
          );
        }
        at = below;
      }
      at.help();
    });
  program.addCommand(help);
}

function argumentsOf(command: CommandUnknownOpts): string {
  return command.registeredArguments.map((argument) => {
    const name = argument.name() + (argument.variadic ? "..." : "");
    return argument.required ? ` <${name}>` : ` [${name}]`;
  }).join("");
}

/** `error: unknown option '--jsn'\n(Did you mean --json?)` as one line. */
function oneLine(text: string): string {
  const line = text.trim().replace(/^error: /, "")
    .replace(/\n\(Did you mean (.*)\?\)$/, ": did you mean $1?");
  return `hither: ${line}\n`;
}
