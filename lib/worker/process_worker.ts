/**
 * Where the jobs of a process run: a web worker of that process.
 *
 * @module
 */

import {
  dropPipePermissions,
  openOutput,
  type PipePlace,
  writeMessage,
} from "./pipe.ts";
import { serve } from "./serve.ts";

// Before any of the user's code.
const scope = globalThis as unknown as {
  readonly name: PipePlace;
  postMessage(message: unknown): void;
};
const ready = scope.postMessage.bind(scope);
const place = scope.name;
const output = openOutput(place);
dropPipePermissions(place);
serve((message) => writeMessage(output, message));
ready(null);
