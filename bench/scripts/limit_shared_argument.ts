/**
 * JOBS sums of an array of BYTES in shared memory, in WORKERS bare web workers. Of an array that
 * the caller keeps (`kept`) a worker makes a copy each time, and lets go of it before it makes the
 * next; otherwise it looks at the shared memory itself, into which the array is copied (`shared`) or
 * in which it was made (`made`). Prints by how many MB the memory of the program grew at most, for each
 * worker (`memory`), or how many ms all took (`time`).
 */

import { megabytes } from "./memory.ts";

const [what, how] = Deno.args;
const [workers, jobs, bytes] = Deno.args.slice(2).map(Number);
const source = `onmessage = ({ data }) => {
  if (data === null) return postMessage(0);
  const copies = ${how === "kept"};
  const buffer = copies ? new ArrayBuffer(data.byteLength) : data;
  if (copies) new Uint8Array(buffer).set(new Uint8Array(data));
  const array = new Float64Array(buffer);
  let sum = 0;
  for (let i = 0; i < array.length; i++) sum += array[i];
  if (copies) buffer.transfer(0);
  postMessage(sum);
};`;
const type = "text/javascript";
const url = URL.createObjectURL(new Blob([source], { type }));
const crew = Array.from(
  { length: workers! },
  () => new Worker(url, { type: "module" }),
);

function ask(worker: Worker, message: SharedArrayBuffer | null): Promise<void> {
  return new Promise((resolve) => {
    worker.onmessage = () => resolve();
    worker.postMessage(message);
  });
}

await Promise.all(crew.map((worker) => ask(worker, null)));
const array = how === "made"
  ? new Float64Array(new SharedArrayBuffer(bytes!)).fill(1)
  : new Float64Array(bytes! / 8).fill(1);
const before = megabytes("VmRSS");
const start = performance.now();
const shared = how === "made"
  ? array.buffer as SharedArrayBuffer
  : new SharedArrayBuffer(bytes!);
if (how !== "made") new Float64Array(shared).set(array);
let left = jobs!;
await Promise.all(crew.map(async (worker) => {
  while (left-- > 0) await ask(worker, shared);
}));
const time = performance.now() - start;
const growth = (megabytes("VmHWM") - before) / workers!;
console.log(what === "time" ? time : growth);
// The workers go with the program.
Deno.exit();
