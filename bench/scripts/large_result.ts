/**
 * A job whose result is a large Float64Array, with the cache in FOLDER: prints
 * the ms that `await` took, or with `store` nothing of interest.
 */

import * as hi from "@hither/hither";

const [verb, path = "", bytes] = Deno.args;
const length = Number(bytes) / 8;
const ramp = hi.func(
  "bench_ramp",
  "1.0.0",
  (length: number) => new Float64Array(length).map((_, i) => i),
);

await hi.config({ jobCache: new hi.JobCache({ path }) }, async () => {
  const start = performance.now();
  const job = ramp.run(length);
  const result = await job;
  const time = performance.now() - start;
  if (result.length !== length || result[length - 1] !== length - 1) {
    throw new Error("a wrong result");
  }
  if (verb === "load" && job.status !== "finished") throw new Error("a miss");
  console.log(time);
});
