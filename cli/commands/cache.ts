/**
 * `hither cache`: the commands that look after a cache.
 *
 * @module
 */

import {
  Command,
  type CommandUnknownOpts,
} from "npm:@commander-js/extra-typings@^15";
import { addExport } from "./export.ts";
import { addImport } from "./import.ts";
import { addKeygen } from "./keygen.ts";
import { addList } from "./ls.ts";
import { addPins } from "./pins.ts";
import { addRemove } from "./rm.ts";
import { addShow } from "./show.ts";
import { addStats } from "./stats.ts";
import { addCollect } from "./gc.ts";
import { addVerify } from "./verify.ts";

const AFTER = `
Examples:
  # how much there is, and what it has saved
  hither cache stats
  # keep it below 10 GB
  hither cache gc --max-size 10GB`;

/** Adds the command and those below it. */
export function addCacheCommands(program: CommandUnknownOpts): void {
  const cache = new Command("cache")
    .copyInheritedSettings(program)
    .description("look after a cache: list, show, check, delete")
    .option("--json", "answer in JSON")
    .option("--cache <folder>", "the cache folder")
    .enablePositionalOptions()
    .addHelpText("after", AFTER);
  program.addCommand(cache);
  addList(cache);
  addShow(cache);
  addStats(cache);
  addVerify(cache);
  addCollect(cache);
  addRemove(cache);
  addPins(cache);
  addExport(cache);
  addImport(cache);
  addKeygen(cache);
}
