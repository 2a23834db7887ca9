/**
 * How two threads tell each other that there is something new in the memory that
 * they share. It takes two thirds of the time of a message, and nothing at all
 * while the other one is awake.
 *
 * @module
 */

// Kept before the code of jobs can replace them.
const { add, load, notify, waitAsync } = Atomics;

/** Where the bell is by which the program calls a worker. */
export const WORKER_BELL = 0;

/** Where the bell is by which a worker calls the program; far from the other, which another thread changes. */
export const PROGRAM_BELL = 16;

/** Memory for both bells, to be shared. */
export function bellMemory(): SharedArrayBuffer {
  return new SharedArrayBuffer(2 * PROGRAM_BELL * Int32Array.BYTES_PER_ELEMENT);
}

/** A bell, seen by one of the two sides: one rings, the other listens. */
export class Bell {
  readonly #cells: Int32Array;
  readonly #cell: number;
  #isClosed = false;

  /** Looks at memory that {@linkcode bellMemory} has made. */
  constructor(memory: SharedArrayBuffer, cell: number) {
    this.#cells = new Int32Array(memory);
    this.#cell = cell;
  }

  /** Calls the other side. */
  ring(): void {
    add(this.#cells, this.#cell, 1);
    notify(this.#cells, this.#cell);
  }

  /**
   * Calls `heard` at once, and then soon after the bell was rung: in a turn of the
   * event loop of its own, so that whatever else is to be done comes in between.
   * Does not keep the program from ending.
   */
  listen(heard: () => void): void {
    if (this.#isClosed) return;
    const before = load(this.#cells, this.#cell);
    heard();
    let rung = waitAsync(this.#cells, this.#cell, before);
    if (!rung.async) {
      do {
        const now = load(this.#cells, this.#cell);
        rung = waitAsync(this.#cells, this.#cell, now);
      } while (!rung.async);
      notify(this.#cells, this.#cell);
    }
    this.#listenAgain(rung.value, heard);
  }

  // Unlike `then`, nobody can replace this.
  async #listenAgain(rung: Promise<unknown>, heard: () => void): Promise<void> {
    await rung;
    this.listen(heard);
  }

  /** Listens no more. */
  close(): void {
    this.#isClosed = true;
    notify(this.#cells, this.#cell);
  }
}
