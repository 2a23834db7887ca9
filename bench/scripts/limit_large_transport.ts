/**
 * One copy of an array of BYTES, which goes to a bare web worker by transfer, and
 * its sum (`sum`) or itself (`echo`) back; or the array itself, no copy, of which the
 * worker reads every number and sends it back (`given`). Prints the median ms of ROUNDS.
 */

const [what, bytes, rounds] = Deno.args;
const source = `onmessage = ({ data: array }) => {
  if (${what === "echo"}) return postMessage(array, [array.buffer]);
  let sum = 0;
  for (let i = 0; i < array.length; i++) sum += array[i];
  if (${what === "sum"}) return postMessage(sum);
  array[1] = sum;
  postMessage(array, [array.buffer]);
};`;
const type = "text/javascript";
const url = URL.createObjectURL(new Blob([source], { type }));
const worker = new Worker(url, { type: "module" });
let array = new Float64Array(Number(bytes) / 8).map((_, i) => i);
const times: number[] = [];
// The first ones compile.
for (let i = -6; i < Number(rounds); i++) {
  const start = performance.now();
  const { data } = await new Promise<MessageEvent>((resolve) => {
    worker.onmessage = resolve;
    const sent = what === "given" ? array : array.slice();
    worker.postMessage(sent, [sent.buffer]);
  });
  if (what === "given") array = data;
  if (i >= 0) times.push(performance.now() - start);
}
console.log(times.sort((a, b) => a - b)[times.length >> 1]);
// The worker goes with the program.
Deno.exit();
