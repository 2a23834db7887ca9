// The main thread and, loaded again, its own worker.
import { isMainThread } from "node:worker_threads";
import { drive, installed } from "./driver.mjs";
import { doubled as double } from "./tasks.mjs";

const { Tinypool } = await installed("tinypool");

export { burn, nap, square, touched } from "./tasks.mjs";
export const doubled = (array) => Tinypool.move(double(array));

if (isMainThread) {
  await drive((workers, variant) => {
    const pool = new Tinypool({
      filename: import.meta.url,
      minThreads: workers,
      maxThreads: workers,
    });
    return {
      run: (name, argument) =>
        pool.run(argument, {
          name,
          ...(variant === "moved" ? { transferList: [argument.buffer] } : {}),
        }),
      close: () => pool.destroy(),
    };
  });
}
