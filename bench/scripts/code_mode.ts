/**
 * A script whose one job is in the cache in FOLDER after the first run, with code MODE;
 * its module is in GRAPH. Prints the ms that the job took.
 */

import * as hi from "@hither/hither";

const [mode, folder, graph] = Deno.args as [hi.Options["code"], string, string];
const { total } = await import(graph) as {
  total: hi.HitherFunction<[number], number>;
};
await using jobCache = new hi.JobCache({ path: folder });
jobCache.stats();
// Neither what is hashed first nor the database's opening is part of the question.
const first = hi.func("bench_first", "1", (x: number) => x, {
  code: "version",
});
await first.with({ jobCache }).run(1);
const start = performance.now();
await total.with({ jobCache, code: mode }).run(1);
console.log(performance.now() - start);
