/**
 * What jobs in a worker print and report, on its way to the program: not more of it
 * at a time than the program can take.
 *
 * @module
 */

import { CONSOLE_LIMIT, type ConsoleLine } from "../task.ts";

/** How many messages may be on their way. A pipe has such a limit by itself. */
const MOST_UNDER_WAY = 1_000;

/** How much text that nobody keeps travels together, in UTF-16 code units. */
const TOGETHER = 16_384;

const UNDER_WAY = 0;

/**
 * Counts in shared memory the messages that a thread has posted and the program has
 * not taken yet: they would take up memory without end while a job prints without end.
 */
export class OutputGate {
  readonly #cells: Int32Array<SharedArrayBuffer>;

  /** The side of one thread; the memory is the other one's too. */
  constructor(
    buffer: SharedArrayBuffer = new SharedArrayBuffer(
      Int32Array.BYTES_PER_ELEMENT,
    ),
  ) {
    this.#cells = new Int32Array(buffer);
  }

  /** The memory to share. */
  get buffer(): SharedArrayBuffer {
    return this.#cells.buffer;
  }

  /** One more is to be posted; waits as long as too many are under way. */
  enter(): void {
    for (
      let now = Atomics.load(this.#cells, UNDER_WAY);
      now >= MOST_UNDER_WAY;
      now = Atomics.load(this.#cells, UNDER_WAY)
    ) Atomics.wait(this.#cells, UNDER_WAY, now);
    Atomics.add(this.#cells, UNDER_WAY, 1);
  }

  /** The program has taken one. */
  leave(): void {
    Atomics.sub(this.#cells, UNDER_WAY, 1);
    Atomics.notify(this.#cells, UNDER_WAY);
  }

  /** Nobody takes any more, and nobody waits for that. */
  open(): void {
    Atomics.store(this.#cells, UNDER_WAY, -(2 ** 30));
    Atomics.notify(this.#cells, UNDER_WAY);
  }
}

/**
 * What one job prints. As long as it is kept, each line goes at once, so that none is
 * lost if the worker dies; what comes after it is only shown, and travels together.
 */
export class Output {
  readonly #send: (line: ConsoleLine) => void;
  #printed = 0;
  #pending: ConsoleLine | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Makes one that passes lines on to `send`. */
  constructor(send: (line: ConsoleLine) => void) {
    this.#send = send;
  }

  /** Takes a line. */
  add(line: ConsoleLine): void {
    this.#printed += line.text.length;
    if (this.#printed <= CONSOLE_LIMIT) return this.#send(line);
    if (this.#pending?.stream !== line.stream) {
      this.flush();
      this.#pending = line;
    } else {
      this.#pending = { ...line, text: this.#pending.text + line.text };
    }
    if (this.#pending.text.length >= TOGETHER) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), 0);
  }

  /** Passes on what still waits. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const pending = this.#pending;
    this.#pending = undefined;
    if (pending !== undefined) this.#send(pending);
  }
}
