/**
 * Shared memory that a process has a copy of, as its jobs look at it: what goes through
 * the pipe for each view of it, until the program has it no more.
 *
 * @module
 */

import { promiseOf } from "../value/share.ts";
import type { KeptView } from "./kept.ts";
import { wholeOf } from "./task_memory.ts";

/** Tells a process to forget memory: its numbers, and how many bytes that is. */
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

/** What a process has. */
export class SentMemory {
  readonly #sent = new WeakMap<SharedArrayBuffer, Sent[]>();
  readonly #registry: FinalizationRegistry<readonly Sent[]>;
  #last = 0;

  /** Calls `forget` when the program has some of it no more. */
  constructor(forget: Forget) {
    this.#registry = new FinalizationRegistry((all) => {
      forget(
        all.flatMap(numbersOf),
        all.reduce((sum, { bytes }) => sum + bytes, 0),
      );
    });
  }

  /**
   * What stands for a view. A part goes alone, until those that went would be more than all
   * of what was shared together: that goes then, and takes their place.
   */
  refer(view: Uint8Array<SharedArrayBuffer>): KeptView {
    const { buffer, byteOffset, byteLength } = view;
    const gone: number[] = [];
    const sent = this.#sentOf(view, gone);
    if (sent.whole !== undefined) {
      const { number, start } = sent.whole;
      return { number, offset: byteOffset - start, byteLength, gone };
    }
    const all = wholeOf(buffer, byteOffset, byteLength);
    const from = byteOffset - byteOffset % 8;
    const offset = byteOffset - from;
    const place = `${byteOffset} ${byteLength}`;
    const known = sent.parts.get(place);
    if (known !== undefined) {
      return { number: known, offset, byteLength, gone };
    }
    const number = ++this.#last;
    if (sent.bytes + byteLength > all.byteLength / 2) {
      gone.push(...sent.parts.values());
      sent.parts.clear();
      sent.whole = { number, start: all.byteOffset };
      sent.bytes = all.byteLength;
      const offset = byteOffset - all.byteOffset;
      return { number, offset, byteLength, gone, bytes: all };
    }
    sent.parts.set(place, number);
    sent.bytes += byteLength;
    const bytes = new Uint8Array(buffer, from, offset + byteLength);
    return { number, offset, byteLength, gone, bytes };
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

function numbersOf({ whole, parts }: Sent): number[] {
  return whole === undefined ? [...parts.values()] : [whole.number];
}
