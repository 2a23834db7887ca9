// By URL, and then without a network: what hither loads when it is needed was fetched before.
import { assertEquals } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { deno, stdArguments, temporaryFolder } from "./run.ts";

/** Serves the files of this project to this machine. */
function serve(): Deno.HttpServer<Deno.NetAddr> {
  return Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    (request) => {
      const path = new URL(request.url).pathname;
      const text = Deno.readTextFileSync(
        fromFileUrl(new URL(`.${path}`, import.meta.resolve("../../"))),
      );
      return new Response(text, {
        headers: { "content-type": "text/typescript" },
      });
    },
  );
}

/** Where Deno keeps what it has fetched, without anything from this project. */
async function emptyDenoDir(path: string): Promise<Record<string, string>> {
  const info = await deno(["info", "--json"]);
  const { modulesCache, npmCache } = JSON.parse(info.stdout);
  await Deno.mkdir(join(path, "remote"), { recursive: true });
  for (
    const [from, to] of [[npmCache, "npm"], [
      join(modulesCache, "https"),
      "remote/https",
    ]]
  ) {
    const isThere = await Deno.stat(from).then(() => true, () => false);
    if (isThere) await Deno.symlink(from, join(path, to));
  }
  return { DENO_DIR: path };
}

const program = (url: string) => `
  import * as hi from "${url}mod.ts";
  const square = hi.func("offline_square", "1", (x: number) => x * x);
  if (import.meta.main) {
    await hi.config({ jobCache: null }, async () => {
      for (const isolation of ["worker", "process"] as const) {
        await using jobHandler = new hi.ParallelJobHandler({ numWorkers: 1, isolation });
        console.log(isolation, await square.with({ jobHandler }).run(3));
      }
    });
  }
`;

Deno.test("a program that was fetched with what is loaded later runs without a network", async () => {
  await using folder = await temporaryFolder();
  const env = await emptyDenoDir(join(folder.path, "deno"));
  const main = join(folder.path, "main.ts");
  let url: string;
  {
    await using server = serve();
    url = `http://127.0.0.1:${server.addr.port}/`;
    await Deno.writeTextFile(main, program(url));
    const later = `${url}lib/loaded_later.ts`;
    const fetched = await deno([
      "cache",
      "--allow-import",
      "--no-check",
      ...stdArguments(),
      main,
      later,
    ], { env });
    assertEquals(fetched.code, 0, fetched.stderr);
  }
  const ended = await deno(
    ["run", "-A", "--no-check", ...stdArguments(), main],
    { env },
  );
  assertEquals([ended.code, ended.stdout, ended.stderr], [
    0,
    "worker 9\nprocess 9\n",
    "",
  ]);
});
