/**
 * A program that is killed, for the tests: it uses one cache in all ways at once, and
 * says `wrong …` if a value is not what the function would give.
 *
 * `run OPTIONS FILES KEYS SEED` runs jobs until it is killed.
 * `gc OPTIONS GRACE` collects garbage and verifies until it is killed.
 */

import * as hi from "../../mod.ts";
import { expected, type Kind, KINDS, make, textOf } from "./kills_jobs.ts";
import { seeded } from "./support.ts";

/** Jobs that are on their way at once. */
const LOOPS = 6;

async function run(
  jobCache: hi.JobCache,
  files: string,
  keys: number,
  seed: number,
): Promise<void> {
  const random = seeded(seed);
  await hi.config({ jobCache }, async () => {
    console.log("ready");
    await Promise.all(Array.from({ length: LOOPS }, async () => {
      for (;;) {
        const n = Math.floor(random() * keys);
        const kind = KINDS[n % KINDS.length]!;
        const forceRun = random() < 0.1;
        // Not the job itself, which would be awaited on the way out.
        const { job } = await hi.config(
          { forceRun },
          () => ({ job: make[kind].run(n, files) }),
        );
        check(kind, n, await job);
        if (random() < 0.05) jobCache.delete(job);
      }
    }));
  });
}

function check(kind: Kind, n: number, value: unknown): void {
  const [found, right] = [textOf(value), expected(kind, n)];
  if (found !== right) {
    console.log(`wrong ${kind} ${n}: ${found.slice(0, 60)}`);
  }
}

async function collect(jobCache: hi.JobCache, grace: number): Promise<void> {
  console.log("ready");
  for (;;) {
    await jobCache.gc({ grace });
    const { badRecords, badBlobs } = await jobCache.verify();
    if (badRecords + badBlobs > 0) {
      console.log(`wrong: ${badRecords} records, ${badBlobs} blobs`);
    }
  }
}

if (import.meta.main) {
  const [task = "", options = "", ...rest] = Deno.args;
  const jobCache = new hi.JobCache(JSON.parse(options) as hi.JobCacheOptions);
  if (task === "gc") await collect(jobCache, Number(rest[0]));
  else await run(jobCache, rest[0]!, Number(rest[1]), Number(rest[2]));
}
