/**
 * The jobs that made a value, as far as a cache knows them.
 *
 * @module
 */

import type { RecordDescription } from "../lib/cache/report.ts";

/** A job and those among its arguments. */
export interface LineageNode {
  readonly key: string;
  /** `undefined` where the cache has no record of it. */
  readonly record: RecordDescription | undefined;
  /** The keys of the jobs among its arguments, each once. */
  readonly upstream: readonly string[];
  /** How many jobs lie between it and the value that was asked for, at least. */
  readonly depth: number;
}

/**
 * The jobs that made a value, by key; the nearest first.
 *
 * @param depth How far to go; what lies beyond has no node.
 */
export function lineageOf(
  root: string,
  describe: (key: string) => RecordDescription | undefined,
  depth = Infinity,
): Map<string, LineageNode> {
  const nodes = new Map<string, LineageNode>();
  let level = [root];
  for (let at = 0; level.length > 0 && at <= depth; at++) {
    const next: string[] = [];
    for (const key of level) {
      if (nodes.has(key)) continue;
      const record = describe(key);
      const upstream = [...new Set(record?.upstream)].filter(Boolean);
      nodes.set(key, { key, record, upstream, depth: at });
      next.push(...upstream);
    }
    level = next;
  }
  return nodes;
}

/** One line of a tree. */
export interface TreeLine {
  /** What stands before the text: `│  ├─ `. */
  readonly indent: string;
  readonly node: LineageNode;
  /** Whether it was drawn before, with what is below it. */
  readonly again: boolean;
}

/** The lines of the tree of a lineage. */
export function* treeLines(
  root: string,
  nodes: ReadonlyMap<string, LineageNode>,
): Iterable<TreeLine> {
  const drawn = new Set<string>();
  // A stack and no recursion: chains of jobs may be long.
  const open = [{ key: root, indent: "", below: "" }];
  for (let item = open.pop(); item !== undefined; item = open.pop()) {
    const node = nodes.get(item.key)!;
    const again = drawn.has(item.key) && node.upstream.length > 0;
    yield { indent: item.indent, node, again };
    drawn.add(item.key);
    if (again) continue;
    const upstream = node.upstream.filter((key) => nodes.has(key));
    for (const [i, key] of [...upstream.entries()].reverse()) {
      const isLast = i === upstream.length - 1;
      open.push({
        key,
        indent: item.below + (isLast ? "└─ " : "├─ "),
        below: item.below + (isLast ? "   " : "│  "),
      });
    }
  }
}
