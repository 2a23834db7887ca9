/**
 * Lets `hither explain` watch a script: it puts a hook where each copy of this
 * library in the script finds it.
 *
 * @module
 */

import { explainState, type Explanation, hitText } from "./explain.ts";
import type { JobState } from "./job_state.ts";

/** What the hook is told of a job; what is told last holds. */
export interface JobReport
  extends Pick<Explanation, "nearest" | "differences" | "text"> {
  readonly name: string;
  readonly version: string;
  /** `undefined` until its arguments are there. */
  readonly key: string | undefined;
  /** The arguments, as one would write them; empty if they are not kept. */
  readonly preview: string;
  /** As an explanation has it; `waits` for jobs among its arguments; `failed` as one of those has. */
  readonly status: Explanation["status"] | "waits" | "failed";
  /** Stand for the jobs that it waits for, as the first parameter of `tell` stands for the job itself. */
  readonly waitsFor: readonly object[];
}

/** Who is told of all jobs. */
export interface ExplainHook {
  /** Whether the jobs that miss run all the same. */
  readonly runs: boolean;
  tell(job: object, report: JobReport): void;
}

const HOOK = Symbol.for("hither.explain");

/** The hook; `undefined` in all other programs. */
export const explainHook: ExplainHook | undefined =
  (globalThis as { [HOOK]?: ExplainHook })[HOOK];

/** Whether nothing is to be run. */
export const isDryRun: boolean = explainHook?.runs === false;

/** Tells the hook that a job is a hit. */
export function tellHit(state: JobState, preview: string | undefined): void {
  tell(state, {
    status: "hit",
    text: hitText(state),
    preview: preview ?? "",
  });
}

/** Tells the hook that a job is to be run, and why. */
export function tellMiss(state: JobState): void {
  const { name, version } = state.definition;
  const { text, ...explanation } = explainState(state);
  const prefix = `${name} ${version}: `;
  tell(state, {
    ...explanation,
    text: text.startsWith(prefix) ? text.slice(prefix.length) : text,
  });
}

/** Tells the hook that a job waits for others. */
export function tellWaiting(state: JobState, upstream: JobState[]): void {
  const names = upstream.map(({ definition: { name, version } }) =>
    `${name} ${version}`
  );
  tell(state, {
    status: "waits",
    text: `waits for ${[...new Set(names)].join(", ")}`,
    waitsFor: upstream,
  });
}

/** Tells the hook that a job cannot run as one among its arguments failed. */
export function tellFailed(state: JobState): void {
  tell(state, { status: "failed", text: "a job among its arguments failed" });
}

function tell(
  state: JobState,
  report: Pick<JobReport, "status" | "text"> & Partial<JobReport>,
): void {
  const { definition: { name, version }, key, description } = state;
  explainHook!.tell(state, {
    name,
    version,
    key,
    preview: description?.preview ?? "",
    nearest: undefined,
    differences: [],
    waitsFor: [],
    ...report,
  });
}
