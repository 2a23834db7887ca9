/**
 * How two threads tell each other that there is something new in the memory that
 * they share. It takes two thirds of the time of a message, and nothing at all
 * while the other one is awake.
 *
 * @module
 */

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
    Atomics.add(this.#cells, this.#cell, 1);
    Atomics.notify(this.#cells, this.#cell);
  }

  /**
   * Calls `heard` at once, and then soon after the bell was rung: in a turn of the
   * event loop of its own, so that whatever else is to be done comes in between.
   * Does not keep the program from ending.
   */
  listen(heard: () => void): void {
    if (this.#isClosed) return;
    const before = Atomics.load(this.#cells, this.#cell);
    heard();
    let rung = Atomics.waitAsync(this.#cells, this.#cell, before);
    if (!rung.async) {
      do {
        const now = Atomics.load(this.#cells, this.#cell);
        rung = Atomics.waitAsync(this.#cells, this.#cell, now);
      } while (!rung.async);
      Atomics.notify(this.#cells, this.#cell);
    }
    rung.value.then(() => this.listen(heard));
  }

  /** Listens no more. */
  close(): void {
    this.#isClosed = true;
    Atomics.notify(this.#cells, this.#cell);
  }
}
