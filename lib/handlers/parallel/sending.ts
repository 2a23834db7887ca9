/**
 * How Tasks and items go to one worker: in which messages, under which numbers, and which
 * of them through shared memory.
 *
 * @module
 */

import type { TaskArguments } from "../../task.ts";
import { LEAF_BYTES } from "../../value/encoded.ts";
import type { SmallValue } from "../../value/small.ts";
import { isMoved } from "../../value/transfer.ts";
import {
  isPlain,
  packBatch,
  packOne,
  sizeOf,
  type UnpackedRun,
} from "../../worker/batch.ts";
import type { ToWorker } from "../../worker/protocol.ts";
import type { Turn } from "../../worker/requests.ts";
import { functionToWire } from "../../worker/wire.ts";
import type { ChunkRun } from "./chunk_run.ts";
import type { Connection } from "./connection.ts";
import type { ImportWatch } from "./import_watch.ts";
import type { PoolRun } from "./pool_run.ts";
import type { PoolWorkerOwner } from "./pool_worker_owner.ts";
import { quickList, type QuickWay } from "./quick_way.ts";
import { runMessage, type Unnumbered } from "./run_message.ts";
import type { TaskFlags } from "./task_flags.ts";

/** What a worker has that is needed to send it something. */
export interface SendingParts {
  readonly owner: PoolWorkerOwner;
  readonly flags: TaskFlags;
  readonly imports: ImportWatch;
  readonly quick: QuickWay | undefined;
}

/** Tasks that can travel together, and have their numbers. */
export interface Parcel {
  readonly given: readonly PoolRun[];
  /** The arguments of those that are quick. */
  readonly lists: SmallValue[];
  /** What is quick has none, unless another one among them needs one. */
  readonly messages: readonly (Unnumbered | undefined)[];
  readonly transfer: ArrayBuffer[];
}

/** Sends one worker what it is given. */
export class Sending {
  readonly #connection: Connection;
  readonly #parts: SendingParts;
  readonly #post: (message: ToWorker, transfer: ArrayBuffer[]) => void;
  #lastSent = 0;

  /** Makes it for a worker, to which `post` sends messages. */
  constructor(
    connection: Connection,
    parts: SendingParts,
    post: (message: ToWorker, transfer: ArrayBuffer[]) => void,
  ) {
    this.#connection = connection;
    this.#parts = parts;
    this.#post = post;
  }

  /** The number of the last Task, or chunk with its items, that was sent. */
  get lastSent(): number {
    return this.#lastSent;
  }

  /** As many Tasks as are small enough to travel together. One whose arguments cannot be sent fails. */
  pack(runs: Iterable<PoolRun>): Parcel {
    const given: PoolRun[] = [];
    const lists: SmallValue[] = [];
    const messages: (Unnumbered | undefined)[] = [];
    const transfer: ArrayBuffer[] = [];
    let bytes = 0;
    for (const run of runs) {
      try {
        const args = run.task.arguments();
        const list = this.#quickList(run, args);
        const message = list === undefined
          ? this.#message(run, args, transfer, given.length === 0)
          : undefined;
        run.moved = isMoved(args.list) ? args.list : undefined;
        run.leaves = args.list.leaves;
        // What a thread gets of leaves is there at once.
        run.isLarge = message !== undefined &&
          !this.#connection.sharesMemory &&
          (message.list.leaves.length > 0 || message.upstream.length > 0);
        // Last: what is above may throw.
        this.#number(run);
        if (list !== undefined) lists.push(list);
        messages.push(message);
        given.push(run);
        bytes += sizeOf(list ?? message!.list);
        if (bytes >= LEAF_BYTES) break;
        if (message !== undefined && !isPlain(message)) break;
      } catch (error) {
        this.#parts.owner.settled(run);
        run.fail(error);
      }
    }
    return { given, lists, messages, transfer };
  }

