/**
 * `hither completions`: a script that lets a shell complete command lines, and
 * the hidden `hither complete` that it asks.
 *
 * @module
 */

import {
  Argument,
  Command,
  type CommandUnknownOpts,
} from "npm:@commander-js/extra-typings@^15";
import type { Completion } from "../completion.ts";
import { completionScript, SHELLS } from "../completion_scripts.ts";
import { inSession, type Session } from "../session.ts";
import { plain } from "../table.ts";

/** Adds the commands. */
export function addCompletions(program: CommandUnknownOpts): void {
  const completions = new Command("completions")
    .copyInheritedSettings(program)
    .description("print a script that completes command lines in a shell")
    .addArgument(
      new Argument("<shell>", "which one").choices(SHELLS),
    )
    .addHelpText(
      "after",
      `
Functions, labels and keys complete from the cache.

Examples:
  # bash: in ~/.bashrc
  source <(hither completions bash)
  # fish
  hither completions fish > ~/.config/fish/completions/hither.fish`,
    )
    .action((shell) =>
      inSession(completions, ({ out }) => out.raw(completionScript(shell)))
    );
  program.addCommand(completions);
  const complete = new Command("complete")
    .copyInheritedSettings(program)
    .argument("[words...]")
    .action((words) =>
      inSession(complete, async (session) => {
        for (const line of await answer(program, words, session)) {
          session.out.line(line);
        }
      })
    );
  program.addCommand(complete, { hidden: true });
}

async function answer(
  program: CommandUnknownOpts,
  words: readonly string[],
  session: Session,
): Promise<string[]> {
  const { complete } = await import("../completion.ts");
  let completion: Completion;
  try {
    completion = await complete(program, words, (named) => session.read(named));
  } catch {
    // Who presses Tab does not want to be told that there is no cache.
    return [];
  }
  return typeof completion === "string"
    ? [`:${completion}`]
    : completion.map(({ value, what }) => `${plain(value)}\t${plain(what)}`);
}
