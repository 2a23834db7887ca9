/** COUNT trivial jobs on 2 workers of an ISOLATION, without a cache, by `run` or by `map`; prints the µs for each. */

import * as hi from "@hither/hither";

const increment = hi.func("bench_increment", "1.0.0", (x: number) => x + 1);

if (import.meta.main) {
  const count = Number(Deno.args[0]);
  const isolation = Deno.args[2] as "worker" | "process";
  await using jobHandler = new hi.ParallelJobHandler({
    numWorkers: 2,
    isolation,
  });
  await hi.config({ jobHandler, jobCache: null }, async () => {
    await Promise.all(increment.map([-1, -2, -3, -4]));
    const start = performance.now();
    const items = Array.from({ length: count }, (_, i) => i);
    const results = Deno.args[1] === "map"
      ? await Array.fromAsync(hi.map(increment, items))
      : await Promise.all(increment.map(items));
    const time = (performance.now() - start) * 1_000 / count;
    if (results.some((result, i) => result !== i + 1)) {
      throw new Error("a wrong result");
    }
    console.log(time);
  });
}
