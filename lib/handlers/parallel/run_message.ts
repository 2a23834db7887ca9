/**
 * The message with which a worker gets a Task.
 *
 * @module
 */

import type { Task, TaskArguments } from "../../task.ts";
import { repeatedLeaves } from "../../value/repeated_leaves.ts";
import { SmallValue } from "../../value/small.ts";
import type { UnpackedRun } from "../../worker/batch.ts";
import { codeToWire, type Handover, toWire } from "../../worker/wire.ts";

/** The message for a Task before it has its number and its flag in the worker. */
export type Unnumbered = Omit<UnpackedRun, "task" | "flag">;

/**
 * The message for a Task with these arguments.
 *
 * @param sharesLeaves Whether leaves that many Tasks have in common go to the worker once.
 * @param handover How what was transferred goes.
 * @param hasCode Whether the worker has imported the code of the Task.
 * @throws {ArgumentChangedError} and others, if the arguments cannot be sent.
 */
export function runMessage(
  task: Task,
  { list, upstream }: TaskArguments,
  transfer: ArrayBuffer[],
  sharesLeaves: boolean,
  handover: Handover,
  hasCode: boolean,
): Unnumbered {
  const repeated = sharesLeaves ? repeatedLeaves : undefined;
  // Before the list: a result may turn out to be lost, and then what moves is still needed.
  const results = upstream.length === 0
    ? NO_VALUES
    : upstream.map((value) => toWire(value, transfer, repeated));
  return {
    type: "run",
    // What few ask for the worker finds out itself.
    key: task.hasPlainKey || task.hasLateKey ? undefined : task.key,
    name: task.name,
    version: task.version,
    code: codeToWire(task.code, transfer),
    list: list instanceof SmallValue
      ? list
      : toWire(list, transfer, repeated, handover),
    upstream: results,
    digest: task.digest,
    timed: task.timed,
    importTimeout: hasCode ? undefined : task.importTimeout,
  };
}

const NO_VALUES: readonly never[] = [];
