/**
 * COUNT trivial tasks at once on 2 bare workers, a message there and a message
 * back for each; prints the µs for each.
 */

const count = Number(Deno.args[0]);
const source = "onmessage = ({ data }) => postMessage(data + 1);";
const url = URL.createObjectURL(
  new Blob([source], { type: "text/javascript" }),
);
const workers = Array.from(
  { length: 2 },
  () => new Worker(url, { type: "module" }),
);

async function send(count: number): Promise<void> {
  let open = count;
  const { promise, resolve } = Promise.withResolvers<void>();
  for (const worker of workers) {
    worker.onmessage = () => {
      if (--open === 0) resolve();
    };
  }
  for (let i = 0; i < count; i++) workers[i % 2]!.postMessage(i);
  await promise;
}

await send(4);
const start = performance.now();
await send(count);
console.log((performance.now() - start) * 1_000 / count);
for (const worker of workers) worker.terminate();
