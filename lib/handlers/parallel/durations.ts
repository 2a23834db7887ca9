/**
 * How long functions take.
 *
 * @module
 */

import type { CodeReference } from "../../task.ts";

/** Remembers of each function how long it takes: a longer time at once, a shorter one by and by. */
export class Durations {
  readonly #known = new WeakMap<CodeReference, number>();

  /** Takes note of a call that took `duration` ms. */
  learn(code: CodeReference, duration: number): void {
    const before = this.#known.get(code) ?? 0;
    const now = duration > before ? duration : (3 * before + duration) / 4;
    this.#known.set(code, now);
  }

  /** How many calls take `time` ms at most; none of a function that is not known. */
  callsIn(time: number, code: CodeReference): number {
    const duration = this.#known.get(code) ?? Infinity;
    return Math.floor(time / Math.max(duration, Number.EPSILON));
  }
}
