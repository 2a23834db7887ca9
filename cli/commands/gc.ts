/**
 * `hither cache gc`: deletes what is over the limits, and what nothing refers to.
 *
 * @module
 */

import type { CommandUnknownOpts } from "npm:@commander-js/extra-typings@^15";
import { makeCommand } from "../command.ts";
import { interruptible } from "../interrupt.ts";
import { measureOption } from "../options.ts";
import { makeProgress } from "../progress.ts";
import { inSession } from "../session.ts";
import { count, parseDuration, parseSize, size } from "../units.ts";

/** Adds the command. */
export function addCollect(cache: CommandUnknownOpts): void {
  makeCommand(cache, "gc", "delete what is over the limits or unused", {
    notes:
      "Without limits, only blobs that no record names are deleted. Those of deleted\nrecords go at once; others may be of a program that is about to store a result,\nand are spared for the time of --grace. Over a limit, what is large, unused for\nlong and quickly computed goes first. What is pinned stays, with a warning if it\nis too much; what a program keeps by the option keep of its JobCache is not\nknown here. Sizes: 500MB, 10GB (10,000,000,000), 1.5GiB. Ages: 12h, 30d, 2w.",
    examples: [
      ["hither cache gc --max-size 10GB", "keep the cache below 10 GB"],
      ["hither cache gc --max-age 30d", "forget what nobody used for 30 days"],
      ["hither cache gc --grace 0s", "nothing runs with this cache now"],
    ],
  })
    .addOption(measureOption("--max-size <size>", "the most bytes on disk"))
    .addOption(
      measureOption("--max-age <time>", "the longest time since the last use"),
    )
    .addOption(
      measureOption(
        "--grace <time>",
        "spare blobs without a record that are younger (default: 1h)",
      ),
    )
    .action((options, command) =>
      inSession(command, async (session) => {
        const maxSize = options.maxSize === undefined
          ? undefined
          : parseSize(options.maxSize);
        const maxAge = options.maxAge === undefined
          ? undefined
          : await parseDuration(options.maxAge);
        const grace = options.grace === undefined
          ? undefined
          : await parseDuration(options.grace, { least: 0 });
        const cache = await session.write();
        using progress = await makeProgress("gc");
        const report = await interruptible((signal) =>
          cache.gc({
            maxSize,
            maxAge,
            grace,
            signal,
            onProgress: progress.update,
          })
        );
        if (session.json) return session.out.json(report);
        session.out.line(
          `deleted ${count(report.records, "record")} and ${
            count(report.blobs, "blob")
          }, ${size(report.bytes)}; ${size(report.left)} left`,
        );
      })
    );
}