  /** Sends Tasks to a worker that has nothing else if they are alone there. */
  send({ given, lists, messages, transfer }: Parcel, isAlone: boolean): void {
    const { quick } = this.#parts;
    const isQuick = lists.length === given.length &&
      quick!.send(given[0]!.task, given, lists);
    for (const run of given) run.isQuick = isQuick;
    if (isQuick) return;
    this.#letTell(given[0]!, isAlone);
    const spelt = given.map((run, i): UnpackedRun => ({
      ...messages[i] ??
        this.#message(run, argumentsOf(lists.shift()!), [], false),
      task: run.sent,
      flag: run.flag,
      ...(run.isLarge ? { isLarge: true } : undefined),
      ...(run.isTold ? { timed: true } : undefined),
    }));
    if (spelt.length > 1) return this.#post(packBatch(spelt), transfer);
    const [one] = spelt;
    // Into a pipe the characters go as they are.
    const isPiped = !this.#connection.sharesMemory;
    this.#post(isPiped ? one! : packOne(one!), transfer);
  }

  /** Sends a Task that the worker comes to when it is its turn, if it can go through shared memory; whether it did. Throws as the arguments of the Task do. */
  sendAhead(run: PoolRun, turn: Turn): boolean {
    const { task } = run;
    const list = this.#quickList(run, task.arguments());
    if (list === undefined) return false;
    this.#number(run);
    run.isQuick = this.#parts.quick!.send(task, [run], [list], turn);
    if (!run.isQuick) this.#parts.flags.release(run.sent);
    return run.isQuick;
  }

  /** Gives items their numbers and sends them, behind others if they come after these. */
  sendItems(run: ChunkRun, after: ChunkRun | undefined): void {
    const { flags, quick } = this.#parts;
    run.sent = ++this.#lastSent;
    this.#lastSent += run.end - run.begin;
    const request = {
      chunk: run.sent,
      after: after?.sent,
      flag: flags.sendChunk(run.sent),
      measured: run.chunk.isMeasured,
      ...run.chunk.argumentsOf(run.begin, run.end),
    };
    run.chunk.give(run.end);
    // What comes by another way than the one before it might come first.
    run.isPosted = after?.isPosted === true ||
      quick?.sendChunk(run.task, request) !== true;
    if (!run.isPosted) return;
    const transfer: ArrayBuffer[] = [];
    const fn = functionToWire(run.task, transfer);
    this.#post({ type: "chunk", ...request, ...fn }, transfer);
  }

  /**
   * The message that gives the worker a Task. Throws as `runMessage` does. What was transferred moves with a
   * Task that comes alone: others can be taken back before they begin.
   */
  #message(
    { task }: PoolRun,
    args: TaskArguments,
    transfer: ArrayBuffer[],
    isAlone: boolean,
  ): Unnumbered {
    const { sharesMemory, sharesLeaves } = this.#connection;
    const hasCode = this.#parts.imports.has(task.code);
    const handover = !sharesMemory ? "lend" : isAlone ? "move" : "copy";
    return runMessage(task, args, transfer, sharesLeaves, handover, hasCode);
  }

  /** A process tells when it begins with a Task, or with the first of some, where that may take a while: something else may keep it busy, or much has to come. */
  #letTell(first: PoolRun, isAlone: boolean): void {
    first.isTold = !this.#connection.sharesMemory &&
      (first.task.timed || first.isLarge || !isAlone);
  }

  /** Gives a Task its number and its flag: not its own id, as it may come to this worker twice, if it was taken back. */
  #number(run: PoolRun): void {
    run.flag = this.#parts.flags.send(this.#lastSent + 1);
    run.sent = ++this.#lastSent;
    run.chunk = 0;
    run.isTold = false;
  }

  /** The arguments of a Task that can go the quick way. */
  #quickList({ task }: PoolRun, args: TaskArguments): SmallValue | undefined {
    const { quick, imports } = this.#parts;
    return quick !== undefined && imports.has(task.code)
      ? quickList(task, args)
      : undefined;
  }
}

function argumentsOf(list: SmallValue): TaskArguments {
  return { list, upstream: [] };
}
