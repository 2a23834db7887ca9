/** The worker of limit.ts: a list of numbers is a batch, everything else one job. */

import { tasks } from "./tasks.mjs";

type Functions = Record<string, (argument: unknown) => unknown>;

/** What Deno's types of the main thread do not know. */
const { postMessage } = globalThis as unknown as {
  postMessage(message: unknown, transfer: ArrayBuffer[]): void;
};

addEventListener("message", (event) => {
  const [task, argument] = (event as MessageEvent).data;
  const fn = (tasks as unknown as Functions)[task]!;
  const result = Array.isArray(argument)
    ? argument.map((item) => fn(item))
    : fn(argument);
  postMessage(
    result,
    result instanceof Float64Array ? [result.buffer as ArrayBuffer] : [],
  );
});
