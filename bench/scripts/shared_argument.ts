/**
 * JOBS jobs with the same array of BYTES, on WORKERS web workers; prints by how many MB
 * the memory of the program grew at most, for each worker.
 */

import * as hi from "@hither/hither";
import { megabytes } from "./memory.ts";

const [workers, jobs, bytes] = Deno.args.map(Number);
const sum = hi.func(
  "bench_shared_sum",
  "1.0.0",
  (array: Float64Array, more: number) => {
    let sum = more;
    for (let i = 0; i < array.length; i++) sum += array[i]!;
    return sum;
  },
);

await using jobHandler = new hi.ParallelJobHandler({
  numWorkers: workers!,
  isolation: "worker",
});
await hi.config({ jobHandler, jobCache: null }, async () => {
  const small = new Float64Array(10);
  await Promise.all(
    Array.from({ length: 4 * workers! }, (_, i) => sum.run(small, i)),
  );
  const array = new Float64Array(bytes! / 8).fill(1);
  const before = megabytes("VmRSS");
  const numbers = Array.from({ length: jobs! }, (_, i) => i);
  const sums = await Promise.all(numbers.map((i) => sum.run(array, i)));
  if (sums.some((sum, i) => sum !== array.length + i)) {
    throw new Error("a wrong result");
  }
  console.log((megabytes("VmHWM") - before) / workers!);
});
