import { assert, assertEquals } from "@std/assert";
import { exists } from "@std/fs";
import { dirname, join } from "@std/path";
import config from "../../deno.json" with { type: "json" };
import npm from "../../tools/npm_import_map.json" with { type: "json" };
import { ROOT } from "./run.ts";
import { sources, specifiersOf } from "./sources.ts";

const mapped: Record<string, string> = npm.imports;
const MAP_FOLDER = join(ROOT, "tools");

Deno.test("every package of JSR that a source names has its stand-in", async () => {
  const missing = new Set<string>();
  let found = 0;
  for (const [file, text] of await sources(".ts", ".md")) {
    for (const specifier of specifiersOf(text)) {
      if (!/^(jsr:)?@(std|hither)\//.test(specifier)) continue;
      found++;
      if (!(specifier in mapped)) missing.add(`${specifier} in ${file}`);
    }
  }
  assert(found > 10, "found no packages to look at");
  assertEquals([...missing], []);
});

Deno.test("every package that deno.json names has its stand-in", () => {
  for (const [name, specifier] of Object.entries(config.imports)) {
    assert(name in mapped, name);
    assert(specifier in mapped, specifier);
    assertEquals(mapped[name], mapped[specifier]);
  }
});

Deno.test("every entry of the package can be imported by its own name", () => {
  for (const [entry, target] of Object.entries(config.exports)) {
    const name = config.name + entry.slice(1);
    assertEquals(
      join(MAP_FOLDER, mapped[name] ?? `no ${name}`),
      join(ROOT, target),
    );
  }
});

Deno.test("every stand-in can be loaded", async () => {
  for (const target of new Set(Object.values(mapped))) {
    if (target.startsWith(".")) {
      assert(await exists(join(MAP_FOLDER, target)), target);
    } else {
      await import(target);
    }
  }
});

Deno.test("the short and the full name of a package have the same stand-in", () => {
  for (const [name, target] of Object.entries(mapped)) {
    if (!name.startsWith("@std/")) continue;
    const [, scope, rest = ""] = name.match(/^(@std\/[^/]+)(\/.*)?$/)!;
    assertEquals(mapped[`jsr:${scope}@^1${rest}`], target, name);
  }
});

Deno.test("the launcher looks for the stand-in that the map names", async () => {
  const launcher = await Deno.readTextFile(join(MAP_FOLDER, "deno.ts"));
  const [, specifier = "", standIn] =
    launcher.match(/jsr: "(.+)",\s+npm: "(.+)",/) ?? [];
  assertEquals(mapped[specifier], standIn);
});

Deno.test("every task runs through a tool that knows both networks", async () => {
  for (const [name, { command }] of Object.entries(config.tasks)) {
    const file = command.match(/\S+\.ts|\S+\/run/)?.[0] ?? "";
    assert(await exists(join(ROOT, file)), `${name}: ${file}`);
    assert(
      ["tools", ".ci"].includes(dirname(file)),
      `${name} does not start with a tool: ${command}`,
    );
  }
});

Deno.test("no package is downloaded before it is needed", () => {
  const eager = Object.values(config.imports).filter((specifier) =>
    specifier.startsWith("npm:")
  );
  assertEquals(
    eager,
    [],
    "Deno installs what deno.json takes from npm at once",
  );
});
