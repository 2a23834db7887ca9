/**
 * The Tasks of one worker that wait for jobs which they have submitted: meanwhile their
 * slots are there for others.
 *
 * @module
 */

import type { CodeReference } from "../../task.ts";
import type {
  NestedCancelMessage,
  NestedMessage,
  NestedReleaseMessage,
  NestedWatchMessage,
  ToWorker,
  WaitingMessage,
} from "../../worker/protocol.ts";
import { NestedJobs } from "../nested_jobs.ts";
import { Batch, type PoolRun } from "./pool_run.ts";
import type { PoolWorkerOwner } from "./pool_worker_owner.ts";
import type { TaskFlags } from "./task_flags.ts";
import type { Unbegun } from "./unbegun.ts";

/** What a worker has that is needed to let its Tasks wait. */
export interface PausingParts {
  readonly owner: PoolWorkerOwner;
  /** Its Tasks that have not ended. */
  readonly running: ReadonlyMap<number, PoolRun>;
  /** Those that wait. */
  readonly paused: Set<PoolRun>;
  readonly flags: TaskFlags;
  readonly unbegun: Unbegun;
}

/** Lets them wait, and takes the jobs that they submit. */
export class Pausing {
  readonly #owner: PoolWorkerOwner;
  readonly #running: ReadonlyMap<number, PoolRun>;
  readonly #paused: Set<PoolRun>;
  readonly #flags: TaskFlags;
  readonly #unbegun: Unbegun;
  readonly #addLoad: (slots: number) => void;
  readonly #nested: NestedJobs;
  /** Functions whose jobs have waited for jobs of theirs. */
  readonly #waiting = new WeakSet<CodeReference>();

  /** Makes it for a worker, to which `post` sends messages; `addLoad` says how many slots more are taken. */
  constructor(
    { owner, running, paused, flags, unbegun }: PausingParts,
    addLoad: (slots: number) => void,
    post: (message: ToWorker, transfer: ArrayBuffer[]) => void,
  ) {
    this.#owner = owner;
    this.#running = running;
    this.#paused = paused;
    this.#flags = flags;
    this.#unbegun = unbegun;
    this.#addLoad = addLoad;
    this.#nested = new NestedJobs(post);
  }

  /** Whether a job of that function has waited for jobs of its own here. */
  hasWaited(code: CodeReference): boolean {
    return this.#waiting.has(code);
  }

  /** Takes what a worker tells of the jobs of its Tasks. */
  take(
    message:
      | WaitingMessage
      | NestedMessage
      | NestedCancelMessage
      | NestedWatchMessage
      | NestedReleaseMessage,
  ): void {
    switch (message.type) {
      case "waiting":
        this.#nested.awaited(
          message.awaited,
          this.#running.get(message.task)?.task,
        );
        return message.waits
          ? this.#pause(message.task)
          : this.#resume(this.#running.get(message.task));
      case "nested": {
        const run = this.#running.get(message.task);
        const waits = run !== undefined && this.#paused.has(run);
        return this.#nested.submit(
          message,
          run?.task,
          run?.leaves ?? [],
          waits,
        );
      }
      default:
        return this.#nested.take(message);
    }
  }

  /** A Task waits for others: its slot is theirs meanwhile. */
  #pause(id: number): void {
    const run = this.#running.get(id);
    if (run === undefined || this.#paused.has(run)) return;
    const next = this.#nextOf(run);
    if (next === undefined) {
      // One of those that travelled with it may be what it waits for.
      this.#unbegun.recall();
      this.#addLoad(-1);
    } else {
      run.batch!.left--;
      run.batch = new Batch([run]);
    }
    this.#paused.add(run);
    this.#waiting.add(run.task.code);
    this.#flags.pause();
    this.#owner.paused(run, next);
  }

  /** The Task that begins in place of one that waits. */
  #nextOf(run: PoolRun): PoolRun | undefined {
    const last = run.batch!.left > 1 ? run.batch!.last : undefined;
    return last?.comesOnPause && last !== run ? last : undefined;
  }

  #resume(run: PoolRun | undefined): void {
    if (run === undefined || !this.#paused.delete(run)) return;
    this.#addLoad(1);
    this.#flags.resume();
    this.#owner.resumed(run);
  }

  /** A Task leaves the worker: it does not wait any more, nor does anybody for its jobs. */
  leave(run: PoolRun): void {
    this.#resume(run);
    this.#nested.ended(run.sent);
  }

  /** The worker is gone. */
  end(): void {
    this.#nested.close();
  }
}
