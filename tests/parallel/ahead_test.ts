// A worker is given its next job while it still has one, so that it need not wait for it.
import { assertEquals, assertRejects } from "@std/assert";
import * as hi from "../../mod.ts";
import { temporaryFolder } from "../house/run.ts";
import { brief } from "./fixtures/functions.ts";
import { appears, inPool, numbers } from "./pool.ts";

const WAYS = [
  { isolation: "worker", cached: false },
  { isolation: "worker", cached: true },
  { isolation: "process", cached: false },
] as const;

/** Runs `body` with a folder in which jobs leave a file each, when workers know how long those take. */
async function withBriefJobs(
  numWorkers: number,
  { isolation, cached }: typeof WAYS[number],
  body: (folder: string) => Promise<void>,
): Promise<void> {
  await using folder = await temporaryFolder({});
  await using cache = await temporaryFolder({});
  await using jobCache = cached
    ? new hi.JobCache({ path: cache.path })
    : undefined;
  await inPool(
    { numWorkers, isolation },
    () =>
      hi.config({ jobCache: jobCache ?? null }, async () => {
        for (let i = 0; i < 3; i++) {
          const some = numbers(2 * numWorkers).map((x) => 1_000 + 10 * i + x);
          await Promise.all(some.map((x) => brief.run(folder.path, x)));
        }
        await body(folder.path);
      }),
  );
}

for (const way of WAYS) {
  const how = `${way.isolation}${way.cached ? ", with a cache" : ""}`;

  Deno.test(`a job that was given ahead to a worker that does not get on runs in another: ${how}`, () =>
    withBriefJobs(2, way, async (folder) => {
      const jobs = [100, 101, -1, ...numbers(20)]
        .map((x) => brief.run(folder, x));
      const [blocked] = jobs.splice(2, 1);
      assertEquals(await Promise.all(jobs), [100, 101, ...numbers(20)]);
      assertEquals(blocked!.status, "running");
      Deno.writeTextFileSync(`${folder}/go`, "");
      assertEquals(await blocked, -1);
    }));

  Deno.test(`of two jobs the second does not wait behind the first where another worker is free: ${how}`, () =>
    withBriefJobs(2, way, async (folder) => {
      const jobs = [100, 101, 0, -1, 2, 3].map((x) => brief.run(folder, x));
      const [blocked] = jobs.splice(3, 1);
      assertEquals(await Promise.all(jobs), [100, 101, 0, 2, 3]);
      assertEquals(blocked!.status, "running");
      Deno.writeTextFileSync(`${folder}/go`, "");
      assertEquals(await blocked, -1);
    }));

  Deno.test(`jobs come one after the other, each once: ${how}`, () =>
    withBriefJobs(1, way, async (folder) => {
      const ends: number[] = [];
      const jobs = numbers(12).map((x) => brief.run(folder, x));
      await Promise.all(jobs.map((job) => job.then((x) => ends.push(x))));
      assertEquals(ends, numbers(12));
      assertEquals(jobs.map(({ attempts }) => attempts), Array(12).fill(1));
    }));

  Deno.test(`a job that was given ahead is queued until its worker comes to it, and can be cancelled: ${how}`, () =>
    withBriefJobs(1, way, async (folder) => {
      const jobs = [0, -1, 1, 2].map((x) => brief.run(folder, x));
      const [first, blocked, ahead, last] = jobs;
      await first;
      await appears(folder, "-1");
      assertEquals(
        jobs.map(({ status, attempts }) => [status, attempts]),
        [["finished", 1], ["running", 1], ["queued", 0], ["queued", 0]],
      );
      ahead!.cancel();
      await assertRejects(() => Promise.resolve(ahead), hi.JobCancelledError);
      assertEquals(ahead!.attempts, 0);
      Deno.writeTextFileSync(`${folder}/go`, "");
      assertEquals(await blocked, -1);
      assertEquals(await last, 2);
      const files = [...Deno.readDirSync(folder)].map(({ name }) => name);
      assertEquals(files.includes("1"), false);
    }));

  Deno.test(`a job that was given ahead runs elsewhere when its worker is lost, and was not tried before: ${how}`, () =>
    withBriefJobs(1, way, async (folder) => {
      const jobs = [0, -2, 1, 2].map((x) => brief.run(folder, x));
      const [exits] = jobs.splice(1, 1);
      await assertRejects(() => Promise.resolve(exits), hi.JobExitError);
      assertEquals(await Promise.all(jobs), [0, 1, 2]);
      assertEquals(jobs.map(({ attempts }) => attempts), [1, 1, 1]);
    }));
}
