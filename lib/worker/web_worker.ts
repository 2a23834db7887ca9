/**
 * The entry point of a web worker.
 *
 * @module
 */

import { serve } from "./serve.ts";

const scope = globalThis as unknown as {
  postMessage(message: unknown, transfer: Transferable[]): void;
};
const post = scope.postMessage.bind(scope);
serve((message, transfer) => post(message, transfer));
