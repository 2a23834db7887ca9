/**
 * What is no file in the place of one of a cache: to read a pipe would take for ever.
 * Programs of their own meet it, which are killed if they hang.
 */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { runScript } from "./children.ts";
import { filesOf, makeFolder } from "./support.ts";
import type { Layout } from "../../lib/cache/folder.ts";

/** What the child says of its jobs. */
interface Said {
  cached: boolean[];
  keys: string[];
  pins: number;
}

/** A cache with three records in a folder, and what is said of it. */
async function filled(folder: string, layout: Layout): Promise<Said> {
  return JSON.parse((await run(folder, "run", layout)).stdout);
}

async function run(folder: string, verb: string, layout: Layout) {
  const args = [verb, `${folder}/cache`, layout, "result"];
  const prefix = ["env", "-C", folder, "timeout", "-s", "KILL", "60"];
  const ended = await runScript("no_files_child.ts", args, prefix);
  assertEquals(ended.code, 0, ended.stderr);
  return ended;
}

/** Puts something that is no file at a path. */
type Put = (path: string) => void | Disposable;

function command(name: string, ...args: string[]): void {
  assert(new Deno.Command(name, { args }).outputSync().success);
}

const OBSTACLES: Record<string, Put> = {
  "a pipe": (path) => command("mkfifo", path),
  "a socket": (path) => {
    // Its name must be short, and closing it takes it away.
    const name = `${Deno.makeTempDirSync()}/s`;
    const listener = Deno.listen({ transport: "unix", path: name });
    Deno.renameSync(name, path);
    return { [Symbol.dispose]: () => listener.close() };
  },
  "a device": (path) => Deno.symlinkSync("/dev/zero", path),
  "a folder": (path) => Deno.mkdirSync(path),
};

/** The only file in a folder of a cache, or the first. */
const one = (cache: string, folder: string): string =>
  `${cache}/${folder}/${filesOf(`${cache}/${folder}`).sort()[0]}`;

const shard = (key: string): string => `${key.slice(0, 2)}/${key.slice(2)}`;

interface Spot {
  layout: Layout;
  what: string;
  path: (cache: string, said: Said) => string;
  /** Which of the jobs are found still. */
  cached: boolean[];
  /** What a program that may write says. */
  says: RegExp;
  /** What `verify` counts. */
  verify?: Record<string, number>;
}

const FOUND = [true, true, true];
const MOVED = /is not a file and was moved to/;
const SILENT = /^$/;

const SPOTS: Spot[] = [
  {
    layout: "files",
    what: "a record",
    path: (cache, { keys }) => `${cache}/jobs/${shard(keys[0]!)}`,
    cached: [false, true, true],
    says: MOVED,
    verify: { badRecords: 1 },
  },
  {
    layout: "files",
    what: "the layout file",
    path: (cache) => `${cache}/layout`,
    cached: FOUND,
    says: MOVED,
  },
  {
    layout: "files",
    what: "a lease",
    path: (cache, { keys }) => {
      Deno.removeSync(`${cache}/jobs/${shard(keys[0]!)}`);
      Deno.mkdirSync(`${cache}/leases/${keys[0]!.slice(0, 2)}`, {
        recursive: true,
      });
      return `${cache}/leases/${shard(keys[0]!)}`;
    },
    cached: [false, true, true],
    says: SILENT,
  },
  ...["snapshots", "totals", "code"].map((folder): Spot => ({
    layout: "files",
    what: `a file of ${folder}`,
    path: (cache) => one(cache, folder),
    cached: FOUND,
    says: SILENT,
  })),
  {
    layout: "files",
    what: "a pin",
    path: (cache) => one(cache, "pins"),
    cached: FOUND,
    says: SILENT,
  },
  ...["", "-wal", "-shm", "-journal"].map((companion): Spot => ({
    layout: "sqlite",
    what: `cache.sqlite${companion}`,
    path: (cache) => `${cache}/cache.sqlite${companion}`,
    cached: companion === "" ? [false, false, false] : FOUND,
    says: MOVED,
    ...companion === "" ? { verify: { badDatabases: 1 } } : {},
  })),
  {
    layout: "sqlite",
    what: "the lock",
    path: (cache) => `${cache}/lock`,
    cached: FOUND,
    says: /^$|is not a file and was moved to/,
  },
  ...(["files", "sqlite"] as const).map((layout): Spot => ({
    layout,
    what: "a blob",
    path: (cache) => {
      const blobs = filesOf(`${cache}/blobs`).map((name) =>
        `${cache}/blobs/${name}`
      );
      return blobs.find((path) => Deno.statSync(path).size === 80_000)!;
    },
    cached: [true, false, true],
    says: MOVED,
    verify: { badBlobs: 1 },
  })),
];

/** Sockets, devices and folders are told by the same look as pipes. */
const ONLY_PIPES = new Set(["a lease", "a pin", "the lock"]);

for (const [name, put] of Object.entries(OBSTACLES)) {
  for (const layout of ["files", "sqlite"] as const) {
    Deno.test({
      name:
        `${name} in the place of a file of a cache is damage, and nothing waits for it (${layout})`,
      ignore: Deno.build.os === "windows",
      fn: async (t) => {
        await using source = await makeFolder();
        const said = await filled(source.path, layout);
        for (const spot of SPOTS) {
          if (spot.layout !== layout) continue;
          if (name !== "a pipe" && ONLY_PIPES.has(spot.what)) continue;
          await t.step(`${name} for ${spot.what}`, async () => {
            await meets(spot, put, source.path, said);
          });
        }
      },
    });
  }
}

async function meets(
  { layout, path, cached, says, verify }: Spot,
  put: Put,
  source: string,
  said: Said,
): Promise<void> {
  for (const verb of ["run", "read", "verify"]) {
    await using folder = await makeFolder();
    command("cp", "-a", `${source}/.`, folder.path);
    const place = path(`${folder.path}/cache`, said);
    try {
      Deno.removeSync(place);
    } catch {
      // Nothing was there.
    }
    using _ = put(place) ?? { [Symbol.dispose]() {} };
    const { stdout, stderr } = await run(folder.path, verb, layout);
    const answer = JSON.parse(stdout);
    if (verb === "run") {
      assertEquals(answer.cached, cached);
      assertMatch(stderr, says);
      const again = await run(folder.path, "run", layout);
      assertEquals(JSON.parse(again.stdout).cached, FOUND);
      assertEquals(again.stderr, "");
    } else if (verb === "verify") {
      for (const [count, value] of Object.entries(verify ?? {})) {
        assertEquals(answer[count], value, count);
      }
    }
  }
}
