/**
 * Memory that two threads share, in which one writes records and the other reads
 * them, round and round. Each record is whole: where one would go over the end of the
 * memory, it begins at the start.
 *
 * @module
 */

// Kept before the code of jobs can replace them.
const { load, notify, store, wait, waitAsync } = Atomics;

/** Where the records begin; before them are the two positions. */
const START = 64;

/** Counts the bytes that were written, modulo 2 ** 32. */
const WRITTEN = 0;
/** Counts the bytes that were read; far from the other, which another thread changes. */
const READ = 8;

/** In place of a record, which begins with its length: nothing is here up to the end. */
const GAP = -1;

/** Memory for so many bytes of records, a power of two, to be shared. */
export function ringMemory(capacity: number): SharedArrayBuffer {
  return new SharedArrayBuffer(START + capacity);
}

/** The records, seen by one of the two sides. A record begins with its length, in four bytes, and at a multiple of four. */
export class Ring {
  /** All records, in bytes. */
  readonly bytes: Uint8Array;
  /** The same in cells of four bytes. */
  readonly cells: Int32Array;
  /** The same in doubles, of eight bytes. */
  readonly doubles: Float64Array;
  readonly #positions: Int32Array<SharedArrayBuffer>;
  readonly #capacity: number;
  /** How far this side has written, or read; what the other side sees of the latter may be less. */
  #own = 0;
  /** How far the other side has read, or written, when this one last looked. */
  #other = 0;
  /** The position behind the record that is being written, or before the one that is being read. */
  #position = 0;
  /** How far the other side was told that this one has read. */
  #told = 0;

  /** Looks at memory that {@linkcode ringMemory} has made. */
  constructor(memory: SharedArrayBuffer) {
    this.#positions = new Int32Array(memory, 0, START / 4);
    this.bytes = new Uint8Array(memory, START);
    this.cells = new Int32Array(memory, START);
    this.doubles = new Float64Array(memory, START);
    this.#capacity = this.bytes.length;
  }

  /** Where a record of so many bytes is to be written; `undefined` if there is no room for it now. */
  reserve(size: number): number | undefined {
    let written = this.#own;
    let at = written & (this.#capacity - 1);
    const left = this.#capacity - at;
    const needed = left < size ? left + size : size;
    if (this.#room < needed) {
      this.#other = load(this.#positions, READ);
      if (this.#room < needed) return undefined;
    }
    if (left < size) {
      this.cells[at / 4] = GAP;
      written += left;
      at = 0;
    }
    this.#position = written + size | 0;
    return at;
  }

  get #room(): number {
    return this.#capacity - (this.#own - this.#other | 0);
  }

  /** The record is written: it can be read from now on. */
  commit(): void {
    this.#own = this.#position;
    store(this.#positions, WRITTEN, this.#own);
  }

  /** Where the next record is; `undefined` if there is none. */
  next(): number | undefined {
    const read = this.#own;
    if (read === this.#other) {
      this.#tell();
      this.#other = load(this.#positions, WRITTEN);
      if (read === this.#other) return undefined;
    }
    const at = read & (this.#capacity - 1);
    const isGap = this.cells[at / 4] === GAP;
    this.#position = isGap ? read + this.#capacity - at : read;
    return isGap ? 0 : at;
  }

  /** The record of so many bytes has been read: there may be another in its place. */
  release(size: number): void {
    this.#own = this.#position + size | 0;
    // Each time would take as long as to read a short record.
    if ((this.#own - this.#told | 0) > this.#capacity / 8) this.#tell();
  }

  /** Tells the other side how far this one has read. */
  #tell(): void {
    if (this.#told === this.#own) return;
    this.#told = this.#own;
    store(this.#positions, READ, this.#own);
  }

  /** Wakes the other side if it waits for a record. */
  wake(): void {
    notify(this.#positions, WRITTEN);
  }

  /** Blocks this thread until there is a record, for `time` ms at most; whether there is one. */
  block(time: number): boolean {
    wait(this.#positions, WRITTEN, this.#own, time);
    return load(this.#positions, WRITTEN) !== this.#own;
  }

  /**
   * Resolves when there is a record, in a turn of the event loop of its own: whatever
   * else is to be done comes in between. Does not keep the event loop going by itself.
   */
  async filled(): Promise<void> {
    // Resolves when something else is written there.
    const filled = waitAsync(this.#positions, WRITTEN, this.#own);
    if (filled.async) await filled.value;
    else await this.turn();
  }

  /** Resolves in the next turn of the event loop, whether there is a record or not. */
  async turn(): Promise<void> {
    let turn: ReturnType<typeof waitAsync>;
    do {
      const written = load(this.#positions, WRITTEN);
      turn = waitAsync(this.#positions, WRITTEN, written);
    } while (!turn.async);
    this.wake();
    await turn.value;
  }
}
