/**
 * A Task in a worker: from its message to what becomes of it.
 *
 * @module
 */

import { RemoteJobs } from "../remote_jobs.ts";
import type { ConsoleLine, TaskEvent } from "../task.ts";
import { jobKey } from "../value/contribution.ts";
import { decodeValue } from "../value/decode.ts";
import type { Leaf } from "../value/encoded.ts";
import { TransferredLeaf } from "../value/transfer.ts";
import { damageBy } from "./builtins.ts";
import { ChunkItem } from "./chunk.ts";
import {
  type Ending,
  type ExecutedJob,
  type Host,
  Invocation,
} from "./execute.ts";
import { areIntact } from "./intact.ts";
import { lateKey } from "./late_key.ts";
import type { UserFunction } from "./load.ts";
import { linkTo } from "./nested_link.ts";
import { Output } from "./output.ts";
import {
  type EventMessage,
  Flag,
  type FromWorker,
  type RunMessage,
  type WarningMessage,
  type WireLeaf,
} from "./protocol.ts";
import { RequestedRun } from "./requested_run.ts";
import { fromWire } from "./wire.ts";

/** Sends a message; the buffers in `transfer` move with it. */
export type Send = (message: FromWorker, transfer: ArrayBuffer[]) => void;

/** Whose Tasks they are. */
export interface RunOwner {
  /** How to send a message. */
  readonly sender: Send;
  /** Sends a message. */
  send(message: FromWorker): void;
  /** Sends what a job prints and reports; waits while too much is under way. */
  report(message: EventMessage | WarningMessage): void;
  /** A function goes on after it has returned. */
  goesOn(fn: UserFunction): void;
  /** Shared memory that a Task has looked at was written to. */
  memoryChanged(): void;
  /** A Task has ended. */
  ended(run: WorkerRun, ending: Ending): void;
}

/** A Task in a worker. */
export class WorkerRun implements ExecutedJob, Host {
  /** Whether it came with others. */
  readonly together: boolean;
  /** Whether the program has heard from the job. */
  hasSpoken = false;
  /** Whether this worker is done with it. */
  hasLeft = false;
  /** Is called when it waits for jobs of its own. */
  paused: (() => void) | undefined;
  readonly invocation: Invocation;
  readonly #message: RunMessage;
  readonly #flags: Int32Array | undefined;
  readonly #owner: RunOwner;
  #output: Output | undefined;
  /** Whether its outcome has been sent. */
  #isTold = false;
  #remote: RemoteJobs | undefined;
  #lateKey: string | undefined;
  #left: (() => void) | undefined;

  constructor(
    message: RunMessage,
    flags: Int32Array | undefined,
    owner: RunOwner,
    together: boolean,
  ) {
    this.#message = message;
    this.#flags = flags;
    this.#owner = owner;
    this.together = together;
    this.invocation = new Invocation(this, this);
  }

  /** Its number. */
  get task(): number {
    return this.#message.task;
  }

  get name(): string {
    return this.#message.name;
  }

  get version(): string {
    return this.#message.version;
  }

  get digest(): boolean {
    return this.#message.digest;
  }

  /** Takes over a call as its invocation does. */
  takeOver(startedAt: number, start: number, hasEnded: boolean): void {
    this.#isTold = hasEnded;
    this.hasLeft = hasEnded;
    this.invocation.takeOver(startedAt, start, hasEnded);
  }

  settle(ending: Ending): void {
    this.#output?.flush();
    this.#isTold = true;
    this.#remote?.end();
    this.#owner.ended(this, ending);
  }

  /** This worker is done with it. */
  leave(): void {
    this.hasLeft = true;
    this.#left?.();
  }

  /** Resolves when this worker is done with it, which it is not yet. */
  leaving(): Promise<void> {
    return new Promise((resolve) => this.#left = resolve);
  }

  get key(): string {
    const { key, name, version, list: { bytes, leaves } } = this.#message;
    if (key !== undefined) return key;
    if (leaves.length > 0) return this.#lateKey ??= lateKey(this.#message);
    // Of an item the bytes may be no key: the order of the keys of an object is in them.
    const args = decodeValue({ bytes, leaves: NO_VALUES }) as unknown[];
    return jobKey(name, version, args).toHex();
  }

  start(fn: UserFunction): void {
    const message = this.#message;
    if (message instanceof RequestedRun || message instanceof ChunkItem) {
      const { values } = message;
      if (values !== undefined) return this.invocation.call(fn, values);
    }
    const { task, importTimeout, list, upstream } = message;
    if (importTimeout !== undefined) {
      this.#owner.send({ type: "imported", task });
    }
    if (this.invocation.settled) return;
    this.invocation.run(fn, {
      list: fromWire(list),
      upstream: upstream.map((value) => fromWire(value)),
    });
  }

  /** How many bytes of large binary data are among its arguments. */
  get largeBytes(): number {
    if (this.#message instanceof RequestedRun) return 0;
    const { list, upstream } = this.#message;
    let sum = largeBytes(list.leaves);
    for (const { leaves } of upstream) sum += largeBytes(leaves);
    return sum;
  }

  port(): RemoteJobs {
    const { task, list } = this.#message;
    this.hasSpoken = true;
    this.#remote = new RemoteJobs(
      linkTo(
        this.#owner.sender,
        task,
        list.leaves,
        () => this.paused?.(),
      ),
      this.#message,
    );
    if (this.invocation.settled) this.#remote.end();
    return this.#remote;
  }

  started(): void {
    if (!this.#message.timed) return;
    this.hasSpoken = true;
    this.#owner.send({ type: "started", task: this.task });
  }

  report(event: TaskEvent): void {
    this.hasSpoken = true;
    if (event.type === "console") {
      (this.#output ??= new Output((line) => this.#print(line))).add(
        event.line,
      );
    } else if (!this.invocation.settled) {
      this.#owner.report({ type: "event", task: this.task, event });
    }
  }

  #print(line: ConsoleLine): void {
    const { task, name } = this.#message;
    this.#owner.report(
      this.#isTold
        // The outcome is settled, but what is printed is not lost.
        ? { type: "warning", line, name }
        : { type: "event", task, event: { type: "console", line } },
    );
  }

  goesOn(fn: UserFunction): void {
    this.#owner.goesOn(fn);
  }

  memoryChanged(): void {
    this.#owner.memoryChanged();
  }

  damage(): Error | undefined {
    return areIntact() ? undefined : damageBy(`${this.name} ${this.version}`);
  }

  stopReason(): "cancelled" | "timed out" | undefined {
    if (this.#flags === undefined) return undefined;
    switch (Atomics.load(this.#flags, this.#message.flag)) {
      case Flag.CANCELLED:
        return "cancelled";
      case Flag.TIMED_OUT:
        return "timed out";
    }
  }
}

/** How many bytes of large binary data there are: what was transferred leaves nothing behind. */
export function largeBytes(leaves: readonly (WireLeaf | Leaf)[]): number {
  let sum = 0;
  for (let i = 0; i < leaves.length; i++) {
    const leaf = leaves[i]!;
    if (leaf instanceof TransferredLeaf) continue;
    // That is not the job's own.
    if ("view" in leaf || "memory" in leaf) continue;
    if ("shared" in leaf) sum += leaf.shared.byteLength;
    else sum += "bytes" in leaf ? leaf.bytes.byteLength : leaf.byteLength;
  }
  return sum;
}

const NO_VALUES: readonly never[] = [];
