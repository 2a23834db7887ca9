/**
 * How Tasks fail whose handler was disposed.
 *
 * @module
 */

import { HandlerClosedError } from "../errors.ts";
import type { Task } from "../task.ts";
import { ThrownValue } from "../value/thrown.ts";

type Called = Pick<Task, "name" | "version">;

/** The errors of Tasks that go with their handler: one for all calls of a function, which is encoded once. */
export function closedErrors(): (task: Called) => ThrownValue {
  const errors = new Map<string, ThrownValue>();
  return (task) => {
    const which = JSON.stringify([task.name, task.version]);
    let error = errors.get(which);
    if (error === undefined) {
      error = new ThrownValue(closedError(task));
      errors.set(which, error);
    }
    return error;
  };
}

/** The error of a Task that comes too late. */
export function closedError({ name, version }: Called): HandlerClosedError {
  return new HandlerClosedError(
    `Cannot run ${name} ${version} as its job handler was disposed: wait for the jobs (await hi.wait()) before the handler goes`,
  );
}
