/**
 * Executions that wait for another process, which may wait for one of this process
 * in turn.
 *
 * @module
 */

import { CycleError } from "./errors.ts";
import type { Execution } from "./execution.ts";
import { type KeyClaim, whenJoined } from "./key_claim.ts";

/** Looks whether each of them can go on. */
const looks = new Set<() => void>();

/**
 * Resolves when the key of an execution may be free.
 *
 * @throws {CycleError} if whoever computes it waits for a job that waits for this one.
 * @throws the reason of its signal if nobody waits for the execution any more.
 */
export async function freed(
  execution: Execution,
  claim: KeyClaim,
): Promise<void> {
  const what = `${execution.name} ${execution.version}`;
  const stuck = new AbortController();
  const look = (): void => {
    if (stuck.signal.aborted || !claim.isInCircle(waitedForBy(execution))) {
      return;
    }
    stuck.abort(
      new CycleError(
        `Cannot run ${execution.title} as another program computes it and waits, directly or through others, for a job of this program that waits for it: give it other arguments`,
      ),
    );
  };
  looks.add(look);
  whenJoined(lookAgain);
  try {
    look();
    const signal = AbortSignal.any([execution.abandoned, stuck.signal]);
    await claim.freed(what, signal, look);
  } finally {
    looks.delete(look);
    if (looks.size === 0) whenJoined(undefined);
    claim.endWait();
  }
}

/** One more job waits for an execution, and so perhaps for one of these. */
function lookAgain(): void {
  for (const look of looks) look();
}

/** The executions whose jobs wait for this one, directly or through others. */
function waitedForBy(awaited: Execution): Iterable<Execution> {
  const seen = new Set<Execution>([awaited]);
  for (const execution of seen) {
    for (const state of execution.waiting) {
      for (const next of state.awaitedIn ?? []) seen.add(next);
    }
  }
  seen.delete(awaited);
  return seen;
}
