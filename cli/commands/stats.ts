/**
 * `hither cache stats`: how much a cache holds, and what it has saved.
 *
 * @module
 */

import { bold } from "jsr:@std/fmt@^1/colors";
import type { CommandUnknownOpts } from "npm:@commander-js/extra-typings@^15";
import type { RecordSummary } from "../../lib/cache/report.ts";
import { makeCommand } from "../command.ts";
import { terminalWidth } from "../output.ts";
import { inSession } from "../session.ts";
import { type Column, tableLines } from "../table.ts";
import { dateTime, duration, size } from "../units.ts";

/** What the records of one version of a function come to. */
interface FunctionTotal {
  readonly name: string;
  readonly version: string;
  records: number;
  errors: number;
  bytes: number;
  /** In ms. */
  duration: number;
}

const COLUMNS: readonly Column<FunctionTotal>[] = [
  { title: "FUNCTION", cell: ({ name }) => name },
  { title: "VERSION", cell: ({ version }) => version },
  { title: "RECORDS", align: "right", cell: (row) => String(row.records) },
  { title: "ERRORS", align: "right", cell: (row) => String(row.errors) },
  { title: "SIZE", align: "right", cell: ({ bytes }) => size(bytes) },
  {
    title: "MEAN",
    align: "right",
    cell: (row) => duration(row.duration / row.records),
  },
  { title: "TOTAL", align: "right", cell: (row) => duration(row.duration) },
];

/** Adds the command. */
export function addStats(cache: CommandUnknownOpts): void {
  makeCommand(
    cache,
    "stats",
    "count what a cache holds and what it has saved",
    {
      columns: [
        [
          "RECORDS, ERRORS",
          "how many are kept of a function; how many of them are errors",
        ],
        ["SIZE", "of their results; equal blobs are one file on disk"],
        ["MEAN, TOTAL", "how long they took to compute"],
      ],
      examples: [
        ["hither cache stats", "the folder, its size, the time saved by hits"],
        ["hither cache stats --json | jq .saved", "the time saved, in ms"],
      ],
    },
  ).action((_options, command) =>
    inSession(command, async (session) => {
      const { out, json } = session;
      const cache = await session.read();
      const { records, blobs, bytes, saved } = cache.stats();
      const { functions, oldest, newest } = totals(cache.records());
      // What cannot be read is not nothing.
      await session.requireUsable();
      if (json) {
        out.json({
          path: cache.path,
          records,
          blobs,
          bytes,
          saved,
          oldest,
          newest,
          functions,
        });
        return;
      }
      const fields = [
        ["folder", cache.path],
        ["records", String(records)],
        ["blobs", String(blobs)],
        ["on disk", size(bytes)],
        ["saved by hits", duration(saved)],
        ["oldest", oldest === null ? "" : dateTime(oldest)],
        ["newest", newest === null ? "" : dateTime(newest)],
      ] as const;
      for (const [name, text] of fields) {
        if (text !== "") out.line(`${bold(name.padEnd(13))}  ${text}`);
      }
      if (functions.length === 0) return;
      out.line();
      for (const line of tableLines(COLUMNS, functions, terminalWidth())) {
        out.line(line);
      }
    })
  );
}

/** Sums by function, the longest computed first; the moments of the first and last storing. */
function totals(records: Iterable<RecordSummary>): {
  functions: FunctionTotal[];
  oldest: number | null;
  newest: number | null;
} {
  const functions = new Map<string, FunctionTotal>();
  let oldest: number | null = null;
  let newest: number | null = null;
  for (const { fn, status, bytes, duration, storedAt } of records) {
    const id = JSON.stringify([fn.name, fn.version]);
    let total = functions.get(id);
    if (total === undefined) {
      const { name, version } = fn;
      total = { name, version, records: 0, errors: 0, bytes: 0, duration: 0 };
      functions.set(id, total);
    }
    total.records++;
    if (status === "error") total.errors++;
    total.bytes += bytes;
    total.duration += duration;
    oldest = Math.min(oldest ?? storedAt, storedAt);
    newest = Math.max(newest ?? storedAt, storedAt);
  }
  return {
    functions: [...functions.values()].sort((a, b) => b.duration - a.duration),
    oldest,
    newest,
  };
}
