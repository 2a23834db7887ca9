import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { deno, ROOT, stdArguments, temporaryFolder } from "./run.ts";

/** A server of plain files, as one finds it anywhere: it knows nothing of TypeScript. */
function serveFiles(folder: string): Deno.HttpServer<Deno.NetAddr> {
  return Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      try {
        const path = decodeURIComponent(new URL(request.url).pathname);
        const file = await Deno.open(join(folder, path));
        return new Response(file.readable, {
          headers: {
            "content-type": path.endsWith(".ts")
              ? "video/mp2t"
              : "application/octet-stream",
          },
        });
      } catch {
        return new Response("not found", { status: 404 });
      }
    },
  );
}

/** A cache of Deno's own that has the packages, and nothing that a server on loopback gave earlier. */
async function freshDenoDir(folder: string): Promise<string> {
  const { stdout } = await deno(["info", "--json"]);
  const { denoDir } = JSON.parse(stdout);
  const own = join(folder, "deno_dir");
  await Deno.mkdir(join(own, "remote"), { recursive: true });
  for (const name of ["npm", "remote/https"]) {
    await Deno.mkdir(join(denoDir, name), { recursive: true });
    await Deno.symlink(join(denoDir, name), join(own, name));
  }
  return own;
}

Deno.test("a script imports the package from a plain file server, workers included", async () => {
  await using server = serveFiles(ROOT);
  await using folder = await temporaryFolder({
    "script.ts": `
      import * as hi from "http://localhost:${server.addr.port}/mod.ts";

      const where = hi.func("where", "1", (x: number) => ({
        square: x * x,
        worker: typeof WorkerGlobalScope === "function" && self instanceof WorkerGlobalScope,
      }));

      await using jobHandler = new hi.ParallelJobHandler({ numWorkers: 2 });
      const jobCache = new hi.JobCache({ path: "./cache" });
      await hi.config({ jobHandler, jobCache }, async () => {
        const results = await Promise.all(where.map([1, 2, 3]));
        console.log(JSON.stringify(results));
      });
    `,
  });
  const env = { DENO_DIR: await freshDenoDir(folder.path) };
  const args = ["run", "-A", "-q", ...stdArguments(), "script.ts"];
  const cwd = folder.path;
  const first = await deno(args, { cwd, env });
  assertEquals(first.stderr, "");
  assertEquals(
    JSON.parse(first.stdout),
    [1, 4, 9].map((square) => ({ square, worker: true })),
  );
  // From the cache the same.
  assertEquals(await deno(args, { cwd, env }), first);
});
