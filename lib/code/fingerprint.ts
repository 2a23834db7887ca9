/**
 * The fingerprint of a source file: of what it does, not of how it is written.
 * It is the digest of the syntax tree of the JavaScript that is run, so that
 * comments, white space and types do not count. Runs in a process of its own.
 *
 * @module
 */

import { stripTypeScriptTypes } from "node:module";
import { type Node, parse } from "npm:acorn@^8";
import { sha256 } from "../value/sha256.ts";

/** What is known of a source file. */
export interface Fingerprint {
  /** 64 hexadecimal digits. */
  readonly digest: string;
  /** The specifiers that are imported for their types alone: such imports are not run. */
  readonly typesOnly: readonly string[];
}

/** How the text of a file becomes what is run. */
export interface Language {
  /** As `deno info` names it: `TypeScript`, `JavaScript`, `Mjs`, `Mts` … */
  readonly mediaType: string;
  /** Whether imports that are used as types alone are run all the same (`verbatimModuleSyntax`). */
  readonly verbatim: boolean;
}

const TYPESCRIPT = new Set(["TypeScript", "Mts"]);
const JAVASCRIPT = new Set(["JavaScript", "Mjs"]);

/** The digest of some bytes as they are. */
export function digestOf(bytes: Uint8Array): string {
  return sha256(bytes).toHex();
}

/** The fingerprint of a file. What is no script, or cannot be parsed, is taken as it is. */
export function fingerprintOf(
  bytes: Uint8Array,
  language: Language,
): Fingerprint {
  const isTyped = TYPESCRIPT.has(language.mediaType);
  if (isTyped || JAVASCRIPT.has(language.mediaType)) {
    const text = new TextDecoder().decode(bytes);
    try {
      return isTyped
        ? ofTyped(text, language.verbatim)
        : { digest: ofTree(parseModule(text)), typesOnly: [] };
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
    }
  }
  return { digest: digestOf(bytes), typesOnly: [] };
}

/** The fingerprint of the text of a function that no module holds. */
export function fingerprintOfFunction(source: string): string {
  for (const text of [`(${source})`, `({${source}})`]) {
    try {
      return ofTree(parseModule(text));
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
    }
  }
  return digestOf(new TextEncoder().encode(source));
}

function parseModule(text: string): Tree {
  return parse(text, {
    ecmaVersion: "latest",
    sourceType: "module",
    allowHashBang: true,
  }) as Node as Tree;
}

/** A node of the syntax tree, seen as an object like any other. */
interface Tree extends Node {
  readonly [name: string]: unknown;
}

interface Import extends Tree {
  readonly specifiers: readonly (Tree & { local: { name: string } })[];
  readonly source: { readonly value: string };
}

function ofTyped(text: string, verbatim: boolean): Fingerprint {
  const { code, isInPlace } = withoutTypes(text);
  const tree = parseModule(code);
  const body = tree.body as readonly Tree[];
  const names = new Set<string>();
  for (const statement of body) {
    if (statement.type !== "ImportDeclaration") noteNames(statement, names);
  }
  const typesOnly = new Set<string>();
  const needed = new Set<string>();
  const kept = body.flatMap((statement) => {
    if (statement.type !== "ImportDeclaration" || verbatim) return [statement];
    const declaration = statement as Import;
    const original = text.slice(statement.start, statement.end);
    const used = declaration.specifiers.filter(({ local }) =>
      names.has(local.name)
    );
    // `import "x"` and `import {} from "x"` are there for what they do.
    const isRun = used.length > 0 ||
      declaration.specifiers.length === 0 &&
        !(isInPlace && /^import\s*\{[^}]*\btype\b/.test(original));
    (isRun ? needed : typesOnly).add(declaration.source.value);
    return isRun ? [{ ...declaration, specifiers: used }] : [];
  });
  return {
    digest: ofTree({ ...tree, body: kept }),
    typesOnly: [...typesOnly.difference(needed)],
  };
}

/** Takes the types away; in place where that is enough, so that positions stay. */
function withoutTypes(text: string): { code: string; isInPlace: boolean } {
  try {
    return {
      code: stripTypeScriptTypes(text, { mode: "strip" }),
      isInPlace: true,
    };
  } catch {
    // An enum, a namespace, a parameter property: these are translated.
    return { code: transformed(text), isInPlace: false };
  }
}

function transformed(text: string): string {
  try {
    return stripTypeScriptTypes(text, { mode: "transform" });
  } catch (cause) {
    throw new SyntaxError("it cannot be parsed", { cause });
  }
}

function noteNames(node: unknown, names: Set<string>): void {
  if (typeof node !== "object" || node === null) return;
  const { type, name } = node as Tree;
  if (type === "Identifier") names.add(name as string);
  for (const child of Object.values(node)) noteNames(child, names);
}

function ofTree(tree: Tree): string {
  const parts: string[] = [];
  const body = (tree.body as readonly Tree[]).filter((statement) =>
    !isForMain(statement)
  );
  write({ ...tree, body }, parts);
  return digestOf(new TextEncoder().encode(parts.join("")));
}

/** Whether a statement is what a script does when it is started: no worker does it, so no function may rely on it. */
function isForMain({ type, test, alternate }: Tree): boolean {
  if (type !== "IfStatement" || alternate !== null) return false;
  const { object, property } = test as {
    readonly object?: Tree;
    readonly property?: { readonly name?: string };
  };
  // The only property of that kind besides `new.target`, which has no `main`.
  return object?.type === "MetaProperty" && property?.name === "main";
}

/** Where a node stands, and how a literal is spelt, is no part of what it does. */
const IGNORED = new Set(["start", "end", "loc", "range"]);

function write(value: unknown, parts: string[]): void {
  if (Array.isArray(value)) {
    parts.push("[");
    for (const item of value) write(item, parts);
    parts.push("]");
  } else if (typeof value === "object" && value !== null) {
    parts.push("{");
    const { type, regex } = value as Tree;
    for (const name of Object.keys(value).sort()) {
      if (IGNORED.has(name)) continue;
      // A template keeps its raw text in an object of its own, which has no type.
      if (type === "Literal" && name === "raw") continue;
      if (regex !== undefined && name === "value") continue;
      parts.push(JSON.stringify(name));
      write((value as Tree)[name], parts);
    }
    parts.push("}");
  } else {
    parts.push(
      typeof value === "string" ? JSON.stringify(value) : `${String(value)},`,
    );
  }
}
