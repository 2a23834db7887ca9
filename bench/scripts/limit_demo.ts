/** The work of the demo on bare workers: 8 tasks of 1 s on 4 of them. */

const source = `onmessage = ({ data }) =>
  setTimeout(() => postMessage(data * data), 1_000);`;
const url = URL.createObjectURL(
  new Blob([source], { type: "text/javascript" }),
);
const results: number[] = [];
const waiting = [0, 1, 2, 3, 4, 5, 6, 7];
await Promise.all([1, 2, 3, 4].map(async () => {
  const worker = new Worker(url, { type: "module" });
  for (let x = waiting.shift(); x !== undefined; x = waiting.shift()) {
    worker.postMessage(x);
    const { promise, resolve } = Promise.withResolvers<number>();
    worker.onmessage = ({ data }) => resolve(data);
    results[x] = await promise;
  }
  worker.terminate();
}));
console.log("Results:", results);
