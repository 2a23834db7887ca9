/**
 * A program of its own that stores more than its disk holds, in a cache of files with a
 * limit that is beyond that; prints how many of the latest results are found, and what is damaged.
 */

import * as hi from "../../mod.ts";

const [path = "", kind] = Deno.args;

const small = hi.func("full_small", "1", (n: number) => `${n}`.repeat(1_000));
const large = hi.func(
  "full_large",
  "1",
  (n: number) => new Uint8Array(100_000).fill(n),
);

const count = kind === "small" ? 1_000 : 120;
const run = (n: number): hi.Job<string | Uint8Array> =>
  kind === "small" ? small.run(n) : large.run(n);
const options = { path, layout: "files", maxSize: 1_000_000_000 } as const;
{
  await using jobCache = new hi.JobCache(options);
  await hi.config({ jobCache }, async () => {
    for (let n = 0; n < count; n++) await run(n);
  });
}
await using jobCache = new hi.JobCache(options);
const jobs = await hi.config({ jobCache }, async () => {
  const jobs = Array.from({ length: 20 }, (_, i) => run(count - 20 + i));
  await hi.wait();
  return jobs;
});
const { badRecords, badBlobs, missingBlobs } = await jobCache.verify();
console.log(JSON.stringify({
  hits: jobs.filter((job) => job.cached).length,
  bad: badRecords + badBlobs + missingBlobs,
  full: jobCache.stats().records < count,
}));
