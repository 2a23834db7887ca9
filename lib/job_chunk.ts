/**
 * Jobs that wait and travel together. As long as nothing is the matter with one of them,
 * no Task is made of it: its arguments are some bytes among others, and its result is all
 * that comes back. It becomes a Task, in the place where it waits or runs, as soon as more
 * is to be known of it: it prints, reports, submits jobs, fails, is to stop, or another
 * job is to share its run.
 *
 * @module
 */

import type { JobOptions, JobState } from "./job_state.ts";
import type { FunctionDefinition } from "./registry.ts";
import { settleTogether, taskOf } from "./handed_jobs.ts";
import type { Settled } from "./direct_handler.ts";
import type { Task } from "./task.ts";
import type { EncodedValue } from "./value/encoded.ts";

/** How many may be in one chunk: where the queue is never empty, what was done would never go. */
const MOST = 65_536;

/** Makes Tasks of jobs that it has: a pool of workers. */
export interface JobRunner {
  /** Makes Tasks of a job and of those with which it waits or runs. */
  spellOut(chunk: JobChunk, index: number): void;
  /** Whether a worker has begun with a job that it was given. */
  hasBegun(chunk: JobChunk, index: number): boolean;
}

/** Jobs of one function with the same options, in the order in which they were submitted. */
export class JobChunk {
  readonly definition: FunctionDefinition;
  readonly options: JobOptions;
  /** How long each of them takes is told. */
  readonly isMeasured = true;
  readonly #runner: JobRunner;
  /** `undefined` in place of one that has settled or is a Task. */
  readonly #jobs: (JobState | undefined)[] = [];
  /** Which job is the first that no worker was given. */
  #given = 0;
  /** The one that is being cancelled: it has no result any more. */
  #leaving: JobState | undefined;

  /** Jobs like this one. */
  constructor({ definition, options }: JobState, runner: JobRunner) {
    this.definition = definition;
    this.options = options;
    this.#runner = runner;
  }

  /** How many there were. */
  get count(): number {
    return this.#jobs.length;
  }

  /** Whether a job belongs to them. */
  suits({ definition, options }: JobState): boolean {
    return definition === this.definition && options === this.options &&
      this.count < MOST;
  }

  /** Adds a job at the end. */
  add(job: JobState): void {
    job.chunk = this;
    job.index = this.#jobs.push(job) - 1;
  }

  /** Whether a job is still one of them. */
  isOpen(index: number): boolean {
    return this.#jobs[index] !== undefined;
  }

  /** A worker is given those up to before `end`. */
  give(end: number): void {
    this.#given = Math.max(this.#given, end);
  }

  /** A worker has begun with a job. */
  begin(index: number): void {
    const job = this.#jobs[index];
    if (job === undefined) return;
    job.attempts = 1;
    job.advance("running");
  }

  /** Looks whether a worker has begun with a job. */
  look({ index }: JobState): void {
    if (index < this.#given && this.#runner.hasBegun(this, index)) {
      this.begin(index);
    }
  }

  /** The argument lists of those from `begin` to before `end`, and where each ends. */
  argumentsOf(
    begin: number,
    end: number,
  ): { bytes: Uint8Array<ArrayBuffer>; ends: Uint32Array<ArrayBuffer> } {
    let length = 0;
    for (let i = begin; i < end; i++) length += this.#jobs[i]!.identity!.length;
    const bytes = new Uint8Array(length);
    const ends = new Uint32Array(end - begin);
    let at = 0;
    for (let i = begin; i < end; i++) {
      const text = this.#jobs[i]!.identity!;
      for (let k = 0; k < text.length; k++) bytes[at++] = text.charCodeAt(k);
      ends[i - begin] = at;
    }
    return { bytes, ends };
  }

  /** A job has its result; whether it was one of them. */
  settle(
    index: number,
    value: EncodedValue | number,
    duration: number,
    startedAt: number,
  ): boolean {
    const job = this.#jobs[index];
    if (job === undefined) return false;
    this.begin(index);
    this.#jobs[index] = undefined;
    job.chunk = undefined;
    if (job !== this.#leaving) {
      settleTogether(job, value, startedAt, duration);
    }
    return true;
  }

  /** That was all that is to be done for them. */
  settledTogether(): void {}

  /** A job becomes a Task: it, and whom to tell what becomes of it. */
  becomeTask(index: number, isRunning: boolean): [Task, Settled] {
    const job = this.#jobs[index]!;
    this.#jobs[index] = undefined;
    job.chunk = undefined;
    return taskOf(job, isRunning);
  }

  /** Makes a Task of a job, unless its result is there. */
  spellOut({ index }: JobState): void {
    this.#runner.spellOut(this, index);
  }

  /** Takes a job out that is to be cancelled; if a worker may have begun it, it is a Task from then on. */
  leave(job: JobState): void {
    const { index } = job;
    if (index < this.#given) {
      const before = this.#leaving;
      this.#leaving = job;
      this.#runner.spellOut(this, index);
      this.#leaving = before;
    } else this.#jobs[index] = undefined;
    job.chunk = undefined;
  }
}
