import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import * as hi from "@hither/hither";
import { deno, stdArguments, temporaryFolder } from "../house/run.ts";
import { FILES, program } from "./program.ts";

const HITHER = new URL("../../mod.ts", import.meta.url).href;
const MAIN = FILES["main.ts"]!;

Deno.test("a function's own option wins over that of the scope", async () => {
  const own = MAIN.replace("twice(x));", `twice(x), { code: "version" });`);
  await using job = await program({ "main.ts": own });
  await job.run("auto");
  await job.write("lib/factor.ts", "export const factor = 3;");
  const { cached, stderr } = await job.run("auto");
  assertEquals([cached, stderr], [true, ""]);
  await job.write("main.ts", own.replace(`"version"`, `"auto"`));
  const auto = await job.run("version");
  assertEquals([auto.cached, auto.value], [false, 3]);
});

Deno.test("where the function itself changed, the warning says so", async () => {
  await using job = await program();
  await job.run();
  await job.write("main.ts", MAIN.replace("twice(x))", "twice(x) + 1)"));
  const { cached, stderr } = await job.run();
  assertEquals(cached, true);
  assertMatch(
    stderr,
    /^hither: the results of job 1 .* other source text than file:\S+main\.ts:\d+:\d+ has now: .*\n$/,
  );
});

Deno.test("a record without a snapshot is compared by the function's own text", async () => {
  await using job = await program();
  await job.run("version");
  await job.write("lib/factor.ts", "export const factor = 3;");
  assertEquals((await job.run("warn")).stderr, "");
  await job.write("main.ts", MAIN.replace("twice(x))", "twice(x) + 1)"));
  assertMatch((await job.run("warn")).stderr, /other source text/);
});

Deno.test("code that was written to after it was loaded is not taken for what runs", async () => {
  await using job = await program({
    "main.ts": MAIN.replace(
      "  const [code,",
      `  if (Deno.env.get("EDIT") === "yes") {
    const path = new URL("./lib/factor.ts", import.meta.url);
    // The clock of the file system may be some ms behind.
    const later = new Date(Date.now() + 1);
    while (Date.now() <= later.getTime());
    Deno.writeTextFileSync(path, "export const factor = 3;");
    Deno.utimeSync(path, later, later);
  }
  const [code,`,
    ),
  });
  const refused = await job.run("auto", { env: { EDIT: "yes" } });
  assertEquals(refused.name, "CodeUnknownError");
  assertMatch(
    refused.message!,
    /factor\.ts was written to .*start the program again/,
  );
  const fresh = await job.run("auto");
  assertEquals([fresh.cached, fresh.value], [false, 3]);
});

Deno.test("a function of an evaluated text is known by that text and by what it imports", async () => {
  await using folder = await temporaryFolder({
    "one.ts": "export const one = 1;\n",
  });
  const run = async (text: string) => {
    const { code, stdout, stderr } = await deno([
      "eval",
      "--quiet",
      ...stdArguments(),
      `import * as hi from "${HITHER}";
const job = hi.func("evaluated", "1", ${text}, { imports: { one: "./one.ts" } });
const jobCache = new hi.JobCache({ path: "${folder.path}/cache" });
hi.setDefaults({ jobCache, code: "auto" });
const running = job.run(1);
console.log(await running, running.cached);`,
    ], { cwd: folder.path });
    assertEquals(code, 0, stderr);
    return stdout.trim();
  };
  assertEquals(await run("(x) => x + one"), "2 false");
  assertEquals(await run("(x) => /* a comment */ x + one"), "2 true");
  assertEquals(await run("(x) => x - one"), "0 false");
  await Deno.writeTextFile(`${folder.path}/one.ts`, "export const one = 7;\n");
  assertEquals(await run("(x) => x + one"), "8 false");
});

Deno.test("explain tells which value that a function was given differs", async () => {
  await using folder = await temporaryFolder();
  const explain = async (k: number) => {
    const { code, stdout, stderr } = await deno([
      "eval",
      "--quiet",
      ...stdArguments(),
      `import * as hi from "${HITHER}";
const job = hi.func("valued", "1", (x) => x * k, { values: { k: ${k} } });
const jobCache = new hi.JobCache({ path: "${folder.path}/cache" });
hi.setDefaults({ jobCache, code: "auto" });
const running = job.run(1);
await running;
console.log(running.explain().text);`,
    ], { cwd: folder.path });
    assertEquals(code, 0, stderr);
    return stdout.trim();
  };
  await explain(3);
  assertEquals(
    await explain(4),
    "valued 1: not in the cache; against the nearest record values.k: 3 → 4",
  );
});

Deno.test("explain tells that the mode differs, both ways", async () => {
  await using job = await program();
  const told = (mode: string) =>
    `job 1: not in the cache; against the nearest record code: ${mode}`;
  await job.run("warn");
  const { explain } = await job.run("auto");
  assertEquals(explain, told('part of the key now, by code: "auto"'));
  await using other = await program();
  await other.run("auto");
  for (const mode of ["warn", "version"]) {
    await Deno.remove(`${other.path}/cache`, { recursive: true });
    await other.run("auto");
    const { explain } = await other.run(mode);
    assertEquals(explain, told(`no part of the key now, by code: "${mode}"`));
  }
});

Deno.test("an option of a wrong kind is named", () => {
  assertThrows(
    () => hi.func("modes_wrong", "1", () => 1, { code: "always" as "auto" }),
    TypeError,
    'code must be "warn", "auto" or "version": current value is "always"',
  );
  assertThrows(
    () => hi.setDefaults({ denoArgs: "--no-config" as unknown as string[] }),
    TypeError,
    "denoArgs must be an array of flags",
  );
  assertThrows(
    () => hi.func("modes_label", "1", () => 1, { label: "" }),
    TypeError,
    "label",
  );
});
