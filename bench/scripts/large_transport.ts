/**
 * A job on a web worker with an array of BYTES that the caller keeps, which gives
 * its sum or the array itself; prints the median ms of ROUNDS.
 */

import * as hi from "@hither/hither";

const [what, bytes, rounds] = Deno.args;
const sum = hi.func("bench_large_sum", "1.0.0", (array: Float64Array) => {
  let sum = 0;
  for (let i = 0; i < array.length; i++) sum += array[i]!;
  return sum;
});
const echo = hi.func(
  "bench_large_echo",
  "1.0.0",
  (array: Float64Array) => array,
);

const array = new Float64Array(Number(bytes) / 8).map((_, i) => i);
const times: number[] = [];
await using jobHandler = new hi.ParallelJobHandler({
  numWorkers: 1,
  isolation: "worker",
});
await hi.config({ jobHandler, jobCache: null }, async () => {
  // The first two load and compile.
  for (let i = -2; i < Number(rounds); i++) {
    array[0] = i;
    const start = performance.now();
    const result = await (what === "sum" ? sum : echo).run(array);
    const time = performance.now() - start;
    if (typeof result !== "number" && result[0] !== i) {
      throw new Error("a wrong result");
    }
    if (i >= 0) times.push(time);
  }
});
console.log(times.sort((a, b) => a - b)[times.length >> 1]);
