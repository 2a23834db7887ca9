/**
 * A program that runs the jobs 0 to N - 1 in one cache, for the tests. Each
 * execution leaves a line at its begin and one at its end in a common log.
 */

import * as hi from "../../mod.ts";

interface Where {
  readonly log: string;
  readonly ms: number;
  /** Whether some results are large, and so stored in the background. */
  readonly large: boolean;
}

function note(log: string, line: string): void {
  // One short write to a file opened for appending: lines never mix.
  Deno.writeTextFileSync(log, line + "\n", { append: true });
}

/** The square of `n`, slowly, in a turn of its own or holding up the event loop. */
const square = hi.func(
  "storm_square",
  "1",
  async (n: number, { log, ms, large }: Where) => {
    note(log, `begin ${n} ${Deno.pid}`);
    if (n % 5 === 0) {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
    } else await new Promise((resolve) => setTimeout(resolve, ms));
    note(log, `end ${n} ${Deno.pid}`);
    return large && n % 7 === 0 ? new Float64Array(9_000).fill(n * n) : n * n;
  },
);

if (import.meta.main) {
  const [path = "", log = "", count = "", ms = "", workers = "0"] = Deno.args;
  await using jobCache = new hi.JobCache(
    JSON.parse(path) as hi.JobCacheOptions,
  );
  await using jobHandler = workers === "0"
    ? null
    : new hi.ParallelJobHandler({ numWorkers: Number(workers) });
  const results = await hi.config({ jobCache, jobHandler }, async () => {
    const where = { log, ms: Number(ms), large: workers !== "0" };
    const jobs = Array.from(
      { length: Number(count) },
      (_, n) => square.run(n, where),
    );
    return await Promise.all(jobs) as (number | Float64Array)[];
  });
  console.log(
    JSON.stringify(
      results.map((result) => typeof result === "number" ? result : result[0]),
    ),
  );
}
