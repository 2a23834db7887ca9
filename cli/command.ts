/**
 * What all commands have in common: `--json`, `--cache`, and a help that teaches.
 *
 * @module
 */

import {
  Command,
  type CommandUnknownOpts,
} from "npm:@commander-js/extra-typings@^15";
import { textOption } from "./options.ts";

/** What the help of a command says below its options. */
export interface Teaching {
  /** Command lines, each with what it does. */
  readonly examples: readonly (readonly [line: string, what: string])[];
  /** What the columns or fields of the answer mean. */
  readonly columns?: readonly (readonly [name: string, meaning: string])[];
  /** Anything else that one must know. */
  readonly notes?: string;
}

/**
 * A command with the options of all commands. They may stand before it as well:
 * `hither --json cache ls`.
 */
// deno-lint-ignore explicit-function-return-type
export function makeCommand(
  parent: CommandUnknownOpts,
  name: string,
  description: string,
  teaching: Teaching,
) {
  const command = new Command(name)
    .copyInheritedSettings(parent)
    .description(description)
    .option("--json", "answer in JSON")
    .addOption(textOption("--cache <folder>", "the cache folder"))
    .addHelpText("after", () => teachingText(teaching));
  parent.addCommand(command);
  return command;
}

function teachingText({ columns, notes, examples }: Teaching): string {
  const blocks: string[] = [];
  if (columns !== undefined) blocks.push(section("Columns:", columns));
  if (notes !== undefined) blocks.push(`\n${notes}`);
  blocks.push(
    [
      "\nExamples:",
      ...examples.flatMap(([line, what]) => [`  # ${what}`, `  ${line}`]),
    ].join("\n"),
  );
  return blocks.join("\n");
}

function section(
  title: string,
  entries: readonly (readonly [name: string, meaning: string])[],
): string {
  const width = Math.max(...entries.map(([name]) => name.length));
  return [
    `\n${title}`,
    ...entries.map(([name, meaning]) => `  ${name.padEnd(width)}  ${meaning}`),
  ].join("\n");
}
