/**
 * A pipeline of ten stages whose intermediate results are large; prints the bytes
 * that were read from files meanwhile, and the last result.
 */

import * as hi from "../../mod.ts";

const make = hi.func(
  "pipeline_make",
  "1",
  (bytes: number) => new Float64Array(bytes / 8).map((_, i) => i),
);
const stage = hi.func(
  "pipeline_stage",
  "1",
  (array: Float64Array, n: number) => array.map((x) => x + n),
);
const sum = hi.func("pipeline_sum", "1", (array: Float64Array) => ({
  sum: array.reduce((a, b) => a + b, 0),
}));

/** What this process has read so far, in bytes (Linux: all calls of `read`). */
function bytesRead(): number {
  const [, bytes] = /^rchar: (\d+)/.exec(
    Deno.readTextFileSync("/proc/self/io"),
  )!;
  return Number(bytes);
}

const [path = "", bytes = ""] = Deno.args;
// What reading a cache loads into a process is not what is read of the cache.
for (let round = 0; round < 2; round++) {
  await using jobCache = new hi.JobCache({ path: `${path}_other` });
  await hi.config({ jobCache }, () => stage.run(new Float64Array(10_000), 0));
}
const jobCache = new hi.JobCache({ path });
await hi.config({ jobCache }, async () => {
  const before = bytesRead();
  let job = make.run(Number(bytes));
  for (let n = 1; n <= 8; n++) job = stage.run(job, n);
  const result = await sum.run(job);
  const { misses } = jobCache.stats();
  console.log(JSON.stringify([misses, bytesRead() - before, result.sum]));
});
