/**
 * The entry point of a web worker.
 *
 * @module
 */

import { Kept } from "./kept.ts";
import { serve } from "./serve.ts";

const scope = globalThis as unknown as {
  postMessage(message: unknown, transfer: Transferable[]): void;
};
const post = scope.postMessage.bind(scope);
const kept = new Kept();
serve((message, transfer) => post(message, transfer), (message) => {
  switch (message.type) {
    case "run":
      if (message.list.leaves.length > 0) kept.resolve(message.list);
      return message;
    case "batch":
      if (message.last !== undefined) kept.resolve(message.last.list);
      return message;
    case "forget":
      kept.forgetViews(message);
      return;
    default:
      return message;
  }
});
