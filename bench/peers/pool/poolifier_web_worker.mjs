import { drive, installed } from "./driver.mjs";

const { FixedThreadPool } = await installed("poolifier-web-worker");

await drive((workers, variant) => {
  const pool = new FixedThreadPool(
    workers,
    new URL("./poolifier_web_worker_worker.mjs", import.meta.url),
    // Without a queue it sends all jobs to the workers at once.
    variant === "queue"
      ? { enableTasksQueue: true, tasksQueueOptions: { concurrency: 1 } }
      : {},
  );
  return {
    run: (name, argument) =>
      pool.execute(
        argument,
        name,
        undefined,
        variant === "moved" ? [argument.buffer] : [],
      ),
    close: () => pool.destroy(),
  };
});
