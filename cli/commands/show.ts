/**
 * `hither cache show`: all about one record.
 *
 * @module
 */

import { bold } from "jsr:@std/fmt@^1/colors";
import type { CommandUnknownOpts } from "npm:@commander-js/extra-typings@^15";
import type { RecordDescription } from "../../lib/cache/report.ts";
import { previewOf } from "../../lib/value/preview.ts";
import type { Modules } from "../../lib/code/snapshot.ts";
import { codeFiles } from "../code_files.ts";
import { makeCommand } from "../command.ts";
import { Failure, UsageError } from "../errors.ts";
import { resolveKey } from "../keys.ts";
import type { Output } from "../output.ts";
import { inSession } from "../session.ts";
import { plain } from "../table.ts";
import { dateTime, duration, size } from "../units.ts";
import { inspected, isJson, type ReadValue, readValue } from "../value.ts";

/** Adds the command. */
export function addShow(cache: CommandUnknownOpts): void {
  makeCommand(cache, "show", "show all about one record", {
    notes:
      "--value prints the result alone: as JSON where it is plain JSON, else as\nDeno.inspect shows it. Looking at a value runs no code from the cache.",
    examples: [
      ["hither cache show 3f2a91", "where, when and from what it was made"],
      [
        "hither cache show 3f2a91 --value | jq .mean",
        "the result, for another program",
      ],
    ],
  })
    .argument("<key>", "the key, or its first digits")
    .option("--value", "print the result or error alone")
    .option("--console", "print what the job printed alone")
    .action((given, options, command) =>
      inSession(command, async (session) => {
        const { out, json } = session;
        if (options.value && options.console) {
          throw new UsageError(
            "Cannot print the value alone and the console alone: leave out --value or --console",
          );
        }
        const cache = await session.read();
        const key = resolveKey(cache, given);
        const record = cache.describe(key);
        if (record === undefined) throw gone(key);
        if (options.console) {
          for (const line of record.console) {
            if (json) out.json(line);
            else out.raw(harmless(line.text));
          }
          return;
        }
        const value = await readValue(cache, key);
        if (options.value) return printValue(out, value, json);
        const modules = await codeFiles(cache, record.fn.code);
        if (json) out.json({ ...record, modules, ...valueFields(value) });
        else printRecord(out, record, modules ?? {}, value);
      })
    );
}

function gone(key: string): Failure {
  return new Failure(
    `Cannot show ${key} as its record is damaged or was just deleted: hither cache verify tells`,
  );
}

function printValue(out: Output, read: ReadValue, json: boolean): void {
  if (read.kind === "unreadable") {
    throw new Failure(`Cannot show the value: ${read.why}`);
  }
  if (json) out.json(valueFields(read));
  else if (isJson(read.value)) out.line(JSON.stringify(read.value, null, 2));
  else out.line(harmless(inspected(read.value)));
}

/** A text that moves no cursor and changes no colour where somebody sees it; as it is in a pipe. */
function harmless(text: string): string {
  return Deno.stdout.isTerminal()
    ? text.split("\n").map((line) => line.split("\t").map(plain).join("\t"))
      .join("\n")
    : text;
}

/** What JSON tells of a value: itself where it is JSON, else how it looks. */
function valueFields(read: ReadValue): Record<string, unknown> {
  if (read.kind === "unreadable") return { unreadable: read.why };
  return isJson(read.value)
    ? { value: read.value }
    : { inspected: inspected(read.value) };
}

function printRecord(
  out: Output,
  record: RecordDescription,
  modules: Modules,
  read: ReadValue,
): void {
  const { fn } = record;
  out.line(bold(plain(`${fn.name} ${fn.version}(${record.preview})`)));
  const fields: [name: string, text: string | undefined][] = [
    ["key", record.key],
    ["status", record.status + (record.pinned ? ", pinned" : "")],
    ["value", preview(read)],
    ["size", size(record.bytes)],
    [
      "called",
      `${dateTime(record.startedAt)}, took ${duration(record.duration)}`,
    ],
    ["stored", dateTime(record.storedAt)],
    ["last used", dateTime(record.usedAt).slice(0, 10)],
    ["where", [record.host, record.versions].filter(Boolean).join(", ")],
    ["module", fn.module],
    ["label", fn.label],
    ["source", fn.source],
    ["code", fn.code],
  ];
  const width = Math.max(...fields.map(([name]) => name.length));
  for (const [name, text] of fields) {
    if (text) out.line(`  ${name.padEnd(width)}  ${plain(text)}`);
  }
  const list = (title: string, lines: readonly string[]) => {
    if (lines.length === 0) return;
    out.line(bold(title));
    for (const line of lines) out.line(`  ${plain(line)}`);
  };
  list(
    "arguments",
    record.parts.map(({ path, text }) => `${path}  ${text ?? "(long)"}`),
  );
  list("made from", record.upstream);
  list(
    "modules",
    Object.entries(modules).map(([name, value]) => `${name}  ${value}`),
  );
  list(
    "blobs",
    record.blobs.map(({ digest, bytes }) => `${digest}  ${size(bytes)}`),
  );
  list(
    "console",
    record.console.map(({ stream, text }) =>
      `${stream}  ${text.replace(/\n$/, "")}`
    ),
  );
}

/** A value in one line. */
function preview(read: ReadValue): string {
  if (read.kind === "unreadable") return `cannot be shown: ${read.why}`;
  return previewOf([read.value], 200);
}
