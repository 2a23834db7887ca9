/**
 * JOBS copies of an array of BYTES out of shared memory, in WORKERS bare web workers, each
 * of which lets go of one before it makes the next; prints by how many MB the memory of
 * the program grew at most, for each worker.
 */

import { megabytes } from "./memory.ts";

const [workers, jobs, bytes] = Deno.args.map(Number);
const source = `onmessage = ({ data }) => {
  if (data === null) return postMessage(0);
  const copy = new Uint8Array(data.byteLength);
  copy.set(new Uint8Array(data));
  const array = new Float64Array(copy.buffer);
  let sum = 0;
  for (let i = 0; i < array.length; i++) sum += array[i];
  copy.buffer.transfer(0);
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
const array = new Float64Array(bytes! / 8).fill(1);
const before = megabytes("VmRSS");
const shared = new SharedArrayBuffer(bytes!);
new Float64Array(shared).set(array);
let left = jobs!;
await Promise.all(crew.map(async (worker) => {
  while (left-- > 0) await ask(worker, shared);
}));
console.log((megabytes("VmHWM") - before) / workers!);
// The workers go with the program.
Deno.exit();
