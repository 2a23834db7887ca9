/**
 * Functions that kill their workers: whoever does it again and again is not
 * given another one.
 *
 * @module
 */

import { BadFunctionError, WorkerLostError } from "./errors.ts";
import type { FunctionDefinition } from "./registry.ts";

/** After how many workers killed in a row a function is bad. */
const MOST_KILLED = 3;

interface Kills {
  inRow: number;
  last: WorkerLostError;
}

// By definition: another version, or a notebook cell that is run anew, is another function.
const killsOf = new WeakMap<FunctionDefinition, Kills>();

/** Whether that ever had one in it. */
let hasKilled = false;

/** Whether a job failed as its worker died under it: not one that could not start, or had too little memory. */
export function isCrash(error: unknown): error is WorkerLostError {
  return error instanceof WorkerLostError &&
    // Not what is derived from it: with too little memory the next worker dies as well.
    error.name === "WorkerLostError" &&
    error.suspects > 0;
}

/** Counts that a worker died under a job of the function. In company it may not have been the cause, and is not blamed. */
export function noteCrash(
  definition: FunctionDefinition,
  error: WorkerLostError,
): void {
  if (error.suspects !== 1) return;
  const inRow = (killsOf.get(definition)?.inRow ?? 0) + 1;
  hasKilled = true;
  killsOf.set(definition, { inRow, last: error });
}

/** Counts that a job of the function has left its worker alive. */
export function noteSurvival(definition: FunctionDefinition): void {
  if (hasKilled) killsOf.delete(definition);
}

/** Why jobs of the function are not run any more, if that is so. More crashes are borne by those who ask for more retries. */
export function badFunctionError(
  definition: FunctionDefinition,
  crashRetries: number,
): BadFunctionError | undefined {
  const kills = killsOf.get(definition);
  if (
    kills === undefined || kills.inRow < Math.max(MOST_KILLED, crashRetries + 1)
  ) return undefined;
  const { name, version } = definition;
  return new BadFunctionError(
    `Cannot run ${name} ${version} as it has killed its worker ${kills.inRow} times in a row: mend it and raise its version, or define it anew (or let it try more often, with crashRetries)`,
    { cause: kills.last },
  );
}
