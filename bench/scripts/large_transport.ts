/**
 * A job on a web worker with an array of BYTES; prints the median ms of ROUNDS. The
 * caller keeps the array, and the job gives its sum (`sum`) or the array itself
 * (`echo`); or both give it away, and the job reads every number of it (`given`).
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
const given = hi.func("bench_large_given", "1.0.0", (array: Float64Array) => {
  let sum = 0;
  for (let i = 0; i < array.length; i++) sum += array[i]!;
  array[1] = sum;
  return hi.transfer(array);
});

/** A job of that kind. */
function run(array: Float64Array): hi.Job<Float64Array | number> {
  if (what === "given") return given.run(hi.transfer(array));
  return what === "sum" ? sum.run(array) : echo.run(array);
}

let array = new Float64Array(Number(bytes) / 8).map((_, i) => i);
const times: number[] = [];
await using jobHandler = new hi.ParallelJobHandler({
  numWorkers: 1,
  isolation: "worker",
});
await hi.config({ jobHandler, jobCache: null }, async () => {
  // The first ones load and compile: V8 optimizes the loop of the job in several steps.
  for (let i = -6; i < Number(rounds); i++) {
    array[0] = i;
    const start = performance.now();
    const result = await run(array);
    const time = performance.now() - start;
    if (typeof result !== "number" && result[0] !== i) {
      throw new Error("a wrong result");
    }
    if (what === "given") array = result as Float64Array<ArrayBuffer>;
    if (i >= 0) times.push(time);
  }
});
console.log(times.sort((a, b) => a - b)[times.length >> 1]);
