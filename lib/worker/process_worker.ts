/**
 * Where the jobs of a process run: a web worker of that process.
 *
 * @module
 */

import { Kept } from "./kept.ts";
import { PipedResults } from "./piped_results.ts";
import {
  dropPermissions,
  MessageSink,
  openOutput,
  type PipePlace,
} from "./pipe.ts";
import type { ProcessSandbox } from "./sandbox.ts";
import { serve } from "./serve.ts";

/** What a worker thread is told by its process, before anything else. */
export interface ThreadStart {
  readonly place: PipePlace;
  /** The lock of the side of the pipe that is written to. */
  readonly lock: SharedArrayBuffer;
  readonly told: ProcessSandbox | undefined;
}

const scope = globalThis as unknown as {
  postMessage(message: null): void;
};
// Before any of the user's code.
const ready = scope.postMessage.bind(scope);
addEventListener("message", (event) => {
  const { place, lock, told } = (event as MessageEvent<ThreadStart>).data;
  const sink = new MessageSink(openOutput(place), lock);
  dropPermissions(place, told);
  const kept = new Kept();
  serve((message) => sink.write(message), (message) => {
    if (message.type !== "forget") return kept.resolve(message);
    if (message.views === undefined) kept.forget();
    else kept.forgetViews(message);
  }, new PipedResults(sink));
  ready(null);
}, { once: true });
