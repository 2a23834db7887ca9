/**
 * `hither log`: what was computed lately, one line each.
 *
 * @module
 */

import type { CommandUnknownOpts } from "npm:@commander-js/extra-typings@^15";
import type { RecordSummary } from "../../lib/cache/report.ts";
import { makeCommand } from "../command.ts";
import { Filter, filterOf, tellNone } from "../filters.ts";
import { shortKey } from "../keys.ts";
import { terminalWidth } from "../output.ts";
import { inSession } from "../session.ts";
import { cut, plain } from "../table.ts";
import { dateTime, duration, parseLimit } from "../units.ts";

/** Adds the command. */
export function addLog(program: CommandUnknownOpts): void {
  makeCommand(program, "log", "list what was computed lately, one line each", {
    columns: [
      ["when", "it was stored, in the time zone of this machine"],
      ["key", "its first 12 digits"],
      ["where", "the machine that ran it"],
      ["how", "ok or error, and how long it took"],
      ["what", "function, version and arguments"],
    ],
    notes: "With --json: one record a line, as hither cache ls.",
    examples: [
      ["hither log", "the latest 20"],
      ["hither log --limit all --failed", "every error that was kept"],
    ],
  })
    .addOption(Filter.FUNCTION)
    .addOption(Filter.VERSION)
    .addOption(Filter.LABEL)
    .addOption(Filter.FAILED)
    .option("--limit <count>", "how many at most; all for no limit", "20")
    .action((options, command) =>
      inSession(command, async (session) => {
        const limit = parseLimit(options.limit);
        const cache = await session.read();
        const width = terminalWidth();
        let isEmpty = true;
        for (const row of cache.records({ ...filterOf(options), limit })) {
          isEmpty = false;
          if (session.json) session.out.json(row);
          else session.out.line(cut(lineOf(row), width));
        }
        if (isEmpty && !session.json) await tellNone(session, cache, options);
      })
    );
}

function lineOf(row: RecordSummary): string {
  const { fn, key, host, status, preview } = row;
  return plain(
    [
      dateTime(row.storedAt),
      shortKey(key),
      host || "-",
      status === "finished" ? "ok   " : "error",
      duration(row.duration).padStart(7),
      `${fn.name} ${fn.version}(${preview})`,
    ].join("  "),
  );
}
