/**
 * Short messages on their way from one thread of a process to the other, through
 * memory that both see: a message of the runtime takes several times as long.
 *
 * One side writes, the other reads. A record has its length and its bytes.
 *
 * @module
 */

/** How much memory there is, in bytes; a power of two. */
const CAPACITY = 65_536;

/** Bytes of a length; records begin at multiples of it. */
const LENGTH = 4;

/** Where the records begin; before them are the two positions. */
const START = 64;

/** Counts the bytes that were written, modulo 2 ** 32. */
const WRITTEN = 0;
/** Counts the bytes that were read; far from the other, which another thread changes. */
const READ = 8;

/** In place of a length: nothing is here up to the end of the memory. */
const NONE = -1;

/** Memory for messages, to be shared. */
export function inboxMemory(): SharedArrayBuffer {
  return new SharedArrayBuffer(START + CAPACITY);
}

/** The messages, seen by one of the two sides. */
export class Inbox {
  readonly #positions: Int32Array<SharedArrayBuffer>;
  readonly #lengths: Int32Array;
  readonly #bytes: Uint8Array;

  /** Looks at memory that {@linkcode inboxMemory} has made. */
  constructor(memory: SharedArrayBuffer) {
    this.#positions = new Int32Array(memory, 0, START / 4);
    this.#lengths = new Int32Array(memory, START);
    this.#bytes = new Uint8Array(memory, START);
  }

  /** Writes a message, unless there is no room for it now; whether it did. */
  write(bytes: Uint8Array): boolean {
    const size = (LENGTH + bytes.length + LENGTH - 1) & -LENGTH;
    let written = Atomics.load(this.#positions, WRITTEN);
    const free = CAPACITY - (written - Atomics.load(this.#positions, READ) | 0);
    let at = written & (CAPACITY - 1);
    const left = CAPACITY - at;
    if (free < (left < size ? left + size : size)) return false;
    if (left < size) {
      this.#lengths[at / LENGTH] = NONE;
      written = written + left | 0;
      at = 0;
    }
    this.#lengths[at / LENGTH] = bytes.length;
    this.#bytes.set(bytes, at + LENGTH);
    Atomics.store(this.#positions, WRITTEN, written + size | 0);
    Atomics.notify(this.#positions, WRITTEN);
    return true;
  }

  /** Gives each message to `receive`, in a buffer of its own; does not keep the event loop going by itself. */
  async read(
    receive: (bytes: Uint8Array<ArrayBuffer>) => void,
  ): Promise<never> {
    while (true) {
      const read = Atomics.load(this.#positions, READ);
      // Resolves when something else is written there.
      await Atomics.waitAsync(this.#positions, WRITTEN, read).value;
      for (let it = this.#take(); it !== undefined; it = this.#take()) {
        receive(it);
      }
    }
  }

  #take(): Uint8Array<ArrayBuffer> | undefined {
    const written = Atomics.load(this.#positions, WRITTEN);
    let read = Atomics.load(this.#positions, READ);
    if (read === written) return undefined;
    let at = read & (CAPACITY - 1);
    if (this.#lengths[at / LENGTH] === NONE) {
      read = read + CAPACITY - at | 0;
      at = 0;
    }
    const length = this.#lengths[at / LENGTH]!;
    const bytes = new Uint8Array(length);
    bytes.set(this.#bytes.subarray(at + LENGTH, at + LENGTH + length));
    const size = (LENGTH + length + LENGTH - 1) & -LENGTH;
    Atomics.store(this.#positions, READ, read + size | 0);
    return bytes;
  }
}
