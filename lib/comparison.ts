/**
 * Running jobs again that were hits, to see whether the same comes of them.
 *
 * @module
 */

import type { StoredRecord } from "./cache/record.ts";
import { type ArgumentSnapshot, JobState } from "./job_state.ts";
import { warnIfOutcomesDiffer } from "./outcome_difference.ts";
import { begin } from "./scheduler.ts";
import { Scope } from "./scope.ts";

/** Runs a job again that was a hit, and warns if something else comes of it. */
export async function runForComparison(
  state: JobState,
  snapshot: ArgumentSnapshot,
  record: StoredRecord,
): Promise<void> {
  const { definition, options, key, keyBytes, identity } = state;
  const stored = record.outcome;
  const again = new JobState(
    definition,
    { ...options, cache: false, recheck: 0 },
    new Scope(options),
    false,
  );
  Object.assign(again, { key, keyBytes, identity, snapshot, isSeen: true });
  again.scope.enter();
  const settled = new Promise<void>((resolve) => again.onSettled(resolve));
  begin(again);
  await settled;
  if (again.outcome === undefined) return;
  await stored.value.load?.(new AbortController().signal);
  warnIfOutcomesDiffer(definition, stored, again.outcome);
}
