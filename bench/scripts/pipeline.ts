/**
 * Ten stages with intermediate results of BYTES, with the cache in FOLDER; prints the
 * bytes that were read from files meanwhile (Linux only). The first time the results
 * are stored.
 */

import * as hi from "@hither/hither";

const make = hi.func(
  "bench_make",
  "1",
  (bytes: number) => new Float64Array(bytes / 8).map((_, i) => i),
);
const stage = hi.func(
  "bench_stage",
  "1",
  (array: Float64Array, n: number) => array.map((x) => x + n),
);
const sum = hi.func(
  "bench_sum",
  "1",
  (array: Float64Array) => array.reduce((a, b) => a + b, 0),
);

/** What this process has read so far: all calls of `read` and `pread`. */
function bytesRead(): number {
  const [, bytes] = /^rchar: (\d+)/.exec(
    Deno.readTextFileSync("/proc/self/io"),
  )!;
  return Number(bytes);
}

const [path = "", bytes] = Deno.args;
// What using a cache loads into a process is not read from this one.
for (let round = 0; round < 2; round++) {
  await using jobCache = new hi.JobCache({ path: `${path}_other` });
  await hi.config({ jobCache }, () => stage.run(new Float64Array(10_000), 0));
}
const before = bytesRead();
await hi.config({ jobCache: new hi.JobCache({ path }) }, async () => {
  let job = make.run(Number(bytes));
  for (let n = 1; n <= 8; n++) job = stage.run(job, n);
  const length = Number(bytes) / 8;
  if (await sum.run(job) !== length * (length - 1) / 2 + 36 * length) {
    throw new Error("a wrong result");
  }
});
console.log(bytesRead() - before);
