/**
 * `hither cache rm`: deletes records.
 *
 * @module
 */

import type { CommandUnknownOpts } from "npm:@commander-js/extra-typings@^15";
import { makeCommand } from "../command.ts";
import { UsageError } from "../errors.ts";
import { Filter, filterOf, isFiltered } from "../filters.ts";
import { interruptible } from "../interrupt.ts";
import { resolveKey } from "../keys.ts";
import { inSession } from "../session.ts";

/** Adds the command. */
export function addRemove(cache: CommandUnknownOpts): void {
  makeCommand(cache, "rm", "delete records", {
    notes:
      "The key of each deleted record is printed. Its blobs go with the next\nhither cache gc, unless other records have them.",
    examples: [
      ["hither cache rm 3f2a91 77b0", "two records"],
      [
        "hither cache rm --function simulate --failed",
        "the kept errors of a function",
      ],
    ],
  })
    .argument("[keys...]", "keys, or their first digits")
    .addOption(Filter.FUNCTION)
    .addOption(Filter.VERSION)
    .addOption(Filter.LABEL)
    .addOption(Filter.FAILED)
    .option("--dry-run", "print what would be deleted, delete nothing")
    .action((given, options, command) =>
      inSession(command, async (session) => {
        if ((given.length > 0) === isFiltered(options)) {
          throw new UsageError(
            "Cannot tell what to delete: give either keys, or --function, --version-of, --label or --failed",
          );
        }
        const cache = options.dryRun
          ? await session.read()
          : await session.write();
        const keys = given.length > 0
          ? given.map((digits) => resolveKey(cache, digits))
          : Array.from(cache.records(filterOf(options)), ({ key }) => key);
        await interruptible(async (signal) => {
          for (const [i, key] of keys.entries()) {
            // Ctrl-C is heard between two turns.
            if (i % 100 === 99) await new Promise((next) => setTimeout(next));
            signal.throwIfAborted();
            if (!options.dryRun && !cache.delete(key)) continue;
            if (session.json) session.out.json({ key });
            else session.out.line(key);
          }
        });
      })
    );
}
