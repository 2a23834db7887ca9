/**
 * Chunks on their way to a worker through shared memory: what is many calls of one
 * function, and needs no message. What the function is the worker was told in one, once.
 *
 * One side writes, the other reads. A chunk has its length, the number of its function,
 * its own number, that of the one before it, its flag, whether each item is measured, how
 * many there are and where the arguments of each end; then the arguments.
 *
 * @module
 */

import { Ring, ringMemory } from "./ring.ts";

/** How much memory there is, in bytes. */
const CAPACITY = 131_072;

/** What a chunk begins with, in cells of four bytes. */
const HEAD = 7;

/** A chunk as it travels. */
export interface ChunkRequest {
  /** The number of its function. */
  readonly fn: number;
  readonly chunk: number;
  /** The chunk whose turn comes before, if that is still here. */
  readonly after: number | undefined;
  /** The cell of the flag. */
  readonly flag: number;
  /** As in `ChunkMessage`. */
  readonly measured: boolean;
  /** Where the argument list of each item ends in `bytes`. */
  readonly ends: Uint32Array<ArrayBuffer>;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Memory for chunks, to be shared. */
export function chunkMemory(): SharedArrayBuffer {
  return ringMemory(CAPACITY);
}

/** The chunks on their way, seen by one of the two sides. */
export class ChunkRequests {
  readonly #ring: Ring;

  /** Looks at memory that {@linkcode chunkMemory} has made. */
  constructor(memory: SharedArrayBuffer) {
    this.#ring = new Ring(memory);
  }

  /** Writes a chunk, unless there is no room for it now; whether it did. */
  write(
    { fn, chunk, after, flag, measured, ends, bytes }: ChunkRequest,
  ): boolean {
    const head = 4 * (HEAD + ends.length);
    const size = (head + bytes.length + 3) & ~3;
    const at = this.#ring.reserve(size);
    if (at === undefined) return false;
    const { cells, bytes: memory } = this.#ring;
    const cell = at / 4;
    cells[cell] = size;
    cells[cell + 1] = fn;
    cells[cell + 2] = chunk;
    cells[cell + 3] = after ?? 0;
    cells[cell + 4] = flag;
    cells[cell + 5] = measured ? 1 : 0;
    cells[cell + 6] = ends.length;
    cells.set(ends, cell + HEAD);
    memory.set(bytes, at + head);
    this.#ring.commit();
    return true;
  }

  /** Takes the next chunk, if there is one. */
  read(): ChunkRequest | undefined {
    const at = this.#ring.next();
    if (at === undefined) return undefined;
    const { cells, bytes: memory } = this.#ring;
    const cell = at / 4;
    const size = cells[cell]!;
    const count = cells[cell + 6]!;
    const ends = new Uint32Array(count);
    ends.set(cells.subarray(cell + HEAD, cell + HEAD + count));
    const bytes = new Uint8Array(count === 0 ? 0 : ends[count - 1]!);
    const start = at + 4 * (HEAD + count);
    bytes.set(memory.subarray(start, start + bytes.length));
    const after = cells[cell + 3]!;
    const request = {
      fn: cells[cell + 1]!,
      chunk: cells[cell + 2]!,
      after: after === 0 ? undefined : after,
      flag: cells[cell + 4]!,
      measured: cells[cell + 5] === 1,
      ends,
      bytes,
    };
    this.#ring.release(size);
    return request;
  }
}
