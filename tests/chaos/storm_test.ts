import { assert, assertEquals } from "@std/assert";
import { temporaryFolder } from "../house/run.ts";
import { inPool } from "../parallel/pool.ts";
import { childrenOf } from "../process/processes.ts";
import { FULL } from "./chaos.ts";
import { work } from "./fixtures/storm.ts";

/** In a full run 60 s long, else 10. */
const JOBS = FULL === undefined ? 320 : 2_000;
const WORKERS = 4;
const AVERAGE = 120;
const RETRIES = 5;

/** Between two kills, in ms. */
const EVERY = 1_000;

Deno.test("while a worker is killed each second, all results are right, and no job begins more often than it may", async () => {
  await using folder = await temporaryFolder();
  let kills = 0;
  const timer = setInterval(() => {
    const workers = childrenOf();
    const victim = workers[Math.floor(Math.random() * workers.length)];
    if (victim === undefined) return;
    Deno.kill(victim, "SIGKILL");
    kills++;
  }, EVERY);
  try {
    await inPool({ numWorkers: WORKERS, isolation: "process" }, async () => {
      const jobs = Array.from({ length: JOBS }, (_, i) => {
        const ms = AVERAGE / 2 + i * 37 % (AVERAGE + 1);
        return work.with({ crashRetries: RETRIES }).run(folder.path, i, ms);
      });
      assertEquals(await Promise.all(jobs), jobs.map((_, i) => i * i));
      const begun = jobs.map((_, i) => timesBegun(folder.path, i));
      jobs.forEach(({ attempts }, i) => {
        assert(begun[i]! >= 1 && begun[i]! <= attempts, `${begun[i]} times`);
        assert(attempts <= 1 + RETRIES, `${attempts} attempts`);
      });
      const again = begun.reduce((sum, times) => sum + times - 1, 0);
      assert(kills >= 5 && again <= kills, `${kills} kills, ${again} again`);
      const most = Math.max(...begun);
      const path = Deno.env.get("HITHER_CHAOS_TABLE");
      if (path) {
        await Deno.writeTextFile(
          path,
          `${JOBS} jobs, ${kills} workers killed, ${again} jobs begun again, one of them ${most} times\n`,
          { append: true },
        );
      }
    });
  } finally {
    clearInterval(timer);
  }
  assertEquals(childrenOf(), []);
});

/** How often a job was begun, also in workers that were killed. */
function timesBegun(folder: string, index: number): number {
  return Deno.readTextFileSync(`${folder}/${index}`).split("\n").length - 1;
}
