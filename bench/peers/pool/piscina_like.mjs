// Piscina and tinypool, which grew out of it: what can be done with one is done in
// the same way with the other. Their module is loaded again in each worker.
import { isMainThread } from "node:worker_threads";
import { drive } from "./driver.mjs";

/** Measures such a pool; its workers load the module `filename`. */
export async function drivePiscinaLike(Pool, filename) {
  if (!isMainThread) return;
  await drive((workers, variant) => {
    const pool = new Pool({
      filename,
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
