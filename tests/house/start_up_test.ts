import { assert, assertEquals } from "@std/assert";
import { resolve, sources } from "./sources.ts";

/** The statements of a module that load another one as soon as it is imported itself. */
function eagerImports(text: string): string[] {
  const code = text.replaceAll(/\/\*[^]*?\*\/|^\s*\/\/.*$/gm, "");
  const statement =
    /^(?:import(?!\s+(?:type|defer)\b|\()|export(?!\s+type\b)[^;"]*\bfrom)\b[^;"]*"([^"]+)"/gm;
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

Deno.test("importing the package loads no builtin, and nothing from npm", async () => {
  const texts = await sources(".ts");
  const loaded = new Set(["mod.ts"]);
  const heavy: string[] = [];
  for (const file of loaded) {
    for (const specifier of eagerImports(texts.get(file)!)) {
      if (specifier.startsWith(".")) loaded.add(resolve(file, specifier));
      else if (/^(node:(?!async_hooks$)|npm:)/.test(specifier)) {
        heavy.push(`${file} -> ${specifier}`);
      }
    }
  }
  assert(loaded.size > 10, "found no imports to follow");
  assertEquals(heavy, []);
});
