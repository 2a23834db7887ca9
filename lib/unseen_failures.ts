/**
 * Failures that nobody looks at must not go unnoticed: they are listed once, on
 * stderr, when the program ends; in a worker, when the job ends that had run
 * the failed ones.
 *
 * @module
 */

import { errorText } from "./error_text.ts";
import { UpstreamError } from "./errors.ts";
import type { JobState } from "./job_state.ts";
import { isWorker } from "./role.ts";
import { decodeThrown } from "./value/thrown.ts";

/** How many are listed by name. */
const MOST_LISTED = 10;

const unseen = new Set<JobState>();
let listening = false;

/** Remembers a job that failed, unless somebody has been waiting for it. */
export function noteFailure(state: JobState): void {
  if (state.isSeen) return;
  unseen.add(state);
  if (listening || isWorker()) return;
  listening = true;
  addEventListener("unload", () => {
    const text = takeUnseen();
    if (text !== undefined) console.error(text);
  });
}

/** Somebody looks at the job: its failure is theirs now. */
export function noteSeen(state: JobState): void {
  if (state.isSeen) return;
  state.isSeen = true;
  unseen.delete(state);
}

/** What there is to say of the failures that nobody has looked at, each once. */
export function takeUnseen(): string | undefined {
  if (unseen.size === 0) return undefined;
  const lines = [...unseen].slice(0, MOST_LISTED).map(describe);
  const more = unseen.size - lines.length;
  if (more > 0) lines.push(`and ${more} more`);
  const count = unseen.size === 1
    ? "1 job failed and nobody looked at its error"
    : `${unseen.size} jobs failed and nobody looked at their errors`;
  unseen.clear();
  const list = lines.join("\n").replaceAll("\n", "\n  ");
  return `hither: ${count} (await the job, or read job.error):\n  ${list}`;
}

function describe(state: JobState): string {
  const { name, version } = state.definition;
  const error = rootOf(errorOf(state));
  const kind = error instanceof Error ? `${error.name}: ` : "";
  return `${name} ${version}: ${kind}${errorText(error)}`;
}

function errorOf(state: JobState): unknown {
  try {
    return state.failure?.error ?? decodeThrown(state.outcome!.value);
  } catch (error) {
    return error;
  }
}

/** Of a job whose argument failed: what that failed of. */
function rootOf(error: unknown): unknown {
  while (error instanceof UpstreamError) error = error.cause;
  return error;
}
