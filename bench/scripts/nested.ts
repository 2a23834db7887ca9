/**
 * The same leaves on 2 workers, of MS ms each: flat, or as the children of
 * children of one job (WIDTH wide, 3 levels deep); prints the ms for all.
 */

import * as hi from "@hither/hither";

const leaf = hi.func("bench_nested_leaf", "1", (x: number, ms: number) => {
  const end = performance.now() + ms;
  while (performance.now() < end);
  return x;
});

const branch = hi.func(
  "bench_nested_branch",
  "1",
  async (
    level: number,
    width: number,
    first: number,
    ms: number,
  ): Promise<number> => {
    const step = width ** (level - 1);
    const jobs = Array.from({ length: width }, (_, i) => {
      const x = first + i * step;
      return level === 1
        ? leaf.run(x, ms)
        : branch.run(level - 1, width, x, ms);
    });
    const sums = await Promise.all(jobs);
    return sums.reduce((a, b) => a + b, 0);
  },
);

if (import.meta.main) {
  const [how, width, ms] = [
    Deno.args[0],
    ...Deno.args.slice(1).map(Number),
  ] as [string, number, number];
  const count = width ** 3;
  await using jobHandler = new hi.ParallelJobHandler({ numWorkers: 2 });
  await hi.config({ jobHandler, jobCache: null }, async () => {
    await Promise.all([leaf.run(-1, 30), leaf.run(-2, 30)]);
    const start = performance.now();
    const sum = how === "nested"
      ? await branch.run(3, width, 0, ms)
      : (await Promise.all(
        Array.from({ length: count }, (_, i) => leaf.run(i, ms)),
      )).reduce((a, b) => a + b, 0);
    const time = performance.now() - start;
    if (sum !== count * (count - 1) / 2) throw new Error("a wrong result");
    console.log(time);
  });
}
