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
import { type SmallResult, SmallValue, textOf } from "../value/small.ts";
import { Ring, ringMemory } from "./ring.ts";

/** How much memory there is, in bytes. */
const CAPACITY = 131_072;

/** Longer ones travel in a message of their own, in bytes. */
const LONGEST = 2_048;

/** What a record begins with, in bytes. */
const HEAD = 32;

/** In place of the length of a value: this is no result, but the end of a chunk of that number. */
const DONE = -1;

/** In place of the length of a value: it is a number, as it is in memory. */
const NUMBER = -2;

/** In place of a length: there is no contribution. */
const ABSENT = -1;

const NO_BYTES = new Uint8Array(0);

/** A result as it has come. */
export class QuickResult {
  task = 0;
  /** `undefined`: the worker has come to the end of the chunk of that number, or takes up its first item. */
  value: SmallResult | undefined;
  /** Whether it takes up the first item of a chunk. */
  begins = false;
  contribution: Uint8Array<ArrayBuffer> | undefined;
  startedAt = 0.5;
  duration = 0.5;
}

/** Memory for results, to be shared. */
export function resultMemory(): SharedArrayBuffer {
  return ringMemory(CAPACITY);
}

/** The results, seen by one of the two sides. */
export class Results {
  readonly #ring: Ring;
  readonly #result = new QuickResult();

  /** Looks at memory that {@linkcode resultMemory} has made. */
  constructor(memory: SharedArrayBuffer) {
    this.#ring = new Ring(memory);
  }

  /** Writes a result without leaves, unless it is too long or there is no room now; whether it did. */
  write(
    task: number,
    value: EncodedValue | number,
    contribution: Uint8Array | undefined,
    startedAt: number,
    duration: number,
  ): boolean {
    if (typeof value === "number") {
      return this.#writeNumber(task, value, startedAt, duration);
    }
    const text = value instanceof SmallValue ? value.text : undefined;
    const bytes = text === undefined ? value.bytes : NO_BYTES;
    const own = text?.length ?? bytes.length;
    const length = own + (contribution?.length ?? 0);
    if (length > LONGEST) return false;
    const size = (HEAD + length + 7) & ~7;
    const at = this.#ring.reserve(size);
    if (at === undefined) return false;
    const { cells, doubles, bytes: memory } = this.#ring;
    const cell = at / 4;
    cells[cell] = size;
    cells[cell + 1] = task;
    doubles[at / 8 + 1] = startedAt;
    doubles[at / 8 + 2] = duration;
    cells[cell + 6] = own;
    cells[cell + 7] = contribution?.length ?? ABSENT;
    if (text === undefined) memory.set(bytes, at + HEAD);
    else {
      for (let i = 0; i < own; i++) {
        memory[at + HEAD + i] = text.charCodeAt(i);
      }
    }
    if (contribution !== undefined) {
      memory.set(contribution, at + HEAD + own);
    }
    this.#ring.commit();
    return true;
  }

  #writeNumber(
    task: number,
    value: number,
    startedAt: number,
    duration: number,
  ): boolean {
    const at = this.#ring.reserve(HEAD + 8);
    if (at === undefined) return false;
    const { cells, doubles } = this.#ring;
    const cell = at / 4;
    cells[cell] = HEAD + 8;
    cells[cell + 1] = task;
    doubles[at / 8 + 1] = startedAt;
    doubles[at / 8 + 2] = duration;
    cells[cell + 6] = NUMBER;
    cells[cell + 7] = ABSENT;
    doubles[(at + HEAD) / 8] = value;
    this.#ring.commit();
    return true;
  }

  /** Writes that a chunk has come to its end, unless there is no room now; whether it did. */
  writeDone(chunk: number): boolean {
    const at = this.#ring.reserve(HEAD);
    if (at === undefined) return false;
    const { cells } = this.#ring;
    const cell = at / 4;
    cells[cell] = HEAD;
    cells[cell + 1] = chunk;
    cells[cell + 6] = DONE;
    cells[cell + 7] = ABSENT;
    this.#ring.commit();
    return true;
  }

  /** Whether there is one to be taken. */
  get hasAny(): boolean {
    return this.#ring.next() !== undefined;
  }

  /** Takes the next result, if there is one; it is the same object each time. */
  read(): QuickResult | undefined {
    const at = this.#ring.next();
    if (at === undefined) return undefined;
    const { cells, doubles, bytes } = this.#ring;
    const cell = at / 4;
    const value = at + HEAD;
    const own = cells[cell + 6]!;
    const end = value + own;
    const more = cells[cell + 7]!;
    const result = this.#result;
    result.task = cells[cell + 1]!;
    result.value = own === DONE
      ? undefined
      : own === NUMBER
      ? doubles[value / 8]!
      : new SmallValue(textOf(bytes, value, end));
    result.contribution = more === ABSENT
      ? undefined
      : this.#copy(end, end + more);
    result.startedAt = doubles[at / 8 + 1]!;
    result.duration = doubles[at / 8 + 2]!;
    this.#ring.release(cells[cell]!);
    return result;
  }

  #copy(start: number, end: number): Uint8Array<ArrayBuffer> {
    const copy = new Uint8Array(end - start);
    for (let i = 0; i < copy.length; i++) {
      copy[i] = this.#ring.bytes[start + i]!;
    }
    return copy;
  }
}
