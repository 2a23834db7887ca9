/**
 * Awaits a job with an argument of BYTES whose outcome is in the cache in
 * FOLDER, so that nearly all of the time goes into the key; prints the ms.
 * The first time the outcome is stored.
 */

import * as hi from "@hither/hither";

const [path = "", bytes] = Deno.args;
const last = hi.func("bench_last", "1.0.0", (array: Float64Array) => {
  return array[array.length - 1]!;
});

const array = new Float64Array(Number(bytes) / 8).map((_, i) => i);
const small = new Float64Array(100_000);
await hi.config({ jobCache: new hi.JobCache({ path }) }, async () => {
  // What is loaded once and the opening of the cache are not asked for here.
  await last.run(small);
  const start = performance.now();
  const result = await last.run(array);
  const time = performance.now() - start;
  if (result !== array.length - 1) throw new Error("a wrong result");
  console.log(time);
});
