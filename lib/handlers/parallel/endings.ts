/**
 * How a job has ended, from what its worker says of it.
 *
 * @module
 */

import { MemoryLimitError, WorkerLostError } from "../../errors.ts";
import { decodeThrown } from "../../value/thrown.ts";
import { type Ending, endingOf } from "../../worker/execute.ts";
import { permissionNeeded } from "../../worker/load.ts";
import type { DoneMessage } from "../../worker/protocol.ts";
import { fromWire } from "../../worker/wire.ts";
import type { Needs, WorkerEnd } from "./connection.ts";
import type { PoolRun } from "./pool_run.ts";
import { undeclaredAccessError } from "./undeclared_access.ts";

/** How a job has ended; for what it was refused there are errors that say more than its own. */
export function endingFrom(message: DoneMessage, run: PoolRun): Ending {
  return outOfMemory(message, run) ?? undeclaredAccess(message, run) ??
    told(message);
}

/** Why a job has not ended whose worker has: `suspects` is how many may have been the cause, none if it had not begun. */
export function lostWorkerError(
  who: string,
  { memory }: Needs,
  { reason, outOfMemory }: WorkerEnd,
  suspects: number,
): Error {
  const needed = permissionNeeded(
    `Cannot run ${who} in a worker`,
    reason,
    undefined,
  );
  if (needed !== undefined) return needed;
  return outOfMemory
    ? new MemoryLimitError(
      `${who} wanted more memory than its limit of ${
        memory ?? "all there are"
      } bytes: ${reason}`,
    )
    : new WorkerLostError(
      suspects === 0
        ? `The worker that was to run ${who} has ended before it began: ${reason}`
        : `The worker that ran ${who} has ended: ${reason}`,
      { suspects },
    );
}

/** Why a job has not ended whose worker is kept busy, by one of those named. */
export function busyWorkerError(
  who: string,
  names: string,
  suspects: number,
): Error {
  return new WorkerLostError(
    `${who} is lost with its worker, which is kept busy (it ran ${names}): use jobsPerWorker only for functions that wait, or call hi.current().throwIfAborted() in loops`,
    { suspects },
  );
}

/** How a job ends that was refused memory for binary data, of which V8 makes an error like any other. */
function outOfMemory(
  { status, value, timing }: DoneMessage,
  { task, needs }: PoolRun,
): Ending | undefined {
  if (needs.memory === undefined || status !== "error") return undefined;
  const error = decodeThrown(fromWire(value));
  if (!(error instanceof RangeError)) return undefined;
  if (!/allocation failed/.test(error.message)) return undefined;
  const { name, version } = task;
  return endingOf(
    new MemoryLimitError(
      `${name} ${version} wanted more memory than its limit of ${needs.memory} bytes: ${error.message}`,
      { cause: error },
    ),
    true,
    timing,
  );
}

/** How a job ends that wanted more than its permissions allow: with what to declare. */
function undeclaredAccess(
  { status, value, timing, lost }: DoneMessage,
  { task, needs }: PoolRun,
): Ending | undefined {
  if (needs.sandbox === undefined || status !== "error") return undefined;
  const who = `${task.name} ${task.version}`;
  const error = undeclaredAccessError(who, decodeThrown(fromWire(value)));
  return error && endingOf(error, lost ?? false, timing);
}

/** How a job ends, as its worker tells. */
function told(message: DoneMessage): Ending {
  const { status, timing, contribution, lost } = message;
  const value = fromWire(message.value);
  if (status === "error") {
    return lost ? { status, value, timing, lost } : { status, value, timing };
  }
  return contribution === undefined
    ? { status, value, timing }
    : { status, value, timing, contribution };
}
