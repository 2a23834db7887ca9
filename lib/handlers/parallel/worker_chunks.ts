/**
 * The items of `hi.map` that one worker has and that are no Tasks of their own.
 *
 * @module
 */

import type { ChunkRun } from "./chunk_run.ts";

/** Finds them by their numbers. */
export class WorkerChunks {
  readonly #runs = new Set<ChunkRun>();
  /** Where the last one was found: the next one is beside it. */
  #last: ChunkRun | undefined;

  /** How many messages with items there are. */
  get size(): number {
    return this.#runs.size;
  }

  /** Adds items that were sent. */
  add(run: ChunkRun): void {
    this.#runs.add(run);
  }

  /** Takes items out. */
  delete(run: ChunkRun): void {
    this.#runs.delete(run);
    this.#last = undefined;
  }

  /** The items with that number. */
  get(chunk: number): ChunkRun | undefined {
    for (const run of this.#runs) if (run.sent === chunk) return run;
    return undefined;
  }

  /** Those among which the item with that number is. */
  runOf(task: number): ChunkRun | undefined {
    if (this.#last?.indexOf(task) !== undefined) return this.#last;
    for (const run of this.#runs) {
      if (run.indexOf(task) !== undefined) return this.#last = run;
    }
    return undefined;
  }

  /** All of them. */
  [Symbol.iterator](): Iterator<ChunkRun> {
    return this.#runs.values();
  }
}
