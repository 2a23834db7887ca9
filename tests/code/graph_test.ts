import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { toFileUrl } from "@std/path";
import { addGraph } from "../../lib/code/graph.ts";
import { temporaryFolder } from "../house/run.ts";
import { FILES, importMap, program } from "./program.ts";

const MAIN = FILES["main.ts"]!;

Deno.test("a file that is not imported does not count", async () => {
  await using job = await program({ "lib/other.ts": "export {};" });
  await job.run("auto");
  await job.write("lib/other.ts", "export const other = 1;");
  assertEquals((await job.run("auto")).cached, true);
});

Deno.test("a JSON module counts by its content", async () => {
  await using job = await program({
    "lib/factor.ts": `import data from "./data.json" with { type: "json" };
export const factor = data.factor;
`,
    "lib/data.json": `{ "factor": 2 }`,
  });
  await job.run("auto");
  await job.write("lib/data.json", `{ "factor": 4 }`);
  assertEquals((await job.run("auto")).value, 4);
});

Deno.test("an import that the function makes itself counts, if its specifier is written out", async () => {
  await using job = await program({
    "main.ts": MAIN.replace(
      "(x: number) => twice(x)",
      `async (x: number) => x * (await import("./lib/factor.ts")).factor + 0 * twice(x)`,
    ),
    "lib/twice.ts": "export const twice = (x: number) => x;",
  });
  assertEquals((await job.run("auto")).value, 2);
  await job.write("lib/factor.ts", "export const factor = 5;");
  assertEquals((await job.run("auto")).value, 5);
});

Deno.test("an import that leads nowhere is named once; auto refuses it, until it is there", async () => {
  await using job = await program({
    "lib/twice.ts": `import { factor } from "./factor.ts";
export const twice = (x: number) => x * factor;
export const later = () => import("./gone.ts");
`,
  });
  const warned = await job.run("warn");
  assertEquals(warned.value, 2);
  assertMatch(
    warned.stderr,
    /^hither: job 1 imports what is not found, .* not noticed: \.\/lib\/gone\.ts .*Correct the import.*\n$/,
  );
  const refused = await job.run("auto");
  assertEquals(refused.name, "CodeUnknownError");
  assertMatch(
    refused.message!,
    /job 1 .*"auto".*\.\/lib\/gone\.ts.*Correct the import/s,
  );
  await job.write("lib/gone.ts", "export {};");
  const found = await job.run("auto");
  assertEquals([found.value, found.stderr], [2, ""]);
});

/** A function whose factor is a package's or an import map's. */
const NPM = `import ms from "npm:ms@^2.1.0";
export const factor = ms("2ms");
`;

const lock = (version: string) =>
  JSON.stringify({
    version: "5",
    specifiers: { "npm:ms@^2.1.0": version },
    npm: { [`ms@${version}`]: {} },
  });

Deno.test("an npm package counts by the version that the lock file says", async () => {
  await using job = await program({
    "lib/factor.ts": NPM,
    "map.json": await importMap({}),
    "my.lock": lock("2.1.2"),
  });
  const flags = ["-A", "--import-map=map.json", "--lock=my.lock"];
  assertEquals((await job.run("auto", { flags })).value, 2);
  assertEquals((await job.run("auto", { flags })).cached, true);
  await job.write("my.lock", lock("2.1.3"));
  const other = await job.run("auto", { flags });
  assertEquals(other.cached, false);
  assertStringIncludes(other.explain!, "code: npm:ms 2.1.2 → 2.1.3");
});

/** A package as npm would install it. */
function installed(
  name: string,
  version: string,
  text: string,
  dependencies: Record<string, string> = {},
): Record<string, string> {
  return {
    [`node_modules/${name}/package.json`]: JSON.stringify({
      name,
      version,
      type: "module",
      main: "index.js",
      dependencies,
    }),
    [`node_modules/${name}/index.js`]: text,
  };
}

// Not by a whole program: where such a folder is, hither itself comes from JSR alone.
Deno.test("a package in a node_modules that Deno did not make counts by its version, and so do those that it depends on", async () => {
  await using folder = await temporaryFolder({
    "package.json": JSON.stringify({ dependencies: { near: "1" } }),
    ...installed("near", "1.2.3", 'export * from "@far/scale";', {
      "@far/scale": "*",
      "not-installed": "*",
    }),
    ...installed("@far/scale", "2.0.0", "export const scale = 2;"),
    "main.ts": 'export { scale } from "near";',
  });
  const found = {
    modules: new Map<string, string>(),
    files: new Map<string, Uint8Array>(),
    absent: new Set<string>(),
    missing: [],
    mapped: new Map<string, string>(),
  };
  addGraph(toFileUrl(`${folder.path}/main.ts`).href, {
    resolver: { deno: Deno.execPath(), folder: folder.path, flags: [] },
    base: folder.path,
    hither: "1",
    verbatim: false,
    prints: { known: new Map(), used: new Map() },
  }, found);
  assertEquals(found.missing, []);
  assertEquals(
    [...found.modules].filter(([name]) => name.startsWith("npm:")).sort(),
    [["npm:@far/scale", "2.0.0"], ["npm:near", "1.2.3"]],
  );
  // Watched, so that another version is seen.
  assertEquals(
    [...found.files.keys()].filter((path) => path.endsWith("package.json"))
      .map((path) => path.slice(folder.path.length + 1)).sort(),
    [
      "node_modules/@far/scale/package.json",
      "node_modules/near/package.json",
    ],
  );
});

const MAPPED = {
  "lib/factor.ts": `import { factor as a } from "#factor";
import { factor as b } from "./two.ts";
import { factor as c } from "./three.ts";
export const factor = a + 0 * b * c;
`,
  "lib/two.ts": "export const factor = 2;",
  "lib/three.ts": "export const factor = 3;",
};

Deno.test("what an import map says counts, also where the files are the same", async () => {
  await using job = await program({
    ...MAPPED,
    "map.json": await importMap({ "#factor": "./lib/two.ts" }),
  });
  const flags = ["-A", "--import-map", "map.json"];
  assertEquals((await job.run("auto", { flags })).value, 2);
  await job.write(
    "map.json",
    await importMap({ "#factor": "./lib/three.ts" }),
  );
  const other = await job.run("auto", { flags });
  assertEquals([other.cached, other.value], [false, 3]);
  assertStringIncludes(
    other.explain!,
    `import "#factor" of ./lib/factor.ts ./lib/two.ts → ./lib/three.ts`,
  );
});

Deno.test("programs that were started with other import maps are told apart, whatever they may do", async (t) => {
  const allowances = {
    "all permissions": ["-A"],
    "a few": [
      "--allow-read",
      "--allow-write",
      "--allow-env",
      "--allow-run=deno",
    ],
  };
  for (const [name, allowed] of Object.entries(allowances)) {
    await t.step(name, async () => {
      await using job = await program({
        ...MAPPED,
        "two.json": await importMap({ "#factor": "./lib/two.ts" }),
        "three.json": await importMap({ "#factor": "./lib/three.ts" }),
      });
      const values: unknown[] = [];
      for (const map of ["two", "three", "two", "three"]) {
        const flags = [...allowed, `--import-map=${map}.json`];
        const { value, cached } = await job.run("auto", { flags });
        values.push([value, cached]);
      }
      assertEquals(values, [[2, false], [3, false], [2, true], [3, true]]);
    });
  }
});
