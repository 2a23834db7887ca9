// The main thread and, loaded again, its own worker.
import { isMainThread } from "node:worker_threads";
import { fileURLToPath } from "node:url";
import { drive, installed } from "./driver.mjs";
import { tasks } from "./tasks.mjs";

const { default: workerpool } = await installed("workerpool");

if (isMainThread) {
  await drive((workers, variant) => {
    const pool = workerpool.pool(fileURLToPath(import.meta.url), {
      workerType: "thread",
      minWorkers: workers,
      maxWorkers: workers,
    });
    return {
      run: (name, argument) =>
        pool.exec(
          name,
          [argument],
          variant === "moved" ? { transfer: [argument.buffer] } : {},
        ),
      close: () => pool.terminate(),
    };
  });
} else {
  workerpool.worker({
    ...tasks,
    doubled(array) {
      const result = tasks.doubled(array);
      return new workerpool.Transfer(result, [result.buffer]);
    },
  });
}
