/**
 * 8 jobs that each sleep for a second and square their input, on 4 workers.
 *
 *     deno run -A examples/parallel.ts
 */
import * as hi from "@hither/hither";
import { delay } from "@std/async/delay";

const sqrWithDelay = hi.func(
  "sqr_with_delay",
  "0.1.0",
  async (x: number, seconds = 0) => {
    await delay(seconds * 1000);
    return x * x;
  },
);

if (import.meta.main) {
  const start = performance.now();

  await using jobHandler = new hi.ParallelJobHandler({ numWorkers: 4 });
  await hi.config({ jobHandler }, async () => {
    const jobs = Array.from({ length: 8 }, (_, x) => sqrWithDelay.run(x, 1));
    await hi.wait();
    const results = jobs.map((job) => job.getResult());
    console.log(`Results: [ ${results.join(", ")} ]`);
  });

  const elapsed = (performance.now() - start) / 1000;
  console.log(`Elapsed time: ${elapsed.toFixed(3)} sec`);
}
