/**
 * COUNT messages of 300 bytes, one after the other, to a bare web worker or through
 * the pipe of a bare process, and back; prints the median µs.
 */

const SIZE = 300;
const [isolation, given] = Deno.args;
const count = Number(given);

/** Sends a message and waits until it is back. */
type Echo = () => Promise<void>;

function viaWorker(): Echo {
  const source = "onmessage = ({ data }) => postMessage(data);";
  const type = "text/javascript";
  const url = URL.createObjectURL(new Blob([source], { type }));
  const worker = new Worker(url, { type: "module" });
  const message = "x".repeat(SIZE);
  return () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    worker.onmessage = () => resolve();
    worker.postMessage(message);
    return promise;
  };
}

function viaPipe(): Echo {
  const source = "await Deno.stdin.readable.pipeTo(Deno.stdout.writable);";
  const child = new Deno.Command(Deno.execPath(), {
    args: ["eval", source],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  const reader = child.stdout.getReader({ mode: "byob" });
  const message = new Uint8Array(SIZE);
  let memory = new ArrayBuffer(65_536);
  return async () => {
    writer.write(message);
    for (let got = 0; got < SIZE;) {
      const { value } = await reader.read(new Uint8Array(memory));
      got += value!.byteLength;
      memory = value!.buffer;
    }
  };
}

const echo = isolation === "worker" ? viaWorker() : viaPipe();
const times = new Float64Array(count);
for (let i = -1_000; i < count; i++) {
  const start = performance.now();
  await echo();
  if (i >= 0) times[i] = performance.now() - start;
}
console.log(times.sort()[count >> 1]! * 1_000);
// The worker or the process goes with the program.
Deno.exit();
