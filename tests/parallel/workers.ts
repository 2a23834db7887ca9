/** The web workers of a test, which can be made to say something. */

/** Calls `body` with a list of all web workers that start meanwhile. */
export async function withWorkers(
  body: (workers: readonly Worker[]) => Promise<void>,
): Promise<void> {
  const original = globalThis.Worker;
  const workers: Worker[] = [];
  globalThis.Worker = class extends original {
    constructor(...args: ConstructorParameters<typeof Worker>) {
      super(...args);
      workers.push(this);
    }
  };
  try {
    await body(workers);
  } finally {
    globalThis.Worker = original;
  }
}

/** What happens when a worker posts `data`. */
export function receive(worker: Worker, data: unknown): void {
  worker.dispatchEvent(new MessageEvent("message", { data }));
}
