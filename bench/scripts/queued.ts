/**
 * Submits COUNT trivial jobs to 2 workers that are busy, so that all of them are queued. Prints, as
 * WHAT says, how many bytes of memory each takes, or the µs for each `.run()` of the
 * "first" or the "last" tenth of them.
 */

import * as hi from "@hither/hither";
import { megabytes } from "./memory.ts";

const busy = hi.func(
  "bench_busy",
  "1.0.0",
  (_: number) => new Promise(() => {}),
);
const increment = hi.func("bench_queued", "1.0.0", (x: number) => x + 1);

if (import.meta.main) {
  const count = Number(Deno.args[0]);
  const what = Deno.args[1];
  const tenth = count / 10;
  const jobHandler = new hi.ParallelJobHandler({ numWorkers: 2 });
  await hi.config({ jobHandler, jobCache: null }, async () => {
    await Promise.all(increment.map([-1, -2, -3, -4]));
    const held = busy.map([1, 2]);
    for (const job of held) {
      for await (const event of job) {
        if (event.type === "status" && event.status === "running") break;
      }
    }
    const jobs: hi.Job<number>[] = new Array(count).fill(undefined);
    const before = megabytes("VmRSS");
    const times: number[] = [];
    for (let n = 0; n < 10; n++) {
      const start = performance.now();
      for (let i = n * tenth; i < (n + 1) * tenth; i++) {
        jobs[i] = increment.run(i);
      }
      times.push((performance.now() - start) * 1_000 / tenth);
    }
    const bytes = (megabytes("VmRSS") - before) * 1e6 / count;
    if (jobs.some(({ status }) => status === "finished")) {
      throw new Error("a job was not queued");
    }
    console.log(
      what === "memory" ? bytes : times.at(what === "first" ? 0 : -1),
    );
  });
  // To cancel them all is another question.
  Deno.exit();
}
