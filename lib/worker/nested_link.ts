/**
 * Jobs that a job in a worker submits, as messages to the program.
 *
 * @module
 */

import type { ProgramLink } from "../remote_jobs.ts";
import { encodeThrown } from "../value/thrown.ts";
import type { FromWorker, WireLeaf } from "./protocol.ts";
import { TaskMemory } from "./task_memory.ts";
import { codeToWire, moveToWire } from "./wire.ts";

/** The way of the jobs of one Task to the program; `leaves` are those of its own arguments, and `paused` is called when it waits for its jobs. */
export function linkTo(
  send: (message: FromWorker, transfer: ArrayBuffer[]) => void,
  task: number,
  leaves: readonly WireLeaf[],
  paused: () => void,
): ProgramLink {
  const memory = new TaskMemory(leaves);
  return {
    submit(id, request) {
      const transfer: ArrayBuffer[] = [];
      const list = moveToWire(request.list, transfer, memory);
      const code = codeToWire(request.code, transfer);
      send({ type: "nested", task, id, ...request, list, code }, transfer);
    },
    cancel(id, error) {
      const transfer: ArrayBuffer[] = [];
      const reason = moveToWire(encodeThrown(error), transfer);
      send({ type: "nestedCancel", id, reason }, transfer);
    },
    watch: (id) => send({ type: "nestedWatch", id }, []),
    release: (ids) => send({ type: "nestedRelease", ids }, []),
    waiting(waits, awaited) {
      send({ type: "waiting", task, waits, awaited }, []);
      if (waits) paused();
    },
  };
}
