// What is lost of a cache is computed again: once among programs, and until it is there.
import { assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import * as hi from "../../mod.ts";
import { deno, stdArguments, temporaryFolder } from "../house/run.ts";
import { damage, listing } from "../cache/upstream_support.ts";
import { captureWarnings } from "../cache/support.ts";

const CHILD = fromFileUrl(new URL("loss_child.ts", import.meta.url));
const PROGRAMS = 4;

type Layout = "sqlite" | "files";

let runs = 0;

/** Gives a large result, which is a blob. */
const large = hi.func("loss_large", "1", (n: number) => {
  runs++;
  return new Float64Array(20_000).fill(n);
});

/** Runs the program several times at once; what each printed, if it ended well. */
async function together(
  programs: number,
  cache: hi.JobCacheOptions,
  log: string,
  ...args: (string | number)[]
): Promise<string[]> {
  const run = async () => {
    const { code, stdout, stderr } = await deno([
      "run",
      "-A",
      "-q",
      ...stdArguments(),
      CHILD,
      JSON.stringify(cache),
      log,
      ...args.map(String),
    ]);
    return code === 0 ? stdout.trim() : `ended with ${code}: ${stderr}`;
  };
  return await Promise.all(Array.from({ length: programs }, run));
}

/** The files of blobs, in their order. */
function blobsOf(path: string): string[] {
  return listing(`${path}/blobs`).map((line) => line.split(" ")[0]!)
    .filter((file) => Deno.statSync(file).isFile);
}

/** Executions of each kind. */
function counted(log: string): Record<string, number> {
  const counts: Record<string, number> = { fill: 0, add: 0, sums: 0 };
  for (const line of Deno.readTextFileSync(log).trimEnd().split("\n")) {
    counts[line.split(" ")[0]!]!++;
  }
  return counts;
}

for (const layout of ["sqlite", "files"] as const) {
  for (const how of ["deleted", "damaged"] as const) {
    Deno.test(`Of several programs one runs what was ${how} (${layout})`, async () => {
      await using folder = await temporaryFolder();
      const cache = { path: `${folder.path}/cache`, layout };
      const log = `${folder.path}/log`;
      assertEquals(await together(1, cache, log, "fill", 12, 0), [""]);
      for (const blob of blobsOf(cache.path).slice(0, 5)) {
        if (how === "deleted") Deno.removeSync(blob);
        else damage(blob);
      }
      Deno.writeTextFileSync(log, "");
      assertEquals(
        await together(PROGRAMS, cache, log, "sums", 12, 2),
        Array(PROGRAMS).fill("right"),
      );
      assertEquals(counted(log), { fill: 5, add: 12, sums: 1 });
    });
  }

  Deno.test(`Programs that push out each other's results come to an end (${layout})`, async () => {
    await using folder = await temporaryFolder();
    const cache = { path: `${folder.path}/cache`, layout, maxSize: 600_000 };
    for (const round of [0, 1, 2]) {
      assertEquals(
        await together(
          PROGRAMS,
          cache,
          `${folder.path}/log${round}`,
          "sums",
          12,
          0,
        ),
        Array(PROGRAMS).fill("right"),
      );
    }
  });

  Deno.test(`What cannot be taken out of a read-only cache is run again (${layout})`, async () => {
    await using folder = await temporaryFolder();
    using warnings = captureWarnings();
    runs = 0;
    const { path } = folder;
    await cacheIn(path, layout).fill(() => large.run(7));
    damage(blobsOf(path)[0]!);
    await using jobCache = new hi.JobCache({ path, layout, readonly: true });
    await hi.config({ jobCache }, async () => {
      const job = large.run(7);
      assertEquals((await job)[0], 7);
      assertEquals([job.cached, runs], [false, 2]);
      assertEquals(
        job.explain().text,
        "loss_large 1: its stored result is damaged or gone",
      );
    });
    assertEquals(warnings.lines.length, 1);
  });

  Deno.test(`What is lost is asked for at the upstream again (${layout})`, async () => {
    await using folder = await temporaryFolder();
    using _warnings = captureWarnings();
    runs = 0;
    const upstream = `${folder.path}/theirs`;
    await cacheIn(upstream, layout).fill(() => large.run(7));
    const path = `${folder.path}/mine`;
    await cacheIn(path, layout, [upstream]).fill(() => large.run(7));
    for (const how of [Deno.removeSync, damage]) {
      how(blobsOf(path)[0]!);
      await using jobCache = new hi.JobCache({
        path,
        layout,
        upstream: [upstream],
      });
      await hi.config({ jobCache }, async () => {
        const job = large.run(7);
        assertEquals((await job)[0], 7);
        assertEquals([job.cached, runs], [true, 1]);
      });
    }
  });
}

/** A cache to be filled. */
function cacheIn(
  path: string,
  layout: Layout,
  upstream: string[] = [],
): { fill(body: () => PromiseLike<unknown>): Promise<void> } {
  return {
    async fill(body) {
      await using jobCache = new hi.JobCache({ path, layout, upstream });
      await hi.config({ jobCache }, async () => void await body());
    },
  };
}
