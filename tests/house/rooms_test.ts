import { assert, assertEquals } from "@std/assert";
import { resolve, sources, specifiersOf } from "./sources.ts";

/** The rooms in their order: a room imports from itself and from those above it. */
const ROOMS: readonly (readonly string[])[] = [
  [
    "lib/errors.ts",
    "lib/error_text.ts",
    "lib/warn.ts",
    "lib/worker_ref.ts",
    "lib/garbage.ts",
  ],
  ["lib/value/"],
  ["lib/code/"],
  ["lib/task.ts"],
  ["lib/cache/"],
  ["lib/"],
  ["lib/worker/"],
  ["lib/handlers/"],
  ["lib/observe/"],
  ["mod.ts", "cli/", "lib/loaded_at_start.ts", "lib/loaded_later.ts"],
];

/** The place of a file's room in the order; the longest name that fits is the room's. */
function rank(file: string): number {
  let best = -1;
  let length = 0;
  for (const [place, names] of ROOMS.entries()) {
    for (const name of names) {
      if (file.startsWith(name) && name.length > length) {
        best = place;
        length = name.length;
      }
    }
  }
  return best;
}

Deno.test("rooms import forward only", async () => {
  const backward: string[] = [];
  let looked = 0;
  for (const [file, text] of await sources(".ts")) {
    if (!/^(lib\/|cli\/|mod\.ts)/.test(file)) continue;
    for (const specifier of specifiersOf(text)) {
      if (!specifier.startsWith(".")) continue;
      const target = resolve(file, specifier);
      looked++;
      if (rank(target) > rank(file)) backward.push(`${file} -> ${target}`);
    }
  }
  assert(looked > 10, "found no imports to look at");
  assertEquals(backward, []);
});

Deno.test("no file of the library imports from outside of it", async () => {
  const outside: string[] = [];
  for (const [file, text] of await sources(".ts")) {
    if (!/^(lib\/|cli\/|mod\.ts)/.test(file)) continue;
    for (const specifier of specifiersOf(text)) {
      if (!specifier.startsWith(".")) continue;
      const target = resolve(file, specifier);
      if (rank(target) < 0) outside.push(`${file} -> ${target}`);
    }
  }
  assertEquals(outside, []);
});

Deno.test("the library names libraries in full, so that it works from a URL too", async () => {
  const short: string[] = [];
  for (const [file, text] of await sources(".ts")) {
    if (!/^(lib\/|cli\/|mod\.ts)/.test(file)) continue;
    const code = text.replaceAll(/^\s*\*.*$/gm, "");
    for (const specifier of specifiersOf(code)) {
      if (!/^(\.|jsr:@|npm:|node:)/.test(specifier)) {
        short.push(`${file} -> ${specifier}`);
      }
    }
  }
  assertEquals(short, []);
});
