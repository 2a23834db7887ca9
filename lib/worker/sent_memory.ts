/**
 * Shared memory that a worker has, as its jobs look at it: what is sent for each view of
 * it, until the program has it no more. A thread gets the memory itself, a process a copy.
 *
 * @module
 */

import { promiseOf } from "../value/in_place.ts";
import { type KeptView, viewReference } from "./kept.ts";
import type { RunMessage, ToWorker, WireLeaf } from "./protocol.ts";
import { wholeOf } from "./task_memory.ts";

/** What a worker keeps. */
export interface SentMemoryOptions {
  /** Whether a part of memory may go alone, as bytes are copied. */
  readonly copies: boolean;
  /** Whether memory stays there for jobs that may come, or only until the next one that has no use for it. */
  readonly keeps: boolean;
}

/** Tells a worker to forget memory: its numbers, and how many bytes that is. */
type Forget = (numbers: readonly number[], bytes: number) => void;

/** What was sent of one promise about a piece of memory. */
interface Sent {
  readonly promise: { readonly isReplaced: boolean };
  /** The number of all of it, and its place in the memory, once that was sent. */
  whole: { readonly number: number; readonly start: number } | undefined;
  /** The numbers of parts, by place and length. */
  readonly parts: Map<string, number>;
  /** How many bytes were sent. */
  bytes: number;
}

/** What a worker has. */
export class SentMemory {
  readonly #options: SentMemoryOptions;
  readonly #forget: Forget;
  readonly #sent = new WeakMap<SharedArrayBuffer, Sent[]>();
  /** What there is, where it is kept for the next job alone. */
  readonly #all = new Set<Sent[]>();
  readonly #registry = new FinalizationRegistry<readonly Sent[]>((all) =>
    this.#gone(all)
  );
  #last = 0;

  /** Calls `forget` when the program has some of it no more. */
  constructor(options: SentMemoryOptions, forget: Forget) {
    this.#options = options;
    this.#forget = forget;
  }

  /** The message as it is sent, for a `Kept`: with what stands for views of shared memory. */
  pack(message: ToWorker): ToWorker {
    const run: RunMessage | undefined = message.type === "run"
      ? message
      : message.type === "batch"
      ? message.last
      : undefined;
    if (!this.#options.keeps) this.#keepOnly(message, run?.list.leaves);
    if (run === undefined || !run.list.leaves.some(isView)) return message;
    const leaves = run.list.leaves.map((leaf) =>
      isView(leaf)
        ? { ...leaf, view: this.#refer(leaf.view) as typeof leaf.view }
        : leaf
    );
    const packed = { ...run, list: { ...run.list, leaves } };
    return message.type === "batch" ? { ...message, last: packed } : packed;
  }

  /** Of one job nothing is left for the next but what that has as well. */
  #keepOnly({ type }: ToWorker, leaves: readonly WireLeaf[] = []): void {
    if (this.#all.size === 0) return;
    if (type !== "run" && type !== "batch" && type !== "chunk") return;
    const wanted = new Set(
      leaves.filter(isView).map(({ view }) => this.#sent.get(view.buffer)),
    );
    for (const all of this.#all) {
      if (wanted.has(all)) continue;
      this.#gone(all);
      all.length = 0;
      this.#all.delete(all);
    }
  }

  #gone(all: readonly Sent[]): void {
    if (all.length === 0) return;
    this.#forget(
      all.flatMap(numbersOf),
      all.reduce((sum, { bytes }) => sum + bytes, 0),
    );
  }

  /**
   * What stands for a view. A part goes alone, until those that went would be more than half of
   * what was shared together: that goes then, and takes their place.
   */
  #refer(view: Uint8Array<SharedArrayBuffer>): object {
    const { buffer, byteOffset, byteLength } = view;
    const gone: number[] = [];
    const sent = this.#sentOf(view, gone);
    const refer = (
      number: number,
      start: number,
      bytes?: Uint8Array<SharedArrayBuffer>,
    ): object => {
      const offset = byteOffset - start;
      const view: KeptView = { number, offset, byteLength, gone };
      return viewReference(bytes === undefined ? view : { ...view, bytes });
    };
    if (sent.whole !== undefined) {
      return refer(sent.whole.number, sent.whole.start);
    }
    const start = byteOffset - byteOffset % 8;
    const place = `${byteOffset} ${byteLength}`;
    const known = sent.parts.get(place);
    if (known !== undefined) return refer(known, start);
    const number = ++this.#last;
    const whole = wholeOf(buffer, byteOffset, byteLength);
    const isPart = sent.bytes + byteLength <= whole.byteLength / 2;
    if (this.#options.copies && isPart) {
      sent.parts.set(place, number);
      sent.bytes += byteLength;
      const end = byteOffset + byteLength;
      return refer(number, start, new Uint8Array(buffer, start, end - start));
    }
    gone.push(...sent.parts.values());
    sent.parts.clear();
    sent.whole = { number, start: whole.byteOffset };
    sent.bytes = whole.byteLength;
    return refer(number, whole.byteOffset, whole);
  }

  /** What was sent of the promise about a view; the numbers of those that it replaces go into `gone`. */
  #sentOf(
    { buffer, byteOffset, byteLength }: Uint8Array<SharedArrayBuffer>,
    gone: number[],
  ): Sent {
    let all = this.#sent.get(buffer);
    if (all === undefined) {
      all = [];
      this.#sent.set(buffer, all);
      this.#registry.register(buffer, all);
    }
    if (!this.#options.keeps) this.#all.add(all);
    for (let i = all.length - 1; i >= 0; i--) {
      if (!all[i]!.promise.isReplaced) continue;
      gone.push(...numbersOf(all[i]!));
      all.splice(i, 1);
    }
    // What is sent somebody has promised.
    const promise = promiseOf(buffer, byteOffset, byteLength)!;
    let sent = all.find((each) => each.promise === promise);
    if (sent === undefined) {
      sent = { promise, whole: undefined, parts: new Map(), bytes: 0 };
      all.push(sent);
    }
    return sent;
  }
}

function isView(
  leaf: WireLeaf,
): leaf is WireLeaf & { readonly view: Uint8Array<SharedArrayBuffer> } {
  return "view" in leaf;
}

function numbersOf({ whole, parts }: Sent): number[] {
  return whole === undefined ? [...parts.values()] : [whole.number];
}
