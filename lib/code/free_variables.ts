/**
 * Which names a function's source text uses and does not define. Loaded only
 * where functions without a module can be: in a notebook, the REPL, `deno eval`.
 *
 * @module
 */

import { type Node, parse, type Program } from "npm:acorn@^8";
import { analyze } from "npm:eslint-scope@^9";

/** A name that a source text takes from outside, with the first line that uses it. */
export interface FreeVariable {
  readonly name: string;
  readonly line: string;
}

/**
 * The names that a function takes from outside of its own text; `import.meta`,
 * which only a module has, counts as one.
 *
 * @param source What `toString()` gives for the function.
 * @throws {SyntaxError} if the text is not that of a function: a native or bound one.
 */
export function freeVariables(source: string): FreeVariable[] {
  const { tree, shift } = parseFunction(source);
  // The two libraries describe the same tree with types of their own.
  const scopes = analyze(tree as Parameters<typeof analyze>[0], {
    ecmaVersion: 2022,
    sourceType: "module",
  });
  const found = new Map<string, FreeVariable>();
  const meta = findImportMeta(tree);
  if (meta !== undefined) {
    const line = lineAt(source, meta.start - shift);
    found.set("import.meta", { name: "import.meta", line });
  }
  for (const { identifier } of scopes.globalScope?.through ?? []) {
    const { name } = identifier;
    if (name === "arguments" || name in globalThis || found.has(name)) continue;
    const line = lineAt(source, identifier.range![0] - shift);
    found.set(name, { name, line });
  }
  return [...found.values()];
}

/** The tree of a function as an expression; that of a method is one only inside of an object. */
function parseFunction(source: string): { tree: Program; shift: number } {
  const options = {
    ecmaVersion: "latest",
    sourceType: "module",
    ranges: true,
  } as const;
  try {
    return { tree: parse(`(${source})`, options), shift: 1 };
  } catch (error) {
    try {
      return { tree: parse(`({${source}})`, options), shift: 2 };
    } catch {
      throw error;
    }
  }
}

/** Also where it is deep inside: a worker could not even read the text. */
function findImportMeta(node: Node): Node | undefined {
  if (node.type === "MetaProperty") {
    const { meta } = node as Node & {
      readonly meta: { readonly name: string };
    };
    return meta.name === "import" ? node : undefined;
  }
  for (const child of Object.values(node).flat()) {
    if (typeof child?.type !== "string") continue;
    const found = findImportMeta(child);
    if (found !== undefined) return found;
  }
}

function lineAt(text: string, position: number): string {
  const start = text.lastIndexOf("\n", position) + 1;
  const end = text.indexOf("\n", start);
  return text.slice(start, end < 0 ? undefined : end).trim();
}
