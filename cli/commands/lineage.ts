/**
 * `hither lineage`: the jobs that made a value.
 *
 * @module
 */

import type { CommandUnknownOpts } from "npm:@commander-js/extra-typings@^15";
import { makeCommand } from "../command.ts";
import { Failure, UsageError } from "../errors.ts";
import { resolveKey, shortKey } from "../keys.ts";
import { type LineageNode, lineageOf, treeLines } from "../lineage.ts";
import type { Output } from "../output.ts";
import { inSession } from "../session.ts";
import { plain } from "../table.ts";
import { dateTime, duration } from "../units.ts";

/** Adds the command. */
export function addLineage(program: CommandUnknownOpts): void {
  makeCommand(program, "lineage", "show the jobs that made a value", {
    columns: [
      ["tree", "below each job, the jobs among its arguments"],
      [
        "line",
        "function, version, arguments; key; code; when and where",
      ],
      [
        "code",
        "digest of its modules, else of its own text, cut short",
      ],
      ["(above)", "a job that several others took: drawn once"],
      ["(not in this cache)", "its record was deleted or never kept"],
    ],
    notes: "With --json: one document with nodes and edges.",
    examples: [
      ["hither lineage 3f2a91", "the whole tree"],
      [
        "hither lineage 3f2a91 --mermaid > lineage.mmd",
        "as a graph for a document",
      ],
    ],
  })
    .argument("<key>", "the key, or its first digits")
    .option(
      "--depth <count>",
      "how many jobs deep to go; all of them by default",
    )
    .option("--mermaid", "print a graph for Mermaid")
    .action((given, options, command) =>
      inSession(command, async (session) => {
        if (session.json && options.mermaid) {
          throw new UsageError(
            "Cannot print a lineage both in JSON and for Mermaid: leave out --json or --mermaid",
          );
        }
        const depth = parseDepth(options.depth);
        const cache = await session.read();
        const key = resolveKey(cache, given);
        const nodes = lineageOf(key, (each) => cache.describe(each), depth);
        if (nodes.get(key)?.record === undefined) {
          throw new Failure(
            `Cannot show the lineage of ${key} as its record is damaged or was just deleted: hither cache verify tells`,
          );
        }
        if (session.json) session.out.json(graphOf(key, nodes));
        else if (options.mermaid) printMermaid(session.out, nodes);
        else printTree(session.out, key, nodes);
      })
    );
}

function parseDepth(text: string | undefined): number {
  if (text === undefined) return Infinity;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new UsageError(
    `Cannot take "${text}" as a depth: it must be a whole number`,
  );
}

type Nodes = ReadonlyMap<string, LineageNode>;

/** Nodes and edges; edges lead from a job to those it took, also beyond the depth. */
function graphOf(root: string, nodes: Nodes): Record<string, unknown> {
  const all = [...nodes.values()];
  return {
    root,
    nodes: all.map(({ key, record, depth }) =>
      record === undefined
        ? { key, depth, missing: true }
        : { key, depth, missing: false, ...without(record) }
    ),
    edges: all.flatMap(({ key, upstream }) =>
      upstream.map((to) => ({ from: key, to }))
    ),
  };
}

/** A record without what belongs to `hither cache show`. */
function without(
  { console: _, blobs: __, upstream: ___, ...rest }: NonNullable<
    LineageNode["record"]
  >,
): Record<string, unknown> {
  return rest;
}

function printTree(out: Output, root: string, nodes: Nodes): void {
  for (const { indent, node, again } of treeLines(root, nodes)) {
    out.line(indent + plain(again ? `${nameOf(node)}  (above)` : lineOf(node)));
  }
}

function nameOf({ key, record }: LineageNode): string {
  return record === undefined
    ? shortKey(key)
    : `${record.fn.name} ${record.fn.version}(${record.preview})  ${
      shortKey(key)
    }`;
}

function lineOf(node: LineageNode): string {
  const { record } = node;
  if (record === undefined) return `${nameOf(node)}  (not in this cache)`;
  const { fn, startedAt, host } = record;
  return [
    nameOf(node),
    `code ${shortKey(fn.code || fn.source)}`,
    `${dateTime(startedAt)}, ${duration(record.duration)}${
      host && `, ${host}`
    }`,
    ...record.status === "error" ? ["error"] : [],
  ].join("  ");
}

/** Arrows lead the way of the data. */
function printMermaid(out: Output, nodes: Nodes): void {
  out.line("flowchart BT");
  const ids = new Map<string, string>();
  for (const { key, record } of nodes.values()) {
    const id = `j${ids.size}`;
    ids.set(key, id);
    const label = record === undefined
      ? `${shortKey(key)}<br>not in this cache`
      : `${escaped(`${record.fn.name} ${record.fn.version}`)}<br>${
        escaped(record.preview)
      }<br>${duration(record.duration)}`;
    out.line(`  ${id}["${label}"]`);
  }
  for (const { key, upstream } of nodes.values()) {
    for (const from of upstream) {
      if (ids.has(from)) out.line(`  ${ids.get(from)} --> ${ids.get(key)}`);
    }
  }
}

/** A text within the quotes of a Mermaid label. */
function escaped(text: string): string {
  return plain(text).replaceAll(
    /[^\w .,:;=+*/()[\]{}-]/gu,
    (character) => `#${character.codePointAt(0)};`,
  );
}
