/**
 * Results on their way to the program through shared memory. A result of a few
 * bytes is written where both sides see it, and a bell is rung for many of them. So
 * none waits for a slow neighbour behind it either: the program may look at any
 * moment, also while the worker computes.
 *
 * One side writes, the other reads. A record has its length, the number of its
 * Task, when the function was called and how long it took, then the lengths of
 * the value and of its contribution, and both of them.
 *
 * @module
 */

import type { EncodedValue } from "../value/encoded.ts";
import { SmallValue, textOf } from "../value/small.ts";

/** How much memory there is, in bytes; a power of two. */
const CAPACITY = 131_072;

/** Longer ones travel in a message of their own, in bytes. */
const LONGEST = 2_048;

/** What a record begins with, in bytes. */
const HEAD = 32;

/** Where the records begin; before them are the two positions. */
const START = 64;

/** Counts the bytes that were written, modulo 2 ** 32. */
const WRITTEN = 0;
/** Counts the bytes that were read; far from the other, which another thread changes. */
const READ = 8;

/** In place of a Task: nothing is here up to the end of the memory. */
const NONE = -1;

/** In place of a length: there is no contribution. */
const ABSENT = 0xffff_ffff;

const NO_BYTES = new Uint8Array(0);

/** A result as it has come. */
export interface QuickResult {
  readonly task: number;
  readonly value: SmallValue;
  readonly contribution: Uint8Array<ArrayBuffer> | undefined;
  readonly startedAt: number;
  readonly duration: number;
}

/** Memory for results, to be shared. */
export function resultMemory(): SharedArrayBuffer {
  return new SharedArrayBuffer(START + CAPACITY);
}

/** The results, seen by one of the two sides. */
export class Results {
  readonly #positions: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;

  /** Looks at memory that {@linkcode resultMemory} has made. */
  constructor(memory: SharedArrayBuffer) {
    this.#positions = new Int32Array(memory, 0, START / 4);
    this.#bytes = new Uint8Array(memory, START);
    this.#view = new DataView(memory, START);
  }

  /** Writes a result without leaves, unless it is too long or there is no room now; whether it did. */
  write(
    task: number,
    value: EncodedValue,
    contribution: Uint8Array | undefined,
    startedAt: number,
    duration: number,
  ): boolean {
    const text = value instanceof SmallValue ? value.text : undefined;
    const bytes = text === undefined ? value.bytes : NO_BYTES;
    const own = text?.length ?? bytes.length;
    const length = own + (contribution?.length ?? 0);
    if (length > LONGEST) return false;
    const size = (HEAD + length + 7) & ~7;
    let written = Atomics.load(this.#positions, WRITTEN);
    const free = CAPACITY - (written - Atomics.load(this.#positions, READ) | 0);
    let at = written & (CAPACITY - 1);
    const left = CAPACITY - at;
    if (free < (left < size ? left + size : size)) return false;
    const view = this.#view;
    if (left < size) {
      view.setInt32(at + 4, NONE);
      written = written + left | 0;
      at = 0;
    }
    view.setUint32(at, size);
    view.setInt32(at + 4, task);
    view.setFloat64(at + 8, startedAt);
    view.setFloat64(at + 16, duration);
    view.setUint32(at + 24, own);
    view.setUint32(at + 28, contribution?.length ?? ABSENT);
    if (text === undefined) this.#bytes.set(bytes, at + HEAD);
    else {
      for (let i = 0; i < own; i++) {
        this.#bytes[at + HEAD + i] = text.charCodeAt(i);
      }
    }
    if (contribution !== undefined) {
      this.#bytes.set(contribution, at + HEAD + own);
    }
    Atomics.store(this.#positions, WRITTEN, written + size | 0);
    return true;
  }

  /** Takes the next result, if there is one. */
  read(): QuickResult | undefined {
    const written = Atomics.load(this.#positions, WRITTEN);
    let read = Atomics.load(this.#positions, READ);
    if (read === written) return undefined;
    const view = this.#view;
    let at = read & (CAPACITY - 1);
    if (view.getInt32(at + 4) === NONE) {
      read = read + CAPACITY - at | 0;
      at = 0;
    }
    const value = at + HEAD;
    const end = value + view.getUint32(at + 24);
    const more = view.getUint32(at + 28);
    const result = {
      task: view.getInt32(at + 4),
      value: new SmallValue(textOf(this.#bytes, value, end)),
      contribution: more === ABSENT ? undefined : this.#copy(end, end + more),
      startedAt: view.getFloat64(at + 8),
      duration: view.getFloat64(at + 16),
    };
    Atomics.store(this.#positions, READ, read + view.getUint32(at) | 0);
    return result;
  }

  #copy(start: number, end: number): Uint8Array<ArrayBuffer> {
    const copy = new Uint8Array(end - start);
    for (let i = 0; i < copy.length; i++) copy[i] = this.#bytes[start + i]!;
    return copy;
  }
}
