/**
 * `hither cache ls`: the records of a cache.
 *
 * @module
 */

import {
  type CommandUnknownOpts,
  Option,
} from "npm:@commander-js/extra-typings@^15";
import type { RecordSummary } from "../../lib/cache/report.ts";
import { makeCommand } from "../command.ts";
import { Filter, filterOf, tellNone } from "../filters.ts";
import { shortKey } from "../keys.ts";
import { terminalWidth } from "../output.ts";
import { inSession } from "../session.ts";
import { type Column, tableLines } from "../table.ts";
import { age, duration, parseLimit, size } from "../units.ts";

const COLUMNS: readonly Column<RecordSummary>[] = [
  { title: "KEY", cell: ({ key }) => shortKey(key) },
  { title: "FUNCTION", cell: ({ fn }) => fn.name },
  { title: "VERSION", cell: ({ fn }) => fn.version },
  {
    title: "STATUS",
    cell: ({ status, pinned }) => status + (pinned ? " *" : ""),
  },
  { title: "SIZE", align: "right", cell: ({ bytes }) => size(bytes) },
  { title: "TOOK", align: "right", cell: (row) => duration(row.duration) },
  { title: "AGE", align: "right", cell: ({ storedAt }) => age(storedAt) },
  { title: "USED", align: "right", cell: ({ usedAt }) => dayAge(usedAt) },
  { title: "ARGUMENTS", cell: ({ preview }) => preview },
];

const DAY = 86_400_000;

type Order = (a: RecordSummary, b: RecordSummary) => number;

/** The most first. By time is the order in which a cache lists. */
const ORDERS: Readonly<Record<"size" | "duration" | "use", Order>> = {
  size: (a, b) => b.bytes - a.bytes,
  duration: (a, b) => b.duration - a.duration,
  use: (a, b) => b.usedAt - a.usedAt,
};

/** Adds the command. */
export function addList(cache: CommandUnknownOpts): void {
  makeCommand(cache, "ls", "list records, the latest first", {
    columns: [
      [
        "KEY",
        "the first 12 digits of the job's key: these will do",
      ],
      ["FUNCTION, VERSION", "what was run"],
      ["STATUS", "finished or error; * if it is pinned"],
      ["SIZE", "of the result, large arrays and files included"],
      ["TOOK", "how long the job ran"],
      ["AGE", "how long ago it was stored"],
      ["USED", "how long ago it was last used, to a day"],
      ["ARGUMENTS", "as one would write them, cut short"],
    ],
    notes: "With --json: one record a line.",
    examples: [
      [
        "hither cache ls --function simulate --sort duration",
        "the longest runs of a function",
      ],
      [
        "hither cache ls --failed --limit all --json",
        "all kept errors, for a program",
      ],
    ],
  })
    .addOption(Filter.FUNCTION)
    .addOption(Filter.VERSION)
    .addOption(Filter.LABEL)
    .addOption(Filter.FAILED)
    .addOption(
      new Option("--sort <what>", "the most first").choices(
        ["time", "size", "duration", "use"],
      ).default("time"),
    )
    .option("--limit <count>", "how many at most; all for no limit", "20")
    .action((options, command) =>
      inSession(command, async (session) => {
        const limit = parseLimit(options.limit);
        const cache = await session.read();
        const rows = options.sort === "time"
          ? cache.records({ ...filterOf(options), limit })
          : most(cache.records(filterOf(options)), ORDERS[options.sort], limit);
        if (session.json) {
          for (const row of rows) session.out.json(row);
          return;
        }
        const all = [...rows];
        if (all.length === 0) await tellNone(session, cache, options);
        const lines = tableLines(COLUMNS, all, terminalWidth());
        for (const line of lines) session.out.line(line);
      })
    );
}

/** The first so many in an order; no more than twice as many are kept meanwhile. */
function most<T>(
  items: Iterable<T>,
  order: (a: T, b: T) => number,
  limit = Infinity,
): T[] {
  let kept: T[] = [];
  for (const item of items) {
    kept.push(item);
    if (kept.length >= 2 * limit) kept = kept.sort(order).slice(0, limit);
  }
  return kept.sort(order).slice(0, limit);
}

/** The age of a day, as uses are known to the day. */
function dayAge(moment: number): string {
  const days = Math.floor((Date.now() - moment) / DAY);
  return days <= 0 ? "today" : `${days}d`;
}
