/**
 * Long work in steps: it can be ended, tells how far it is, and lets the
 * program do other things in between.
 *
 * @module
 */

import type { WorkOptions } from "./report.ts";

/** How long others wait at most, in ms. */
const SLICE_MS = 20;

/** One piece of long work. */
export class Work {
  readonly #options: WorkOptions;
  readonly #steps: number;
  #done = 0;
  #paused = performance.now();

  /** @param steps How many there will be, as far as that is known. */
  constructor(options: WorkOptions, steps: number) {
    options.signal?.throwIfAborted();
    this.#options = options;
    this.#steps = Math.max(steps, 1);
  }

  /**
   * Counts a step as done.
   *
   * @throws the reason of the signal, if that is aborted.
   */
  async step(): Promise<void> {
    this.#options.signal?.throwIfAborted();
    this.#done++;
    const now = performance.now();
    if (now - this.#paused < SLICE_MS) return;
    this.#options.onProgress?.(Math.min(this.#done / this.#steps, 1));
    await new Promise<void>((resolve) => setTimeout(resolve));
    this.#paused = performance.now();
  }

  /** Tells that all is done. */
  finish(): void {
    this.#options.onProgress?.(1);
  }
}
