/**
 * Why no worker can be had for a job.
 *
 * @module
 */

import { errorText } from "../../error_text.ts";
import { WorkerLostError } from "../../errors.ts";
import type { Task } from "../../task.ts";
import { permissionNeeded } from "../../worker/load.ts";

/** The error of a Task for which no worker could be started; it names the flag if a permission is missing. */
export function startError(
  { name, version }: Pick<Task, "name" | "version">,
  error: unknown,
): Error {
  const reason = errorText(error);
  const what = `Cannot start a worker for ${name} ${version}`;
  return permissionNeeded(what, reason, error) ??
    new WorkerLostError(`${what}: ${reason}`, { cause: error, suspects: 0 });
}
