import { assert, assertEquals } from "@std/assert";
import { resolve, sources } from "./sources.ts";

/** The statements of a module that load another one as soon as it is imported itself. */
function eagerImports(text: string): string[] {
  return imports(
    text,
    /^(?:import(?!\s+(?:type|defer)\b|\()|export(?!\s+type\b)[^;"]*\bfrom)\b[^;"]*"([^"]+)"/gm,
  );
}

/** The same with those that read another one, but run it when it is needed. */
function readImports(text: string): string[] {
  return imports(
    text,
    /^(?:import(?!\s+type\b|\()|export(?!\s+type\b)[^;"]*\bfrom)\b[^;"]*"([^"]+)"/gm,
  );
}

function imports(text: string, statement: RegExp): string[] {
  const code = text.replaceAll(/\/\*[^]*?\*\/|^\s*\/\/.*$/gm, "");
  return [...code.matchAll(statement)].map((match) => match[1]!);
}

Deno.test("what loads at once is told from what loads when needed", () => {
  const text = `
    // import "a";
    import * as crypto from "b";
    import {
      join,
    } from "c";
    export * from "d";
    import "e";
    import type { F } from "f";
    export type { G } from "g";
    import defer * as h from "h";
    const i = await import("i");
    const label = "from j";
  `.replaceAll(/^ {4}/gm, "");
  assertEquals(eagerImports(text), ["b", "c", "d", "e"]);
});

/** Those of which a deferred import costs nothing; that of `node:zlib` loads its own imports at once, in 17 ms. */
const DEFERRED = [
  "node:async_hooks",
  "node:buffer",
  "node:console",
  "node:crypto",
  "node:process",
  "node:sqlite",
];

Deno.test("importing the package loads no builtin, and nothing from npm", async () => {
  const texts = await sources(".ts");
  const loaded = new Set(["mod.ts"]);
  const heavy: string[] = [];
  for (const file of loaded) {
    const eager = eagerImports(texts.get(file)!);
    for (const specifier of readImports(texts.get(file)!)) {
      if (specifier.startsWith(".")) {
        if (eager.includes(specifier)) loaded.add(resolve(file, specifier));
        continue;
      }
      const isBuiltin = /^(node|npm):/.test(specifier);
      const isLight = DEFERRED.includes(specifier) &&
        !eager.includes(specifier);
      if (isBuiltin && !isLight) heavy.push(`${file} -> ${specifier}`);
    }
  }
  assert(loaded.size > 10, "found no imports to follow");
  assertEquals(heavy, []);
});

Deno.test("what the package loads is asked for in one place, and nothing else is", async () => {
  const list = "lib/loaded_at_start.ts";
  const texts = await sources(".ts");
  // Of an import of types alone, nothing is left.
  const isOfTypes = /^import \{\s*(?:type \w+,?\s*)+\} from "[^"]+";$/gm;
  const loaded = new Set(["mod.ts"]);
  for (const file of loaded) {
    if (file === list) continue;
    const text = texts.get(file)!.replaceAll(isOfTypes, "");
    for (const specifier of readImports(text)) {
      if (specifier.startsWith(".")) loaded.add(resolve(file, specifier));
    }
  }
  loaded.delete("mod.ts");
  loaded.delete(list);
  assertEquals(
    eagerImports(texts.get(list)!).map((specifier) => resolve(list, specifier)),
    [...loaded].sort(),
  );
});

Deno.test("what the package loads is plain ASCII, which V8 takes as it is", async () => {
  const list = "lib/loaded_at_start.ts";
  const texts = await sources(".ts");
  const loaded = eagerImports(texts.get(list)!).map((specifier) =>
    resolve(list, specifier)
  );
  // Of any other text each program makes a copy with two bytes for each character.
  const others = ["mod.ts", list, ...loaded].filter((file) =>
    !/^[\t\n -~]*$/.test(texts.get(file)!)
  );
  assertEquals(others, []);
});
