/**
 * How long functions take.
 *
 * @module
 */

import type { CodeReference } from "../../task.ts";

/** The least that a call may be thought to take, in ms. */
const LEAST = 0.001;

/**
 * Remembers of each function how long it takes. A longer call at most doubles that: it
 * may be that the thread was held up, and a function that has become slow is known
 * after a few calls.
 */
export class Durations {
  readonly #known = new WeakMap<CodeReference, number>();
  #last: CodeReference | undefined;
  #duration = Infinity;

  /** Takes note of so many calls that took `duration` ms each. */
  learn(code: CodeReference, duration: number, count = 1): void {
    if (this.#last !== code) this.#recall(code);
    const before = this.#duration;
    const longest = Math.min(duration, 2 * Math.max(before, LEAST));
    this.#duration = before === Infinity
      ? duration
      : longest > before
      ? longest
      : duration + (before - duration) * 0.75 ** count;
  }

  /** How long a call takes, in ms; `Infinity` if the function is not known. */
  of(code: CodeReference): number {
    if (this.#last !== code) this.#recall(code);
    return this.#duration;
  }

  /** How many calls take `time` ms at most; none of a function that is not known. */
  callsIn(time: number, code: CodeReference): number {
    if (this.#last !== code) this.#recall(code);
    return Math.floor(time / Math.max(this.#duration, LEAST));
  }

  // Most calls are of the function that was called before.
  #recall(code: CodeReference): void {
    if (this.#last !== undefined) this.#known.set(this.#last, this.#duration);
    this.#last = code;
    this.#duration = this.#known.get(code) ?? Infinity;
  }
}
