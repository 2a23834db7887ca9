/** The function that most questions ask, and a cache to ask in. */

import * as hi from "@hither/hither";

/** A small argument, a small result, hardly any work. */
export const square = hi.func(
  "bench_square",
  "1.0.0",
  ({ x }: { x: number }) => x * x,
);

/** Calls `body` with that cache, or with none, and no other handler than the one in this process. */
export async function withCache<T>(
  path: string | undefined,
  body: () => Promise<T>,
): Promise<T> {
  const jobCache = path === undefined ? null : new hi.JobCache({ path });
  return await hi.config({ jobCache }, body);
}

/** Awaits one job after the other; µs for each. */
export async function timeJobs(
  count: number,
  argument: (i: number) => number,
): Promise<number> {
  const start = performance.now();
  for (let i = 0; i < count; i++) {
    const x = argument(i);
    if (await square.run({ x }) !== x * x) throw new Error("a wrong result");
  }
  return (performance.now() - start) * 1_000 / count;
}
