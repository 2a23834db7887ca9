/**
 * A counter in a file that goes on while its process lives, also while the event
 * loop is blocked: a small web worker counts. It does not hold the program, and
 * ends by itself when no lease is held.
 *
 * @module
 */

import { canUnref, setRef } from "../worker_ref.ts";

/** How often it counts, in ms. */
export const HEARTBEAT_MS = 2_000;

/** What stands in the cell that is shared with the worker: how many leases are held, or that it has ended. */
const ENDED = -1;

/** What the worker is told. */
interface Orders {
  readonly path: string;
  readonly head: string;
  readonly start: number;
  readonly period: number;
  readonly cell: Int32Array;
}

/** The heartbeat in one file, whose first line is its head. */
export class Heartbeat {
  readonly #path: string;
  readonly #head: string;
  readonly #cell = new Int32Array(new SharedArrayBuffer(4)).fill(ENDED);
  #worker: Worker | undefined;
  #starts = 0;

  constructor(path: string, head: string) {
    this.#path = path;
    this.#head = head;
  }

  /** Counts while one lease more is held. */
  hold(): void {
    if (Atomics.add(this.#cell, 0, 1) !== ENDED) return;
    Atomics.store(this.#cell, 0, 1);
    this.#start();
  }

  /** One lease less is held. */
  letGo(): void {
    Atomics.sub(this.#cell, 0, 1);
  }

  /** Ends at once. */
  stop(): void {
    this.#worker?.terminate();
    this.#worker = undefined;
    Atomics.store(this.#cell, 0, ENDED);
  }

  #start(): void {
    this.#worker?.terminate();
    this.#worker = undefined;
    const start = ++this.#starts;
    // In this turn, as somebody may have seen the file unchanged for hours.
    writeBeat(this.#path, this.#head, start, 0);
    // One that holds the program is worse than none: then a blocked program may lose its leases.
    if (!canUnref) return;
    const source =
      `onmessage = ({ data }) => (${beat})(data, ${writeBeat}, close)`;
    try {
      // Its text, so that no permission to read or import a module is needed.
      const worker = new Worker(
        `data:text/javascript,${encodeURIComponent(source)}`,
        { type: "module", name: "hither heartbeat" },
      );
      setRef(worker, false);
      worker.addEventListener("error", (event) => event.preventDefault());
      const orders: Orders = {
        path: this.#path,
        head: this.#head,
        start,
        period: HEARTBEAT_MS,
        cell: this.#cell,
      };
      worker.postMessage(orders);
      this.#worker = worker;
    } catch {
      // No worker can be had here: the same.
    }
  }
}

/** Runs in the worker, as text: it can name nothing of this module. */
function beat(
  { path, head, start, period, cell }: Orders,
  write: typeof writeBeat,
  close: () => void,
): void {
  let count = 0;
  setInterval(() => {
    // -1 says that it has ended, in one step with seeing that no lease is held.
    if (Atomics.compareExchange(cell, 0, 0, -1) === 0) return close();
    write(path, head, start, ++count);
  }, period);
}

/** Writes over what is there; a file that somebody has removed is not made again. */
function writeBeat(
  path: string,
  head: string,
  start: number,
  count: number,
): void {
  try {
    Deno.writeTextFileSync(path, `${head}\n${start}.${count}\n`, {
      create: false,
    });
  } catch {
    // Perhaps the disk is full for the moment.
  }
}
