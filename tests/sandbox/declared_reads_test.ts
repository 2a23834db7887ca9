import {
  assert,
  assertEquals,
  assertNotEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import * as hi from "../../mod.ts";
import { temporaryFolder } from "../house/run.ts";
import { makeFifo } from "../process/processes.ts";
import * as f from "./fixtures/functions.ts";
import { failureAs } from "./refusals.ts";

/** Runs `body` with a cache, and jobs in a process. */
async function withCache(
  files: Record<string, string>,
  body: (folder: string) => Promise<void>,
): Promise<void> {
  await using folder = await temporaryFolder(files);
  await using cacheFolder = await temporaryFolder();
  await using jobCache = new hi.JobCache({ path: cacheFolder.path });
  await using jobHandler = new hi.ParallelJobHandler({
    numWorkers: 1,
    isolation: "process",
  });
  await hi.config(
    { jobCache, jobHandler, code: "version" },
    () => body(folder.path),
  );
}

Deno.test("a declared file that has changed makes the job run again, one that was touched does not", () =>
  withCache({ "a.txt": "one", "b.txt": "1" }, async (folder) => {
    const path = `${folder}/a.txt`;
    const read = [path, `${folder}/b.txt`];
    const load = f.loads.with({ permissions: { read } });
    assertEquals(await load.run(path), "one");
    await Deno.utime(path, 1, 1);
    const again = load.run(path);
    assertEquals([await again, again.cached], ["one", true]);
    await Deno.writeTextFile(path, "two");
    const changed = load.run(path);
    assertEquals([await changed, changed.cached], ["two", false]);
    assertStringIncludes(
      changed.explain().text,
      `permissions.read[${JSON.stringify(path)}] changed`,
    );
    assert(!changed.explain().text.includes("b.txt"));
    const fewer = f.loads.with({ permissions: { read: [path], net: true } });
    const other = fewer.run(path);
    await other;
    assertStringIncludes(other.explain().text, `b.txt"] is gone`);
    await Deno.writeTextFile(path, "one");
    const back = load.run(path);
    assertEquals([await back, back.cached], ["one", true]);
  }));

Deno.test("of a declared folder all that is in it counts, by name and content", () =>
  withCache({ "in/a.txt": "one", "in/b/c.txt": "two" }, async (folder) => {
    const list = f.lists.with({ permissions: { read: [`${folder}/in`] } });
    const keys: string[] = [];
    const run = async (cached: boolean) => {
      const job = list.run(`${folder}/in`);
      await job;
      assertEquals(job.cached, cached);
      keys.push(job.key!);
    };
    await run(false);
    await run(true);
    await Deno.writeTextFile(`${folder}/in/b/c.txt`, "three");
    await run(false);
    await Deno.writeTextFile(`${folder}/in/d.txt`, "");
    await run(false);
    await Deno.rename(`${folder}/in/d.txt`, `${folder}/in/e.txt`);
    await run(false);
    assertEquals(new Set(keys).size, 4);
  }));

Deno.test("a declared file that is not there counts as absent, until it comes", () =>
  withCache({}, async (folder) => {
    const path = `${folder}/a.txt`;
    const load = f.loads.with({ permissions: { read: [path] } });
    assertEquals(await load.run(path), "absent");
    const again = load.run(path);
    assertEquals([await again, again.cached], ["absent", true]);
    await Deno.writeTextFile(path, "there");
    assertEquals(await load.run(path), "there");
  }));

Deno.test("permissions are no part of a key but for the content of what is declared to be read", () =>
  withCache({ "a.txt": "same", "b.txt": "same" }, async (folder) => {
    const [a, b] = [`${folder}/a.txt`, `${folder}/b.txt`];
    const keyWith = async (
      permissions: hi.PermissionOptions | "none" | null,
    ) => {
      const job = f.pure.with({ permissions }).run(3);
      await job;
      return job.key;
    };
    const plain = await keyWith("none");
    assertEquals(await keyWith({ net: ["a.b"], read: true }), plain);
    assertEquals(await keyWith({ read: [a], write: [folder] }), plain);
    const withA = await keyWith({ read: [a] });
    assertNotEquals(withA, plain);
    assertEquals(await keyWith({ read: [b] }), withA);
    assertNotEquals(await keyWith({ read: [a, b] }), withA);
  }));

for (const [what, before] of [["changes", "one"], ["appears", undefined]]) {
  Deno.test(`a declared file that ${what} while the job runs is an error, and nothing is kept`, async () => {
    await using fifo = await makeFifo();
    await withCache({}, async (folder) => {
      const path = `${folder}/a.txt`;
      if (before !== undefined) await Deno.writeTextFile(path, before);
      const waits = f.waitsFor.with({
        permissions: { read: [path, fifo.path] },
      });
      const run = async (meanwhile: () => Promise<void>) => {
        const job = waits.run(fifo.path);
        job.wait().catch(() => {});
        // Opened when the job opens it, too.
        using file = await Deno.open(fifo.path, { write: true });
        await meanwhile();
        await file.write(new TextEncoder().encode("go"));
        return { job };
      };
      const { job } = await run(() => Deno.writeTextFile(path, "two"));
      const error = await failureAs(job, hi.FileChangedError);
      assertStringIncludes(error.message, path);
      assertStringIncludes(error.message, "sandbox_waits_for");
      if (before === undefined) await Deno.remove(path);
      else await Deno.writeTextFile(path, before);
      const { job: again } = await run(() => Promise.resolve());
      assertEquals([await again, again.cached], ["go", false]);
    });
  });
}

Deno.test("what cannot be looked at is an error where the job is submitted", () =>
  withCache({ "in/a": "" }, async (folder) => {
    await Deno.symlink("..", `${folder}/in/loop`);
    const load = f.loads.with({ permissions: { read: [`${folder}/in`] } });
    const error = assertThrows(() => load.run("a"), Error);
    assertStringIncludes(error.message, "permissions.read");
    assertStringIncludes(error.message, `${folder}/in/loop`);
    await Promise.resolve();
  }));

Deno.test("a declared folder that holds the cache is an error that names the cure", () =>
  withCache({ "in/a.txt": "one" }, async (folder) => {
    await using jobCache = new hi.JobCache({ path: `${folder}/cache` });
    await hi.config({ jobCache }, async () => {
      const list = f.lists.with({ permissions: { read: [folder] } });
      const error = await failureAs(list.run(folder), hi.FileChangedError);
      assertStringIncludes(error.message, `of the cache in ${folder}/cache,`);
    });
  }));
