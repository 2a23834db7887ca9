/**
 * Failures that nobody looks at must not go unnoticed: they are listed once, on
 * stderr, when the program ends.
 *
 * @module
 */

import type { JobState } from "./job_state.ts";
import { isWorker } from "./role.ts";
import { decodeThrown } from "./value/thrown.ts";

/** How many are listed by name. */
const MOST_LISTED = 10;

const unseen = new Set<JobState>();
let listening = false;

/** Remembers a job that failed, unless somebody has been waiting for it. */
export function noteFailure(state: JobState): void {
  if (state.isSeen || isWorker()) return;
  unseen.add(state);
  if (listening) return;
  listening = true;
  addEventListener("unload", listUnseen);
}

/** Somebody looks at the job: its failure is theirs now. */
export function noteSeen(state: JobState): void {
  state.isSeen = true;
  unseen.delete(state);
}

function listUnseen(): void {
  if (unseen.size === 0) return;
  const lines = [...unseen].slice(0, MOST_LISTED).map((state) => {
    const { name, version } = state.definition;
    const error = state.failure?.error ??
      decodeThrown(state.outcome!.value);
    return `  ${name} ${version}: ${error}`;
  });
  const more = unseen.size - lines.length;
  if (more > 0) lines.push(`  and ${more} more`);
  const count = unseen.size === 1
    ? "1 job failed and nobody looked at its error"
    : `${unseen.size} jobs failed and nobody looked at their errors`;
  console.error(
    `hither: ${count} (await the job, or read job.error):\n${lines.join("\n")}`,
  );
  unseen.clear();
}
