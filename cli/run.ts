/**
 * From a command line to an exit code.
 *
 * @module
 */

import { setColorEnabled } from "jsr:@std/fmt@^1/colors";
import { CommanderError } from "npm:@commander-js/extra-typings@^15";
import { errorText } from "../lib/error_text.ts";
import { Interrupt, UsageError } from "./errors.ts";
import { ClosedOutput } from "./output.ts";
import { makeProgram } from "./program.ts";

/** Exit codes, as `hither --help` lists them. */
const Exit = { FINE: 0, FAILED: 1, USAGE: 2, INTERRUPTED: 130 } as const;

/** Runs the command; never rejects. */
export async function run(args: readonly string[]): Promise<number> {
  setColorEnabled(Deno.stdout.isTerminal() && !Deno.noColor);
  try {
    await makeProgram().parseAsync(args, { from: "user" });
    return Exit.FINE;
  } catch (error) {
    if (error instanceof CommanderError) {
      // Commander has said why; asked for help or the version, it ends in this way as well.
      return error.exitCode === 0 ? Exit.FINE : Exit.USAGE;
    }
    // Whoever read has enough (`| head`).
    if (error instanceof ClosedOutput) return Exit.FINE;
    const text = errorText(error);
    if (text !== "") console.error(`hither: ${text}`);
    if (error instanceof Interrupt) return Exit.INTERRUPTED;
    return error instanceof UsageError ? Exit.USAGE : Exit.FAILED;
  }
}
