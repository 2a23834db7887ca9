/** The files of the project and what they import. */

import { walk } from "@std/fs";
import { join, relative } from "@std/path";
import { ROOT } from "./run.ts";

/** The text of every source file and document of the project, by path. */
export async function sources(
  ...exts: string[]
): Promise<Map<string, string>> {
  const texts = new Map<string, string>();
  const files = walk(ROOT, {
    includeDirs: false,
    exts,
    skip: [/\/(\.git|\.hither|coverage|node_modules)(\/|$)/],
  });
  for await (const { path } of files) {
    const name = relative(ROOT, path).replaceAll("\\", "/");
    texts.set(name, await Deno.readTextFile(path));
  }
  return texts;
}

/** The specifiers that a source names in its imports, those of its types and of dynamic imports as well. */
export function specifiersOf(text: string): string[] {
  const patterns = [
    /^\s*\*?\s*(?:import|export|\})[^;"'`]*\bfrom\s+"([^"]+)"/gm,
    /^\s*\*?\s*import\s+"([^"]+)"/gm,
    /\bimport\(\s*"([^"]+)"/g,
  ];
  return patterns.flatMap((pattern) =>
    [...text.matchAll(pattern)].map((match) => match[1]!)
  );
}

/** The file that a relative specifier names. */
export function resolve(file: string, specifier: string): string {
  return join(file, "..", specifier).replaceAll("\\", "/");
}
