import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { deno, type Ended, ROOT, temporaryFolder } from "./run.ts";

/** Runs the tests of a project of its own with what `deno task test` runs. */
async function runTests(test: string): Promise<Ended> {
  const tool = (name: string) => Deno.readTextFile(join(ROOT, "tools", name));
  await using folder = await temporaryFolder({
    "tools/deno.ts": await tool("deno.ts"),
    "tools/run_tests.ts": await tool("run_tests.ts"),
    "tools/npm_import_map.json": "{}",
    "a_test.ts": test,
  });
  return await deno(["run", "-A", "-q", "tools/run_tests.ts", "a_test.ts"], {
    cwd: folder.path,
    env: { HITHER_STD: "npm" },
  });
}

function lastLine({ stdout }: Ended): string | undefined {
  return stdout.trimEnd().split("\n").at(-1);
}

Deno.test("the test task ends with the counts of deno test, and its exit code", async () => {
  const ended = await runTests(`
    Deno.test("one", () => {});
    Deno.test("two", () => {});
    Deno.test("three", () => { throw new Error("no") });
  `);
  assertEquals(lastLine(ended), "2 passed, 1 failed");
  assertEquals(ended.code, 1);
  const good = await runTests(`Deno.test("one", () => {});`);
  assertEquals(lastLine(good), "1 passed, 0 failed");
  assertEquals(good.code, 0);
});

Deno.test("tests that cannot start are a failure", async () => {
  const wrongType = await runTests(`const x: number = "a"; Deno.exit(x);`);
  assertEquals(lastLine(wrongType), "0 passed, 1 failed");
  assertEquals(wrongType.code, 1);
});

Deno.test("a module that throws is a failure though its tests have passed", async () => {
  const ended = await runTests(`
    Deno.test("one", () => {});
    throw new Error("no");
  `);
  assertEquals(lastLine(ended)?.endsWith(" 1 failed"), true, ended.stdout);
  assertEquals(ended.code, 1);
});
