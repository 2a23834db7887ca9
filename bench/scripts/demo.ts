/** The demo of the README, with the cache in FOLDER: 8 jobs of 1 s on 4 workers. */

import * as hi from "@hither/hither";
import { delay } from "@std/async/delay";

const sqr = hi.func(
  "sqr_with_delay",
  "0.1.0",
  async (x: number, seconds: number) => {
    await delay(seconds * 1_000);
    return x * x;
  },
);

if (import.meta.main) {
  await using jobHandler = new hi.ParallelJobHandler({ numWorkers: 4 });
  const jobCache = new hi.JobCache({ path: Deno.args[0]! });
  await hi.config({ jobHandler, jobCache }, async () => {
    const jobs = Array.from({ length: 8 }, (_, x) => sqr.run(x, 1));
    await hi.wait();
    const results = jobs.map((job) => job.getResult());
    if (results.join() !== "0,1,4,9,16,25,36,49") {
      throw new Error("a wrong result");
    }
    console.log("Results:", results);
  });
}
