/**
 * A pipeline of large results in a cache, for the tests of lost ones. Each execution
 * leaves a line in a common log; the program prints whether its results are right.
 */

import * as hi from "../../mod.ts";

function note(log: string, line: string): void {
  // One short write to a file opened for appending: lines never mix.
  Deno.writeTextFileSync(log, line + "\n", { append: true });
}

const fill = hi.func("loss_fill", "1", async (n: number, log: string) => {
  note(log, `fill ${n}`);
  // The others come to this job meanwhile.
  await new Promise((resolve) => setTimeout(resolve, 50));
  return new Float64Array(20_000).fill(n);
});

const add = hi.func(
  "loss_add",
  "1",
  (a: Float64Array, b: Float64Array, log: string) => {
    note(log, `add ${a[0]} ${b[0]}`);
    return a.map((x, i) => x + b[i]!);
  },
);

const sums = hi.func(
  "loss_sums",
  "1",
  (arrays: Float64Array[], log: string) => {
    note(log, "sums");
    return arrays.map((array) => array.reduce((sum, x) => sum + x, 0));
  },
);

/** Gives what is to be expected of `count` stages. */
function expected(count: number): number[] {
  return Array.from(
    { length: count },
    (_, n) => 20_000 * (n + (n + 1) % count),
  );
}

if (import.meta.main) {
  const [options = "", log = "", what = "", count = "", workers = ""] =
    Deno.args;
  const cache: hi.JobCacheOptions = JSON.parse(options);
  await using jobCache = new hi.JobCache(cache);
  await using jobHandler = workers === "0"
    ? new hi.DefaultJobHandler()
    : new hi.ParallelJobHandler({ numWorkers: Number(workers) });
  await hi.config({ jobCache, jobHandler }, async () => {
    const stages = Array.from(
      { length: Number(count) },
      (_, n) => fill.run(n, log),
    );
    if (what === "fill") return void await Promise.all(stages);
    const added = stages.map((stage, n) =>
      add.run(stage, stages[(n + 1) % stages.length]!, log)
    );
    const found = await sums.run(added, log);
    const isRight = JSON.stringify(found) ===
      JSON.stringify(expected(stages.length));
    console.log(isRight ? "right" : `wrong: ${found}`);
  });
}
