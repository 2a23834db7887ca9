/** A limit that several programs keep together, watched from outside. */

import { assert, assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { CacheFolder } from "../../lib/cache/folder.ts";
import { PortableFolder } from "../../lib/cache/portable_folder.ts";
import { PortableTotals } from "../../lib/cache/portable_totals.ts";
import { stdArguments } from "../house/run.ts";
import { TextLineStream } from "./lines.ts";
import { bytesIn, makeFolder, testBoth } from "./support.ts";

const CHILD = fromFileUrl(new URL("limit_child.ts", import.meta.url));
const LARGE_CHILD = fromFileUrl(
  new URL("limit_large_child.ts", import.meta.url),
);

const REPLACE_CHILD = fromFileUrl(
  new URL("limit_replace_child.ts", import.meta.url),
);

const MAX_SIZE = 3_000_000, COUNT = 800;

testBoth(
  "Three programs that store at once keep a cache within maxSize at every moment",
  async (layout) => {
    await using folder = await makeFolder();
    const { path } = folder;
    const children = ["1", "2", "3"].map((who) =>
      start(CHILD, layout, path, `${MAX_SIZE}`, who, `${COUNT}`)
    );
    const running = new Set(children);
    const sizes: number[] = [];
    // All stand still meanwhile: what is looked at is what there is at one moment.
    const look = () => {
      for (const child of running) signal(child, "SIGSTOP");
      for (const { pid } of running) while (!stands(pid));
      try {
        sizes.push(bytesIn(path, layout));
      } catch (error) {
        // One of them stands where nobody may read: there are other moments.
        if (!`${error}`.includes("database is locked")) throw error;
      } finally {
        for (const child of running) signal(child, "SIGCONT");
      }
    };
    const said = await Promise.all(children.map(async (child) => {
      const stderr = new Response(child.stderr).text();
      const lines = child.stdout
        .pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream());
      for await (const line of lines) {
        if (Number(line) > COUNT - 20) running.delete(child);
        look();
      }
      return [(await child.status).code, await stderr];
    }));
    assertEquals(said, [[0, ""], [0, ""], [0, ""]]);
    assert(sizes.length > 60, `only ${sizes.length} looks`);
    sizes.push(bytesIn(path, layout));
    const most = Math.max(...sizes);
    assert(most <= MAX_SIZE, `${most} bytes in one of ${sizes.length} looks`);
    assert(most > 0.9 * MAX_SIZE, `${most} bytes at most`);
  },
  { ignore: Deno.build.os !== "linux" },
);

for (const [programs, maxSize] of [[3, 1_000_000], [4, 1_300_000]] as const) {
  Deno.test(`${programs} programs that find nothing left to delete at once leave a cache of files within maxSize`, async () => {
    for (let round = 0; round < 3; round++) {
      await using folder = await makeFolder();
      const { path } = folder;
      const outputs = await Promise.all(
        Array.from(
          { length: programs },
          (_, who) =>
            start(LARGE_CHILD, path, `${maxSize}`, `${who}`, "64").output(),
        ),
      );
      for (const { code, stderr } of outputs) {
        assertEquals([code, new TextDecoder().decode(stderr)], [0, ""]);
      }
      const bytes = bytesIn(path, "files");
      assert(bytes <= maxSize, `${bytes} bytes in round ${round}`);
    }
  });
}

Deno.test("A record that several programs replace at once never counts too little", async () => {
  await using folder = await makeFolder();
  const { path } = folder;
  const outputs = await Promise.all(
    ["1", "2", "3"].map(() => start(REPLACE_CHILD, path, "400").output()),
  );
  for (const { code, stderr } of outputs) {
    assertEquals([code, new TextDecoder().decode(stderr)], [0, ""]);
  }
  const totals = new PortableTotals(
    new PortableFolder(new CacheFolder(path)),
  );
  const { bytes, taken } = totals.read();
  assertEquals(taken, 0);
  const there = bytesIn(path, "files");
  assert(bytes >= there, `${bytes} bytes counted of ${there}`);
});

function start(script: string, ...args: string[]): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", ...stdArguments(), script, ...args],
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

function signal(child: Deno.ChildProcess, name: Deno.Signal): void {
  try {
    child.kill(name);
  } catch (error) {
    // It has ended.
    if (!(error instanceof TypeError)) throw error;
  }
}

/** Whether a process stands still, or has ended. */
function stands(pid: number): boolean {
  try {
    const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
    return "TZ".includes(stat.slice(stat.lastIndexOf(")") + 2)[0]!);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return true;
    throw error;
  }
}
