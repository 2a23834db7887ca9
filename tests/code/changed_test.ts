import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { FILES, program } from "./program.ts";

/** A function that does not call what its module imports. */
const UNCALLED = FILES["main.ts"]!.replace("twice(x));", "x);\nvoid twice;");

const CHANGED = "export const factor = 3;\n";

Deno.test("warn: a change two imports away is told on a hit, with the file and the cure", async () => {
  await using job = await program();
  assertEquals((await job.run()).value, 2);
  const same = await job.run();
  assertEquals([same.cached, same.stderr], [true, ""]);
  await job.write("lib/factor.ts", CHANGED);
  const { cached, value, stderr } = await job.run();
  assertEquals([cached, value], [true, 2]);
  assertMatch(
    stderr,
    /^hither: the results of job 1 .* other code: \.\/lib\/factor\.ts changed: raise the version .*"auto".*forceRun: true.*\n$/,
  );
});

Deno.test("auto: a change two imports away is a miss, and what was before is a hit again", async () => {
  await using job = await program();
  assertEquals((await job.run("auto")).value, 2);
  await job.write("lib/factor.ts", CHANGED);
  const changed = await job.run("auto");
  assertEquals([changed.cached, changed.value], [false, 3]);
  assertStringIncludes(changed.explain!, "code: ./lib/factor.ts changed");
  assertEquals((await job.run("auto")).cached, true);
  await job.write("lib/factor.ts", FILES["lib/factor.ts"]!);
  const back = await job.run("auto");
  assertEquals([back.cached, back.value, back.stderr], [true, 2, ""]);
});

Deno.test("version: nothing is looked at", async () => {
  await using job = await program();
  await job.run("version");
  await job.write("lib/factor.ts", CHANGED);
  const { cached, value, stderr } = await job.run("version");
  assertEquals([cached, value, stderr], [true, 2, ""]);
});

Deno.test("comments, white space and types do not count, in any file", async () => {
  await using job = await program();
  await job.run("warn");
  await job.run("auto");
  await job.write(
    "lib/factor.ts",
    `// A comment, and a type that nobody needs.
import type { Nothing } from "./nothing.ts";
import { Something } from "./nothing.ts";
interface Unused { a: Nothing; b: Something }
export const factor: number =
  2 as number satisfies number;
`,
  );
  await job.write(
    "lib/nothing.ts",
    "export type Nothing = 1; export type Something = 2;",
  );
  await job.write(
    "main.ts",
    FILES["main.ts"]!.replace(
      "(x: number) => twice(x)",
      "(x: number): number => twice(/* once */ x)",
    ),
  );
  const warned = await job.run("warn");
  assertEquals([warned.cached, warned.stderr], [true, ""]);
  const auto = await job.run("auto");
  assertEquals([auto.cached, auto.stderr], [true, ""]);
});

Deno.test("what is written otherwise and means another thing counts", async (t) => {
  const texts: [string, string][] = [
    [
      "export const factor = `2 // a`.length;",
      "export const factor = `2  // a`.length;",
    ],
    [
      "export const factor = /a/.flags.length;",
      "export const factor = /a/g.flags.length;",
    ],
    [
      "export const factor = String.raw`\\n`.length;",
      "export const factor = String.raw`\\x0a`.length;",
    ],
    ["export const factor = 1 - 2 - 3;", "export const factor = 1 - (2 - 3);"],
    ["export const factor = 1;", "export const factor = 1n;"],
    [
      "enum A { B = 1 }\nexport const factor = A.B;",
      "enum A { B = 2 }\nexport const factor = A.B;",
    ],
  ];
  for (const [before, after] of texts) {
    await t.step(`${before} → ${after}`, async () => {
      await using job = await program({ "lib/factor.ts": before });
      await job.write("main.ts", UNCALLED);
      await job.run("auto");
      await job.write("lib/factor.ts", after);
      assertEquals((await job.run("auto")).cached, false);
    });
  }
});

Deno.test("what a script does when it is started does not count", async () => {
  const main = FILES["main.ts"]!;
  await using job = await program();
  await job.run("auto");
  await job.write(
    "main.ts",
    main.replace("if (import.meta.main) {", "$&\n  Deno.pid;"),
  );
  assertEquals((await job.run("auto")).cached, true);
  await job.write(
    "main.ts",
    main.replace("if (import.meta.main) {", "Deno.pid;\n$&"),
  );
  assertEquals((await job.run("auto")).cached, false);
});

Deno.test("an enum, a namespace and a parameter property are compared without comments", async () => {
  const text = `enum A { B = 2 }
namespace N { export const c = A.B }
class P { constructor(readonly d: number) {} }
export const factor = new P(N.c).d;
`;
  await using job = await program({ "lib/factor.ts": text });
  await job.run("auto");
  await job.write("lib/factor.ts", `// now with a comment\n${text}`);
  assertEquals((await job.run("auto")).cached, true);
});
