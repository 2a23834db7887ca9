/**
 * Jobs in jobs: a job splits its work, submits the parts and waits for them. They
 * go through the same cache and the same workers, and take the place of the job
 * that waits.
 *
 *     deno run -A examples/nested.ts
 */
import * as hi from "@hither/hither";

const countPrimes = hi.func("count_primes", "1", (from: number, to: number) => {
  let count = 0;
  for (let n = Math.max(2, from); n < to; n++) {
    let isPrime = true;
    for (let d = 2; d * d <= n && isPrime; d++) isPrime = n % d !== 0;
    if (isPrime) count++;
  }
  return count;
});

const primesBelow = hi.func(
  "primes_below",
  "1",
  async (from: number, to: number): Promise<number> => {
    if (to - from <= 10_000) return await countPrimes.run(from, to);
    const middle = Math.floor((from + to) / 2);
    const halves = [
      primesBelow.run(from, middle),
      primesBelow.run(middle, to),
    ];
    const [low, high] = await Promise.all(halves);
    return low! + high!;
  },
);

if (import.meta.main) {
  await using jobHandler = new hi.ParallelJobHandler();
  await using jobCache = new hi.JobCache();
  await hi.config({ jobHandler, jobCache }, async () => {
    console.log(await primesBelow.run(0, 80_000), "primes below 80,000");
    // The first half of this is in the cache already.
    console.log(await primesBelow.run(0, 160_000), "primes below 160,000");
    const { total, cached } = await hi.wait();
    console.log(`${cached} of ${total} jobs were in the cache`);
  });
}
