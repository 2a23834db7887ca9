/** COUNT trivial jobs, one after the other, on one worker of an ISOLATION; prints the median µs. */

import * as hi from "@hither/hither";

const increment = hi.func("bench_round_trip", "1.0.0", (x: number) => x + 1);

if (import.meta.main) {
  const isolation = Deno.args[0] as "worker" | "process";
  const count = Number(Deno.args[1]);
  await using jobHandler = new hi.ParallelJobHandler({
    numWorkers: 1,
    isolation,
  });
  await hi.config({ jobHandler, jobCache: null }, async () => {
    const times = new Float64Array(count);
    for (let i = -1_000; i < count; i++) {
      const start = performance.now();
      if (await increment.run(i) !== i + 1) throw new Error("a wrong result");
      if (i >= 0) times[i] = performance.now() - start;
    }
    console.log(times.sort()[count >> 1]! * 1_000);
  });
}
