/**
 * Tasks on their way to a worker through shared memory: those of one function
 * whose arguments are a few bytes, in batches. What the function is the worker
 * was told in a message, once.
 *
 * One side writes, the other reads. A batch has its length, the number of its
 * function, how many Tasks there are, and behind which Task it comes; of each Task its number, its flag, and
 * where its arguments end, with one bit for whether the contribution is wanted; then the arguments.
 *
 * @module
 */

import type { SmallValue } from "../value/small.ts";
import { Ring, ringMemory } from "./ring.ts";

/** How much memory there is, in bytes. */
const CAPACITY = 131_072;

/** What a batch begins with, in cells of four bytes. */
const HEAD = 4;

/** How many cells a Task has. */
const CELLS = 3;

/** A Task that can travel so. */
export interface Request {
  /** Its number in its worker. */
  readonly sent: number;
  /** The cell of its flag. */
  readonly flag: number;
  /** Whether its contribution is wanted. */
  readonly digest: boolean;
}

/** The Task behind which a batch comes, whose slot it gets. */
export interface Turn {
  /** The number of that Task. */
  readonly after: number;
  /** Whether it gets the slot also if that Task gives it up to wait for its jobs. */
  readonly onPause: boolean;
}

/** Memory for Tasks, to be shared. */
export function requestMemory(): SharedArrayBuffer {
  return ringMemory(CAPACITY);
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

  /** The number of the Task behind which it comes; 0 if its turn is now. */
  get after(): number {
    return this.#cells[3]! >>> 1;
  }

  /** Whether its turn comes also if that Task waits. */
  get onPause(): boolean {
    return (this.#cells[3]! & 1) === 1;
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
  readonly #ring: Ring;

  /** Looks at memory that {@linkcode requestMemory} has made. */
  constructor(memory: SharedArrayBuffer) {
    this.#ring = new Ring(memory);
  }

  /** Writes a batch, unless there is no room for it now; whether it did. Its turn is now if nothing is said of that. */
  write(
    fn: number,
    tasks: readonly Request[],
    lists: readonly SmallValue[],
    turn?: Turn,
  ): boolean {
    let bytes = 4 * (HEAD + CELLS * tasks.length);
    const first = bytes;
    for (let i = 0; i < tasks.length; i++) bytes += lists[i]!.text.length;
    const size = (bytes + 7) & ~7;
    const at = this.#ring.reserve(size);
    if (at === undefined) return false;
    const { cells, bytes: memory } = this.#ring;
    let cell = at / 4;
    cells[cell++] = size;
    cells[cell++] = fn;
    cells[cell++] = tasks.length;
    cells[cell++] = turn === undefined
      ? 0
      : turn.after << 1 | (turn.onPause ? 1 : 0);
    const start = at + first;
    let end = 0;
    for (let i = 0; i < tasks.length; i++) {
      const { sent, flag, digest } = tasks[i]!;
      const { text } = lists[i]!;
      for (let k = 0; k < text.length; k++) {
        memory[start + end++] = text.charCodeAt(k);
      }
      cells[cell++] = sent;
      cells[cell++] = flag;
      cells[cell++] = end << 1 | (digest ? 1 : 0);
    }
    this.#ring.commit();
    return true;
  }

  /** Takes the next batch, if there is one. */
  read(): RequestBatch | undefined {
    const at = this.#ring.next();
    if (at === undefined) return undefined;
    const size = this.#ring.cells[at / 4]!;
    const memory = new ArrayBuffer(size);
    new Uint8Array(memory).set(this.#ring.bytes.subarray(at, at + size));
    this.#ring.release(size);
    return new RequestBatch(memory);
  }
}
