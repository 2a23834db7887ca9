/**
 * Short messages on their way from one thread of a process to the other, through
 * memory that both see: a message of the runtime takes several times as long.
 *
 * One side writes, the other reads. A record has its length and its bytes.
 *
 * @module
 */

import { Ring, ringMemory } from "./ring.ts";

/** How much memory there is, in bytes. */
const CAPACITY = 65_536;

/** How long the event loop may be kept waiting for the next message, in ms. */
const STAY = 1;

/** What is written to call the reader: no message is so short. */
const NOTHING = new Uint8Array();

/** Bytes of a length. */
const LENGTH = 4;

/** Memory for messages, to be shared. */
export function inboxMemory(): SharedArrayBuffer {
  return ringMemory(CAPACITY);
}

/** The messages, seen by one of the two sides. */
export class Inbox {
  readonly #ring: Ring;
  /** Takes the next message, if there is one. */
  #takeNext: () => "message" | "call" | "nothing" = () => "nothing";

  /** Looks at memory that {@linkcode inboxMemory} has made. */
  constructor(memory: SharedArrayBuffer) {
    this.#ring = new Ring(memory);
  }

  /** Writes a message, unless there is no room for it now; whether it did. */
  write(message: Uint8Array): boolean {
    const { cells, bytes } = this.#ring;
    const at = this.#ring.reserve(sizeOf(message.length));
    if (at === undefined) return false;
    cells[at / 4] = message.length;
    bytes.set(message, at + LENGTH);
    this.#ring.commit();
    this.#ring.wake();
    return true;
  }

  /** Tells the reader that something has come in another way: it goes back to its event loop. */
  call(): void {
    // Without room it has enough to read.
    this.write(NOTHING);
  }

  /**
   * Gives to `receive` what `decode` makes of each message, whose bytes it must not
   * keep; does not keep the event loop going by itself. As long as `isIdle` says that
   * nothing else is to be done, it waits for the next message with the whole thread:
   * to go back to the event loop takes as long as a short job. That has a turn after
   * each {@linkcode STAY}.
   */
  async read<T extends object>(
    decode: (bytes: Uint8Array, start: number, end: number) => T,
    receive: (message: T) => void,
    isIdle: () => boolean,
  ): Promise<never> {
    const ring = this.#ring;
    this.#takeNext = () => {
      const at = ring.next();
      if (at === undefined) return "nothing";
      const length = ring.cells[at / 4]!;
      const start = at + LENGTH;
      const message = length === 0
        ? undefined
        : decode(ring.bytes, start, start + length);
      ring.release(sizeOf(length));
      if (message === undefined) return "call";
      receive(message);
      return "message";
    };
    let cameSome = false;
    while (true) {
      // One message is soon followed by another.
      if (cameSome && isIdle()) await ring.turn();
      else await ring.filled();
      cameSome = false;
      const end = performance.now() + STAY;
      let left = STAY;
      let isCalled = false;
      do {
        for (
          let taken = this.#takeNext();
          taken !== "nothing";
          taken = this.#takeNext()
        ) {
          if (taken === "call") isCalled = true;
          else cameSome = true;
          // What that has left to be done at once comes first.
          await undefined;
          left = end - performance.now();
          if (left <= 0) break;
        }
      } while (left > 0 && !isCalled && isIdle() && ring.block(left));
    }
  }

  /** Takes all that has come, if somebody reads. */
  takeAll(): void {
    while (this.#takeNext() !== "nothing");
  }
}

/** How much a message takes, in bytes: the next one begins at a multiple of four. */
function sizeOf(length: number): number {
  return (LENGTH + length + 3) & ~3;
}
