/**
 * The raw limit: bare workers and messages, no queue, no promise for each job.
 * Its variants:
 *
 * - `plain`: a message there and a message back for each job
 * - `batches`: 100 jobs in a message
 * - `moved`: the caller gives the array away
 * - `one copy`: the caller keeps it, so that a copy is made and given away
 * - `shared`: one copy in shared memory, made by hand
 * - `pipe`: bytes to a process and back, in place of messages
 * - `blocking pipe`: to a process that waits for nothing else
 */

import { drive } from "./driver.mjs";

const BATCH = 100;

type Item = Float64Array<ArrayBuffer> | number | {
  array: Float64Array;
  i: number;
};

/** A worker that answers messages in their order. */
class Bare {
  readonly #worker = new Worker(
    new URL("./limit_worker.ts", import.meta.url),
    { type: "module" },
  );

  /** Sends messages and gives each answer to `take`; resolves with the last. */
  send(
    task: string,
    messages: readonly unknown[],
    take: (value: unknown, index: number) => void,
    transfer: ArrayBuffer[] = [],
  ): Promise<void> {
    if (messages.length === 0) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    let answers = 0;
    this.#worker.onmessage = ({ data }) => {
      take(data, answers++);
      if (answers === messages.length) resolve();
    };
    for (const message of messages) {
      this.#worker.postMessage([task, message], transfer);
    }
    return promise;
  }

  close(): void {
    this.#worker.terminate();
  }
}

function open(numWorkers: number, variant: string) {
  const workers = Array.from({ length: numWorkers }, () => new Bare());

  /** The first of several workers answers every job, as it is the one that is awake. */
  async function run(task: string, item: Item): Promise<unknown> {
    let argument = item;
    const transfer: ArrayBuffer[] = [];
    if (argument instanceof Float64Array && variant !== "plain") {
      if (variant === "one copy") argument = argument.slice();
      transfer.push(argument.buffer);
    }
    let result: unknown;
    await workers[0]!.send(
      task,
      [argument],
      (value) => result = value,
      transfer,
    );
    return result;
  }

  /** Each worker has its share from the beginning, which is right for jobs that take equally long. */
  async function all(task: string, items: Item[]): Promise<unknown[]> {
    const messages = messagesOf(task, items);
    const results: unknown[] = [];
    await Promise.all(workers.map((worker, w) => {
      const own = messages.filter((_, m) => m % numWorkers === w);
      return worker.send(task, own, (value, index) => {
        results[index * numWorkers + w] = value;
      });
    }));
    return variant === "batches" ? results.flat() : results;
  }

  function messagesOf(task: string, items: Item[]): unknown[] {
    if (variant === "batches") {
      return Array.from(
        { length: Math.ceil(items.length / BATCH) },
        (_, b) => items.slice(b * BATCH, (b + 1) * BATCH),
      );
    }
    if (variant !== "shared" || task !== "touched") return items;
    const copies = new Map<Float64Array, Float64Array>();
    return (items as { array: Float64Array; i: number }[]).map(
      ({ array, i }) => ({
        array: copies.getOrInsertComputed(array, inSharedMemory),
        i,
      }),
    );
  }

  const close = () => workers.forEach((worker) => worker.close());
  return { run, all, close };
}

function inSharedMemory(array: Float64Array): Float64Array {
  const shared = new Float64Array(new SharedArrayBuffer(array.byteLength));
  shared.set(array);
  return shared;
}

/** A number there and its square back, 8 bytes each, by the pipes of a process. */
function openPipe(...args: string[]) {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-q",
      "--no-config",
      new URL("./limit_pipe.ts", import.meta.url).href,
      ...args,
    ],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  const reader = child.stdout.getReader({ mode: "byob" });
  let buffer = new ArrayBuffer(8);

  async function run(_task: string, item: Item): Promise<unknown> {
    const message = new Float64Array([item as number]);
    const [{ value }] = await Promise.all([
      reader.read(new Uint8Array(buffer), { min: 8 }),
      writer.write(new Uint8Array(message.buffer)),
    ]);
    buffer = value!.buffer as ArrayBuffer;
    return new Float64Array(buffer)[0];
  }

  async function close(): Promise<void> {
    await writer.close();
    await reader.cancel();
    await child.status;
  }
  return { run, close };
}

await drive((numWorkers: number, variant: string) => {
  if (variant === "pipe") return openPipe();
  if (variant === "blocking pipe") return openPipe("blocking");
  return open(numWorkers, variant);
});
