/**
 * The jobs of parallel.ts with a cache: the second run computes nothing.
 *
 *     deno run -A examples/cache.ts
 *     deno run -A examples/cache.ts
 */
import * as hi from "@hither/hither";
import { delay } from "@std/async/delay";

const sqrWithDelay = hi.func(
  "cached_sqr_with_delay",
  "0.1.0", // raise it when the results change
  async (x: number, seconds = 0) => {
    await delay(seconds * 1000);
    return x * x;
  },
);

if (import.meta.main) {
  const start = performance.now();

  await using jobHandler = new hi.ParallelJobHandler({ numWorkers: 4 });
  await using jobCache = new hi.JobCache(); // .hither/ beside deno.json
  await hi.config({ jobHandler, jobCache }, async () => {
    const jobs = Array.from({ length: 8 }, (_, x) => sqrWithDelay.run(x, 1));
    const { total, cached } = await hi.wait();

    const results = jobs.map((job) => job.getResult());
    console.log(`Results: [ ${results.join(", ")} ]`);
    console.log(`${cached} of ${total} jobs were in the cache`);
    console.log(jobs[7]!.explain().text);
  });

  const elapsed = (performance.now() - start) / 1000;
  console.log(`Elapsed time: ${elapsed.toFixed(3)} sec`);
}
