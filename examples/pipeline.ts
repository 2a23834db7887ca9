/**
 * Jobs as arguments of jobs: nothing is awaited in between, and each job starts
 * as soon as its own arguments are there.
 *
 *     deno run -A examples/pipeline.ts
 */
import * as hi from "@hither/hither";

const sample = hi.func("sample", "1", (size: number, seed: number) => {
  const values = new Float64Array(size);
  let state = seed;
  for (let i = 0; i < size; i++) {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    values[i] = state / 2 ** 31;
  }
  return values;
});

const mean = hi.func(
  "mean",
  "1",
  (values: Float64Array) => values.reduce((a, b) => a + b, 0) / values.length,
);

const report = hi.func(
  "report",
  "1",
  (title: string, rows: { seed: number; mean: number }[]) =>
    [title, ...rows.map((row) => `seed ${row.seed}: ${row.mean.toFixed(4)}`)]
      .join("\n"),
);

if (import.meta.main) {
  await using jobHandler = new hi.ParallelJobHandler();
  await using jobCache = new hi.JobCache();
  const text = await hi.config({ jobHandler, jobCache }, async () => {
    const seeds = [1, 2, 3, 4];
    const means = seeds.map((seed) => mean.run(sample.run(100_000, seed)));
    // Jobs may stand anywhere in arrays, objects and Maps.
    const rows = seeds.map((seed, i) => ({ seed, mean: means[i]! }));
    return await report.run("Means of 100,000 numbers", rows);
  });
  console.log(text);
}
