/**
 * One copy of an array of BYTES, which goes to a bare web worker by transfer, and
 * its sum or itself back; prints the median ms of ROUNDS.
 */

const [what, bytes, rounds] = Deno.args;
const source = `onmessage = ({ data: array }) => {
  if (${what !== "sum"}) return postMessage(array, [array.buffer]);
  let sum = 0;
  for (let i = 0; i < array.length; i++) sum += array[i];
  postMessage(sum);
};`;
const type = "text/javascript";
const url = URL.createObjectURL(new Blob([source], { type }));
const worker = new Worker(url, { type: "module" });
const array = new Float64Array(Number(bytes) / 8).map((_, i) => i);
const times: number[] = [];
for (let i = -2; i < Number(rounds); i++) {
  const start = performance.now();
  await new Promise((resolve) => {
    worker.onmessage = resolve;
    const copy = array.slice();
    worker.postMessage(copy, [copy.buffer]);
  });
  if (i >= 0) times.push(performance.now() - start);
}
console.log(times.sort((a, b) => a - b)[times.length >> 1]);
// The worker goes with the program.
Deno.exit();
