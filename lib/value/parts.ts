/**
 * What each part of the arguments contributes to a key: so that a miss can be
 * explained by the part that differs.
 *
 * @module
 */

import {
  contributionOf,
  type ContributionOptions,
  digestOf,
} from "./contribution.ts";
import { Kind, kindOf } from "./kinds.ts";
import { propertyStep } from "./path.ts";
import { previewOf } from "./preview.ts";

/** What one part of the arguments contributed to a key. */
export interface KeyPart {
  /** Where it stands, as `args[0].bandwidth`. */
  readonly path: string;
  /** The first 16 hexadecimal digits of its digest. */
  readonly digest: string;
  /** The part itself, where it is short, as one would write it. */
  readonly text?: string;
}

/** There are at most so many parts. */
const MAX_PARTS = 16;

/** Whether parts are all that there is, and not the first of more. */
export function areAll(parts: readonly KeyPart[]): boolean {
  return parts.length < MAX_PARTS;
}

/** How deep arguments are taken apart. */
const MAX_LEVEL = 2;

/** Text of more characters is left out. */
const MAX_TEXT = 24;

interface Node {
  readonly path: string;
  readonly value: unknown;
  readonly level: number;
}

/**
 * The parts of arguments that have been checked: each argument, or the parts that a plain
 * object or short array consists of, as long as there are at most 16.
 */
export function keyParts(
  args: readonly unknown[],
  options: ContributionOptions = {},
): KeyPart[] {
  const root = options.root ?? "args";
  const nodes = Array.from(
    args,
    (value, i) => ({ path: `${root}[${i}]`, value, level: 0 }),
  );
  return partsOf(nodes, options);
}

/** The parts of named values, likewise. */
export function namedParts(
  values: Readonly<Record<string, unknown>>,
  root: string,
): KeyPart[] {
  const nodes = Object.entries(values).map(([name, value]) => ({
    path: root + propertyStep(name),
    value,
    level: 0,
  }));
  return partsOf(nodes, {});
}

function partsOf(
  roots: readonly Node[],
  options: ContributionOptions,
): KeyPart[] {
  let nodes = roots;
  // Level by level, so that the parts of the last argument count as much as those of the first.
  for (let level = 0; level < MAX_LEVEL; level++) {
    let count = nodes.length;
    const next: Node[] = [];
    for (const node of nodes) {
      const children = node.level < level
        ? undefined
        : childrenOf(node, MAX_PARTS - count + 1);
      if (children === undefined) next.push(node);
      else {
        count += children.length - 1;
        next.push(...children);
      }
    }
    nodes = next;
  }
  return nodes.slice(0, MAX_PARTS).map((node) => part(node, options));
}

/** What a node consists of, unless that is nothing, or more than there is room for. */
function childrenOf(node: Node, room: number): Node[] | undefined {
  const { value, path, level } = node;
  if (typeof value !== "object" || value === null) return undefined;
  const kind = kindOf(value);
  let keys: (string | number)[];
  if (kind === Kind.PLAIN) {
    keys = Object.keys(value);
  } else if (kind === Kind.ARRAY && (value as unknown[]).length <= room) {
    keys = [...(value as unknown[]).keys()];
    if (Object.keys(value).length !== keys.length) return undefined;
  } else {
    return undefined;
  }
  if (keys.length === 0 || keys.length > room) return undefined;
  return keys.map((key) => ({
    path: path + propertyStep(key),
    // As the walk reads it, which a Proxy may answer otherwise than a mere access.
    value: Object.getOwnPropertyDescriptor(value, key)?.value,
    level: level + 1,
  }));
}

function part({ path, value }: Node, options: ContributionOptions): KeyPart {
  const contribution = contributionOf(value, { ...options, root: path });
  const digest = digestOf(contribution).subarray(0, 8).toHex();
  if (typeof value === "object" && value !== null) return { path, digest };
  if (typeof value === "string" && value.length > MAX_TEXT) {
    return { path, digest };
  }
  const text = previewOf([value]);
  return text.length > MAX_TEXT ? { path, digest } : { path, digest, text };
}
