/**
 * Tasks on their way to a worker through shared memory: those of one function
 * whose arguments are a few bytes, in batches. What the function is the worker
 * was told in a message, once.
 *
 * One side writes, the other reads. A batch has its length, the number of its
 * function, and how many Tasks there are; of each Task its number, its flag, and
 * where its arguments end, with one bit for whether the contribution is wanted; then the arguments.
 *
 * @module
 */

import type { SmallValue } from "../value/small.ts";

/** How much memory there is, in bytes; a power of two. */
const CAPACITY = 131_072;

/** What a batch begins with, in cells of four bytes. */
const HEAD = 3;

/** How many cells a Task has. */
const CELLS = 3;

/** Where the batches begin, in bytes; before them are the two positions. */
const START = 64;

/** Counts the bytes that were written, modulo 2 ** 32. */
const WRITTEN = 0;
/** Counts the bytes that were read; far from the other, which another thread changes. */
const READ = 8;

/** In place of a function: nothing is here up to the end of the memory. */
const NONE = -1;

/** A Task that can travel so. */
export interface Request {
  /** Its number in its worker. */
  readonly sent: number;
  /** The cell of its flag. */
  readonly flag: number;
  /** Whether its contribution is wanted. */
  readonly digest: boolean;
}

/** Memory for Tasks, to be shared. */
export function requestMemory(): SharedArrayBuffer {
  return new SharedArrayBuffer(START + CAPACITY);
}

/** The Tasks of one batch, as they have come. */
export class RequestBatch {
  readonly #cells: Int32Array;
  /** The arguments of all of them. */
  readonly bytes: Uint8Array<ArrayBuffer>;

  constructor(memory: ArrayBuffer) {
    this.#cells = new Int32Array(memory);
    const tasks = HEAD + CELLS * this.length;
    this.bytes = new Uint8Array(memory, tasks * Int32Array.BYTES_PER_ELEMENT);
  }

  /** The number of their function. */
  get fn(): number {
    return this.#cells[1]!;
  }

  /** How many there are. */
  get length(): number {
    return this.#cells[2]!;
  }

  /** The number of a Task. */
  task(index: number): number {
    return this.#cells[HEAD + CELLS * index]!;
  }

  /** The cell of its flag. */
  flag(index: number): number {
    return this.#cells[HEAD + CELLS * index + 1]!;
  }

  /** Whether its contribution is wanted. */
  digest(index: number): boolean {
    return (this.#cells[HEAD + CELLS * index + 2]! & 1) === 1;
  }

  /** Where its arguments begin in `bytes`. */
  start(index: number): number {
    return index === 0 ? 0 : this.end(index - 1);
  }

  /** Where its arguments end in `bytes`. */
  end(index: number): number {
    return this.#cells[HEAD + CELLS * index + 2]! >> 1;
  }
}

/** The Tasks on their way, seen by one of the two sides. */
export class Requests {
  readonly #positions: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #cells: Int32Array;

  /** Looks at memory that {@linkcode requestMemory} has made. */
  constructor(memory: SharedArrayBuffer) {
    this.#positions = new Int32Array(memory, 0, START / 4);
    this.#bytes = new Uint8Array(memory, START);
    this.#cells = new Int32Array(memory, START);
  }

  /** Writes a batch, unless there is no room for it now; whether it did. */
  write(
    fn: number,
    tasks: readonly Request[],
    lists: readonly SmallValue[],
  ): boolean {
    let bytes = 4 * (HEAD + CELLS * tasks.length);
    const first = bytes;
    for (let i = 0; i < tasks.length; i++) bytes += lists[i]!.text.length;
    const size = (bytes + 7) & ~7;
    let written = Atomics.load(this.#positions, WRITTEN);
    const free = CAPACITY - (written - Atomics.load(this.#positions, READ) | 0);
    let at = written & (CAPACITY - 1);
    const left = CAPACITY - at;
    if (free < (left < size ? left + size : size)) return false;
    const cells = this.#cells;
    if (left < size) {
      cells[at / 4 + 1] = NONE;
      written = written + left | 0;
      at = 0;
    }
    let cell = at / 4;
    cells[cell++] = size;
    cells[cell++] = fn;
    cells[cell++] = tasks.length;
    const start = at + first;
    let end = 0;
    for (let i = 0; i < tasks.length; i++) {
      const { sent, flag, digest } = tasks[i]!;
      const { text } = lists[i]!;
      for (let k = 0; k < text.length; k++) {
        this.#bytes[start + end++] = text.charCodeAt(k);
      }
      cells[cell++] = sent;
      cells[cell++] = flag;
      cells[cell++] = end << 1 | (digest ? 1 : 0);
    }
    Atomics.store(this.#positions, WRITTEN, written + size | 0);
    return true;
  }

  /** Takes the next batch, if there is one. */
  read(): RequestBatch | undefined {
    const written = Atomics.load(this.#positions, WRITTEN);
    let read = Atomics.load(this.#positions, READ);
    if (read === written) return undefined;
    let at = read & (CAPACITY - 1);
    if (this.#cells[at / 4 + 1] === NONE) {
      read = read + CAPACITY - at | 0;
      at = 0;
    }
    const size = this.#cells[at / 4]!;
    const memory = new ArrayBuffer(size);
    new Uint8Array(memory).set(this.#bytes.subarray(at, at + size));
    Atomics.store(this.#positions, READ, read + size | 0);
    return new RequestBatch(memory);
  }
}
