import { createHash } from "node:crypto";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
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

const LAUNCH = ["run", "-A", "-q", "--cached-only", "tools/deno.ts"];
const WHICH = [...LAUNCH, "run", "-q", "which.ts"];

/** An environment with that registry in the place of JSR, where no package is in Deno's cache. */
function withRegistry(port: number, folder: string): Record<string, string> {
  return {
    JSR_URL: `http://127.0.0.1:${port}/`,
    DENO_DIR: join(folder, "deno_dir"),
  };
}

/** A registry with one package of one module. */
function serveRegistry(): Deno.HttpServer<Deno.NetAddr> {
  const source = "export const join = 1;";
  const hash = createHash("sha256").update(source).digest("hex");
  const files: Record<string, string> = {
    "/@std/path/meta.json": JSON.stringify({ versions: { "1.0.0": {} } }),
    "/@std/path/1.0.0_meta.json": JSON.stringify({
      exports: { "./join": "./join.ts" },
      manifest: {
        "/join.ts": { size: source.length, checksum: `sha256-${hash}` },
      },
    }),
    "/@std/path/1.0.0/join.ts": source,
  };
  return Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    (request) => {
      const text = files[new URL(request.url).pathname];
      return new Response(text ?? null, { status: text ? 200 : 404 });
    },
  );
}

Deno.test("the launcher leaves a command as it is where the packages are at hand, and says so", async () => {
  await using folder = await project(true);
  const ended = await deno(WHICH, { cwd: folder.path });
  assertEquals(ended, {
    code: 0,
    stdout: "jsr\n",
    stderr: "std: from JSR (in the cache)\n",
  });
});

Deno.test("the launcher takes the packages from JSR where it answers, and asks once", async () => {
  await using folder = await project(false);
  const server = serveRegistry();
  const env = withRegistry(server.addr.port, folder.path);
  const first = await deno(WHICH, { cwd: folder.path, env });
  await server.shutdown();
  assertEquals(first, {
    code: 0,
    stdout: "jsr\n",
    stderr: "std: from JSR (it answers)\n",
  });
  const second = await deno(WHICH, { cwd: folder.path, env });
  assertEquals(second.stderr, "std: from JSR (in the cache)\n");
});

Deno.test("the launcher puts npm in the place of JSR where it refuses", async () => {
  await using folder = await project(false);
  const ended = await deno(WHICH, {
    cwd: folder.path,
    env: withRegistry(1, folder.path),
  });
  assertEquals(ended, {
    code: 0,
    stdout: "npm\n",
    stderr: "std: from npm (JSR does not answer)\n",
  });
});

Deno.test("the launcher does not wait for a network that swallows everything, and asks it once", async () => {
  let connections = 0;
  const silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const open: Deno.Conn[] = [];
  const accepting = (async () => {
    for await (const connection of silent) {
      connections++;
      open.push(connection);
    }
  })();
  await using folder = await project(false);
  const env = withRegistry(silent.addr.port, folder.path);
  const first = await deno(WHICH, { cwd: folder.path, env });
  assertEquals(first.stdout, "npm\n");
  assert(connections > 0, "nobody asked");

  connections = 0;
  const standIn = "npm:deno-std@1.3.4/path/join.js";
  await deno(["cache", "-q", standIn], { cwd: folder.path, env });
  const second = await deno(WHICH, { cwd: folder.path, env });
  assertEquals(second.stderr, "std: from npm (JSR is not in the cache)\n");
  assertEquals(connections, 0);

  for (const connection of open) connection.close();
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
    [...LAUNCH, ...WHICH],
    { cwd: folder.path },
  );
  assertEquals(
    ended.stderr,
    "std: from JSR (in the cache)\nstd: from JSR (HITHER_STD)\n",
  );
});

Deno.test("HITHER_STD decides, and a wrong value is refused", async () => {
  await using folder = await project(true);
  const npm = await deno(WHICH, {
    cwd: folder.path,
    env: { HITHER_STD: "npm" },
  });
  assertEquals(npm.stdout, "npm\n");
  const wrong = await deno(WHICH, {
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
