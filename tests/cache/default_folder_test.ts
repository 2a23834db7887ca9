import { assertEquals } from "@std/assert";
import { deno, stdArguments, temporaryFolder } from "../house/run.ts";

const JOB_CACHE = import.meta.resolve("../../lib/cache/job_cache.ts");
const SCRIPT = `import { JobCache } from ${JSON.stringify(JOB_CACHE)};
console.log(new JobCache().path);`;

interface Place {
  cwd?: string;
  env?: Record<string, string>;
  permissions?: string[];
}

async function pathFrom(
  script: string,
  { permissions = ["-A"], ...options }: Place = {},
): Promise<string> {
  const { code, stdout, stderr } = await deno(
    [
      "run",
      "--quiet",
      "--no-prompt",
      "--no-config",
      ...permissions,
      ...stdArguments(),
      script,
    ],
    options,
  );
  assertEquals(code, 0, stderr);
  return stdout.trim();
}

Deno.test("The folder stands beside the nearest deno.json above the main module", async () => {
  await using folder = await temporaryFolder({
    "deno.json": "{}",
    "a/deno.jsonc": "{}",
    "a/b/c/script.ts": SCRIPT,
    "d/script.ts": SCRIPT,
  });
  const { path } = folder;
  assertEquals(await pathFrom(`${path}/a/b/c/script.ts`), `${path}/a/.hither`);
  assertEquals(
    await pathFrom(`${path}/d/script.ts`, { cwd: `${path}/a` }),
    `${path}/.hither`,
  );
});

Deno.test("Without a deno.json the folder stands beside the main module", async () => {
  await using folder = await temporaryFolder({
    "one/script.ts": SCRIPT,
    "two/script.ts": SCRIPT,
  });
  const { path } = folder;
  // Two projects never meet, wherever they are started from.
  for (const project of ["one", "two"]) {
    assertEquals(
      await pathFrom(`${path}/${project}/script.ts`, { cwd: path }),
      `${path}/${project}/.hither`,
    );
  }
});

Deno.test("A folder named deno.json is no project", async () => {
  await using folder = await temporaryFolder({
    "script.ts": SCRIPT,
    "deno.json/file": "",
    "below/script.ts": SCRIPT,
  });
  const { path } = folder;
  assertEquals(
    await pathFrom(`${path}/below/script.ts`),
    `${path}/below/.hither`,
  );
});

Deno.test("HITHER_CACHE_DIR names the folder, where it may be read", async () => {
  await using folder = await temporaryFolder({ "script.ts": SCRIPT });
  const { path } = folder;
  const script = `${path}/script.ts`;
  const env = { HITHER_CACHE_DIR: `${path}/elsewhere` };
  assertEquals(await pathFrom(script, { env }), `${path}/elsewhere`);
  const url = { HITHER_CACHE_DIR: `file://${path}/elsewhere` };
  assertEquals(await pathFrom(script, { env: url }), `${path}/elsewhere`);
  assertEquals(
    await pathFrom(script, { env, permissions: ["--allow-read"] }),
    `${path}/.hither`,
  );
  assertEquals(
    await pathFrom(script, { env: { HITHER_CACHE_DIR: "" } }),
    `${path}/.hither`,
  );
});

Deno.test("Without permission to look for a project the folder stands beside the main module", async () => {
  await using folder = await temporaryFolder({
    "deno.json": "{}",
    "a/script.ts": SCRIPT,
  });
  const { path } = folder;
  assertEquals(
    await pathFrom(`${path}/a/script.ts`, { permissions: [] }),
    `${path}/a/.hither`,
  );
});

Deno.test("A program without a file has its folder in the working directory", async () => {
  await using folder = await temporaryFolder({});
  const { stdout } = await deno(
    ["eval", "--no-config", ...stdArguments(), SCRIPT],
    { cwd: folder.path },
  );
  assertEquals(stdout.trim(), `${folder.path}/.hither`);
});
