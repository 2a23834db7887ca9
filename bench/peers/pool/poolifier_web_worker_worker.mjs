import { installed } from "./driver.mjs";
import { tasks } from "./tasks.mjs";

const { ThreadWorker } = await installed("poolifier-web-worker");

export const worker = new ThreadWorker(tasks);
