/**
 * The Tasks of one worker that were told to stop, and how long they are waited for.
 *
 * @module
 */

import { JobTimeoutError } from "../../errors.ts";
import { interruptionReason } from "../../outstanding.ts";
import { encodeThrown } from "../../value/thrown.ts";
import type { ToWorker } from "../../worker/protocol.ts";
import { moveToWire } from "../../worker/wire.ts";
import type { Isolation } from "./connection.ts";
import { Patience } from "./patience.ts";
import type { PoolRun } from "./pool_run.ts";

/** How long a worker may take to end a cancelled job, or to answer, in ms. */
const GRACE = 50;

/** How much longer an empty thread may take to answer, in ms: one that gets no processor is not busy. */
const SILENCE = 500;

/** How long the other jobs of a worker that does not answer may go on, in ms. */
const NEIGHBOUR_GRACE = 5_000;

/** The worker in which they run. */
export interface StoppingOwner {
  /** Whether no Task is in it. */
  readonly isEmpty: boolean;
  readonly isolation: Isolation;
  /** Takes no more Tasks, and ends when it has none left. */
  retire(): void;
  /** It is waited for no more. */
  graceOver(): void;
  /** Nor for the other jobs that it has. */
  neighboursGraceOver(): void;
}

/** Tells Tasks to stop and gives them and their worker time for it. */
export class Stopping {
  readonly #owner: StoppingOwner;
  readonly #post: (message: ToWorker, transfer: ArrayBuffer[]) => void;
  readonly #grace = new Patience();
  /** Cancelled Tasks that have begun and not ended. */
  readonly #runs = new Map<number, PoolRun>();
  /** Why those of them are to stop of which it is not known yet whether they have begun. */
  readonly #uncertain = new Map<number, unknown>();
  #answers = true;
  /** The failed Task of which something may still be running here. */
  #remains: PoolRun | undefined;
  #graceIsOver = false;

  /** Makes it for a worker, to which `post` sends messages. */
  constructor(
    owner: StoppingOwner,
    post: (message: ToWorker, transfer: ArrayBuffer[]) => void,
  ) {
    this.#owner = owner;
    this.#post = post;
  }

  /** How many cancelled Tasks have begun and not ended. */
  get size(): number {
    return this.#runs.size;
  }

  /** Such a Task. */
  get(task: number): PoolRun | undefined {
    return this.#runs.get(task);
  }

  /** Whether the worker has answered since a Task was told to stop. */
  get answers(): boolean {
    return this.#answers;
  }

  /** Whether nothing of it has to be waited for. */
  get isOver(): boolean {
    const stopped = this.#runs.size === 0 && this.#answers;
    return stopped || this.#graceIsOver;
  }

  /** A Task that has begun was cancelled. */
  add(run: PoolRun): void {
    this.#runs.set(run.sent, run);
  }

  /** A Task was cancelled of which it is not known whether it has begun: the worker was asked. */
  addUncertain(run: PoolRun, reason: unknown): void {
    this.add(run);
    this.#uncertain.set(run.sent, reason);
    this.#expectAnswer();
  }

  /** A Task has begun: such a one, and why it is to stop. */
  takeUncertain(
    task: number,
  ): { readonly run: PoolRun; readonly reason: unknown } | undefined {
    const run = this.#runs.get(task);
    if (run === undefined || !this.#uncertain.has(task)) return undefined;
    const reason = this.#uncertain.get(task);
    this.#uncertain.delete(task);
    return { run, reason };
  }

  /** A cancelled Task has ended, or never began; whether it was one. */
  delete(task: number): boolean {
    if (!this.#runs.delete(task)) return false;
    this.#uncertain.delete(task);
    this.#answers = true;
    return true;
  }

  /** The worker has given a sign of life. */
  answered(): void {
    this.#answers = true;
  }

  /** The worker has ended by itself; how many Tasks were to stop. */
  lost(): number {
    this.#answers = true;
    const { size } = this.#runs;
    this.#runs.clear();
    this.#uncertain.clear();
    return size;
  }

  /** A Task has failed, and something of it may still be running. */
  leaves(run: PoolRun): void {
    // Those that end after the first have only shared its worker.
    this.#remains ??= run;
  }

  /** Asks for a sign of life; without one the worker is busy. */
  tell({ sent, flag }: PoolRun, reason: unknown): void {
    const transfer: ArrayBuffer[] = [];
    const wire = moveToWire(encodeThrown(reason), transfer);
    const timedOut = reason instanceof JobTimeoutError;
    this.#post(
      { type: "cancel", task: sent, flag, reason: wire, timedOut },
      transfer,
    );
    this.#expectAnswer();
  }

  #expectAnswer(): void {
    this.#answers = false;
    this.#graceIsOver = false;
    this.#grace.begin(GRACE, () => this.#graceOver());
  }

  #graceOver(): void {
    const owner = this.#owner;
    // A process is killed. Whoever ends the program does not wait.
    const isSilent = owner.isEmpty && !this.#answers &&
      owner.isolation === "worker" && interruptionReason() === undefined;
    this.#graceIsOver = !isSilent;
    // Its place is another's from now on.
    owner.retire();
    if (isSilent) this.#grace.begin(SILENCE, () => owner.graceOver());
    else if (!owner.isEmpty && !this.#answers) {
      this.#grace.begin(NEIGHBOUR_GRACE, () => owner.neighboursGraceOver());
    }
  }

  /** The Tasks that may keep the worker busy, beside those that run: from outside it cannot be seen which one it is. */
  suspects(): PoolRun[] {
    const remains = this.#remains === undefined ? [] : [this.#remains];
    return [...this.#runs.values(), ...remains];
  }

  /** Makes the program wait until a cancelled job has had its grace. */
  holdGrace(): void {
    this.#grace.hold();
  }

  /** Waits no more. */
  end(): void {
    this.#grace.end();
  }
}
