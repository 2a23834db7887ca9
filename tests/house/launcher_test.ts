import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { deno, ROOT, temporaryFolder } from "./run.ts";

const SCRIPT = `console.log(JSON.stringify(Deno.args)); Deno.exit(7);`;

/** A project of its own, with the launcher, where @std/path is at hand or is not. */
function project(stdIsThere: boolean) {
  const launcher = Deno.readTextFileSync(join(ROOT, "tools/deno.ts"));
  return temporaryFolder({
    "tools/deno.ts": launcher,
    "tools/npm_import_map.json":
      `{ "imports": { "which": "data:text/javascript,console.log('npm')" } }`,
    "deno.json": JSON.stringify({
      imports: { which: "data:text/javascript,console.log('jsr')" },
      links: stdIsThere ? ["./std_path"] : [],
    }),
    "std_path/deno.json":
      `{ "name": "@std/path", "version": "1.0.0", "exports": { "./join": "./join.ts" } }`,
    "std_path/join.ts": "export const join = 1;",
    "script.ts": SCRIPT,
    "which.ts": `import "which";`,
  });
}

const LAUNCH = ["run", "-A", "-q", "tools/deno.ts"];

/** An environment in which no package can be downloaded, and none is there yet. */
function offline(cwd: string, proxyPort: number): Record<string, string> {
  const proxy = `http://127.0.0.1:${proxyPort}`;
  return {
    DENO_DIR: join(cwd, "deno_dir"),
    HTTP_PROXY: proxy,
    HTTPS_PROXY: proxy,
    http_proxy: proxy,
    https_proxy: proxy,
    NO_PROXY: "",
    no_proxy: "",
  };
}

Deno.test("the launcher leaves a command as it is where JSR answers, and says so", async () => {
  await using folder = await project(true);
  const ended = await deno([...LAUNCH, "run", "-q", "which.ts"], {
    cwd: folder.path,
  });
  assertEquals(ended, { code: 0, stdout: "jsr\n", stderr: "std: from JSR\n" });
});

Deno.test("the launcher puts npm in the place of JSR where it refuses", async () => {
  await using folder = await project(false);
  const ended = await deno([...LAUNCH, "run", "-q", "which.ts"], {
    cwd: folder.path,
    env: offline(folder.path, 1),
  });
  assertEquals(ended, {
    code: 0,
    stdout: "npm\n",
    stderr: "std: from npm (JSR does not answer)\n",
  });
});

Deno.test("the launcher does not wait for a network that swallows everything", async () => {
  using silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const connections: Deno.Conn[] = [];
  const accepting = (async () => {
    for await (const connection of silent) connections.push(connection);
  })();
  await using folder = await project(false);
  const ended = await deno([...LAUNCH, "run", "-q", "which.ts"], {
    cwd: folder.path,
    env: offline(folder.path, silent.addr.port),
  });
  assertEquals(ended.stdout, "npm\n");
  assertEquals(connections.length > 0, true, "the probe did not get here");
  for (const connection of connections) connection.close();
  silent.close();
  await accepting;
});

Deno.test("the launcher passes on arguments and the exit code", async () => {
  await using folder = await project(true);
  const ended = await deno(
    [...LAUNCH, "run", "script.ts", "--flag", "two words", "$HOME"],
    { cwd: folder.path },
  );
  assertEquals(ended.code, 7);
  assertEquals(JSON.parse(ended.stdout), ["--flag", "two words", "$HOME"]);
});

Deno.test("what the launcher starts asks no second time", async () => {
  await using folder = await project(true);
  const ended = await deno(
    [...LAUNCH, ...LAUNCH, "run", "-q", "which.ts"],
    { cwd: folder.path },
  );
  assertEquals(ended.stderr, "std: from JSR\nstd: from JSR (HITHER_STD)\n");
});

Deno.test("HITHER_STD decides, and a wrong value is refused", async () => {
  await using folder = await project(true);
  const npm = await deno([...LAUNCH, "run", "-q", "which.ts"], {
    cwd: folder.path,
    env: { HITHER_STD: "npm" },
  });
  assertEquals(npm.stdout, "npm\n");
  const wrong = await deno([...LAUNCH, "run", "-q", "which.ts"], {
    cwd: folder.path,
    env: { HITHER_STD: "yes" },
  });
  assertEquals(wrong.code, 1);
  assertStringIncludes(wrong.stderr, "current value is yes");
});

Deno.test({
  name: "the launcher passes on signals and waits for the answer",
  ignore: Deno.build.os === "windows",
  async fn() {
    await using folder = await project(true);
    await Deno.writeTextFile(
      join(folder.path, "script.ts"),
      `Deno.addSignalListener("SIGTERM", () => {
         console.log("told");
         Deno.exit(9);
       });
       console.log("ready");
       await new Promise(() => setInterval(() => {}, 1_000));`,
    );
    const child = new Deno.Command(Deno.execPath(), {
      args: [...LAUNCH, "run", "script.ts"],
      cwd: folder.path,
      stdout: "piped",
      stderr: "null",
    }).spawn();
    let said = "";
    for await (
      const text of child.stdout.pipeThrough(new TextDecoderStream())
    ) {
      if (said === "") child.kill("SIGTERM");
      said += text;
    }
    assertEquals(said, "ready\ntold\n");
    assertEquals((await child.status).code, 9);
  },
});
