/**
 * One script with COUNT jobs, submitted at once and all awaited, with the cache in
 * FOLDER; prints the seconds from the first to the last.
 */

import * as hi from "@hither/hither";

const row = hi.func(
  "bench_row",
  "1.0.0",
  (index: number, options: { scale: number; name: string }) => ({
    index,
    value: index * options.scale,
    name: options.name,
  }),
);

const [count, folder] = Deno.args;
await using jobCache = new hi.JobCache({ path: folder });
const options = { scale: 0.5, name: "bench" };
const start = performance.now();
await hi.config({ jobCache }, async () => {
  const jobs = Array.from(
    { length: Number(count) },
    (_, i) => row.run(i, options),
  );
  await hi.wait();
  let sum = 0;
  for (const job of jobs) sum += job.getResult().value;
  if (sum !== Number(count) * (Number(count) - 1) / 4) {
    throw new Error(`the values add up to ${sum}`);
  }
});
console.log((performance.now() - start) / 1_000);
