/**
 * How far one worker is: what it has begun of what it was given, whether it gets on with
 * that, and whether it takes up anything.
 *
 * Where memory is shared the flags tell what has begun. A process tells it, or a Task is
 * taken to have begun as long as nothing else is known.
 *
 * @module
 */

import type { Task } from "../../task.ts";
import { warn } from "../../warn.ts";
import type { ImportWatch } from "./import_watch.ts";
import { PoolRun } from "./pool_run.ts";
import type { PoolWorker } from "./pool_worker.ts";
import { Progress } from "./progress.ts";
import type { Stopping } from "./stopping.ts";
import type { TaskFlags } from "./task_flags.ts";
import type { Unbegun } from "./unbegun.ts";
import { Uptake } from "./uptake.ts";
import type { WorkerContents } from "./worker_contents.ts";
import type { WorkerItems } from "./worker_items.ts";

/** What a worker has that is needed to see how far it is. */
export interface WatchingParts {
  readonly imports: ImportWatch;
  readonly stopping: Stopping;
  readonly unbegun: Unbegun;
}

/** Watches one worker. */
export class Watching {
  readonly #worker: PoolWorker;
  readonly #sharesMemory: boolean;
  readonly #running: ReadonlyMap<number, PoolRun>;
  readonly #paused: ReadonlySet<PoolRun>;
  readonly #items: WorkerItems;
  readonly #flags: TaskFlags;
  readonly #imports: ImportWatch;
  readonly #stopping: Stopping;
  readonly #unbegun: Unbegun;
  readonly #progress: Progress = new Progress(() => {
    const hadSome = this.#hasSome;
    const goesOn = this.#unbegun.takeRest();
    if (hadSome) this.endIfDeaf();
    return this.#look() || goesOn;
  });
  readonly #uptake: Uptake = new Uptake(() => this.#state(), () => {
    this.#unbegun.recall();
    this.endIfDeaf();
  });
  /** The function that it was told last to call, for messages. */
  #lastGiven = "";

  /** Makes it for a worker and what that has. */
  constructor(
    worker: PoolWorker,
    sharesMemory: boolean,
    { running, paused, items, flags }: WorkerContents,
    { imports, stopping, unbegun }: WatchingParts,
  ) {
    this.#worker = worker;
    this.#sharesMemory = sharesMemory;
    this.#running = running;
    this.#paused = paused;
    this.#items = items;
    this.#flags = flags;
    this.#imports = imports;
    this.#stopping = stopping;
    this.#unbegun = unbegun;
  }

  /** The worker was given Tasks that run one after the other; `isAlone` if it had nothing else. */
  tasksGiven(given: readonly PoolRun[], isAlone: boolean): void {
    const first = given[0]!;
    this.#given(first.task);
    first.isAssumed = isAlone && this.#isAssumed(first);
    if (first.isAssumed || this.#countsAsBegun(first)) first.begun();
    if (given.length > 1 || first.isAssumed || !first.hasBegun) {
      this.#progress.watch();
    }
  }

  /** The worker was given what it comes to later, or items; calls of that function take mostly `duration` ms. */
  given(task: Pick<Task, "name" | "version">, duration: number): void {
    this.#progress.watch(duration);
    this.#given(task);
  }

  #given({ name, version }: Pick<Task, "name" | "version">): void {
    this.#lastGiven = `${name} ${version}`;
    this.#uptake.given();
  }

  /** Whether a Task that comes to an idle worker is taken to begin at once, as long as nothing else is known: in a process that has its code. Where memory is shared the flags tell. */
  #isAssumed({ task, isTold }: PoolRun): boolean {
    return !isTold && !task.timed && !this.#sharesMemory &&
      (task.importTimeout === undefined || this.#imports.has(task.code));
  }

  /** Whether a Task is taken to begin when it is given, as it must not wait long for a worker. */
  #countsAsBegun({ task }: PoolRun): boolean {
    return task.queueTimed === true && !task.timed;
  }

  /** Looks whether the worker has begun with a Task, and says so. */
  look(run: PoolRun): void {
    if (!this.#sharesMemory || run.worker !== this.#worker) return;
    const { timed, importTimeout, code } = run.task;
    if (timed || this.#flags.isUntouched(run.sent)) return;
    if (importTimeout === undefined || this.#imports.has(code)) run.begun();
  }

  /** The same for all that it has; whether there are some that it has not begun with. */
  #look(): boolean {
    if (!this.#sharesMemory) return this.#unbegun.watch();
    this.#items.look();
    let isWaiting = false;
    for (const run of this.#running.values()) {
      if (run.hasBegun || run.task.timed) continue;
      run.look();
      isWaiting ||= !run.hasBegun;
    }
    return isWaiting;
  }

  /** The worker has said something. */
  heard(): void {
    this.#uptake.heard();
  }

  /** All of a large Task is in its process: from now on that may be silent for so long. */
  arrived(task: number): void {
    const run = this.#running.get(task);
    if (run === undefined) return;
    run.isLarge = false;
    this.#uptake.heard();
    this.#uptake.given();
  }

  /** What can be seen of whether it has begun with what it has. */
  #state(): "idle" | "busy" | "waiting" {
    const all = [...this.#running.values(), ...this.#items];
    const { full, isReady } = this.#worker;
    // It may have been sent so much that was taken back that it is full.
    if (all.length === 0) return full ? "waiting" : "idle";
    if (!isReady || this.#imports.isBusy) return "busy";
    if (this.#paused.size > 0 || this.#stopping.size > 0) return "busy";
    if (all.some((run) => run instanceof PoolRun && run.isLarge)) return "busy";
    // A process has flags of its own.
    return this.#sharesMemory &&
        all.some(({ sent }) => !this.#flags.isUntouched(sent))
      ? "busy"
      : "waiting";
  }

  /** Whether it was given something that has not ended. */
  get #hasSome(): boolean {
    return this.#running.size > 0 || this.#items.size > 0;
  }

  /** What was given to it has gone back. If it was silent for long before that, another worker takes its place. */
  endIfDeaf(): void {
    const { isEmpty, isRetired } = this.#worker;
    if (!isEmpty || this.#stopping.size > 0 || isRetired) return;
    if (!this.#uptake.isSilent) return;
    warn(
      `a worker did not begin with ${this.#lastGiven}, as something that an earlier job has started keeps it busy, a timer that loops for instance: another one takes its place`,
    );
    this.#worker.retire();
  }

  /** Watches no more. */
  end(): void {
    this.#progress.end();
    this.#uptake.end();
  }
}
