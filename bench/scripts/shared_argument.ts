/**
 * JOBS jobs with the same array of BYTES, on WORKERS web workers. The array is one that
 * the caller keeps (`kept`), a copy that `hi.share` has made of it (`shared`), or one that was
 * made in shared memory (`made`). Prints by how many MB the memory of the program grew at
 * most, for each worker (`memory`), or how many ms all jobs took (`time`).
 */

import * as hi from "@hither/hither";
import { megabytes } from "./memory.ts";

const [what, how] = Deno.args;
const [workers, jobs, bytes] = Deno.args.slice(2).map(Number);
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
  const array = how === "made"
    ? new Float64Array(new SharedArrayBuffer(bytes!)).fill(1)
    : new Float64Array(bytes! / 8).fill(1);
  const before = megabytes("VmRSS");
  const numbers = Array.from({ length: jobs! }, (_, i) => i);
  const start = performance.now();
  const given = how === "kept" ? array : hi.share(array);
  const sums = await Promise.all(numbers.map((i) => sum.run(given, i)));
  const time = performance.now() - start;
  if (sums.some((sum, i) => sum !== array.length + i)) {
    throw new Error("a wrong result");
  }
  const growth = (megabytes("VmHWM") - before) / workers!;
  console.log(what === "time" ? time : growth);
});
