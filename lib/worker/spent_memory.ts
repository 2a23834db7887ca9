/**
 * Gives the memory of large arguments and results back as soon as their job has
 * ended. V8 knows that binary data is large but not that it is needed again at
 * once: left alone, a worker keeps some four or five spent copies of an argument.
 *
 * @module
 */

import { collector } from "../garbage.ts";

/** So much must have been spent before it is looked for, in bytes. */
const LEAST = 33_554_432;

/** How many times as much as there is in objects, which all have to be looked at. */
const WORTH = 2;

/** Counts what the jobs of a worker have spent, and looks for it when that is much. */
export class SpentMemory {
  #spent = 0;
  /** What was held after the last look, in bytes. */
  #kept = 0;
  #limit = LEAST;
  #isScheduled = false;

  /** A job that has ended had so many bytes of large binary data as arguments and result. */
  add(bytes: number): void {
    this.#spent += bytes;
    if (this.#spent < this.#limit || this.#isScheduled) return;
    this.#isScheduled = true;
    // The call that has just returned still holds its arguments.
    queueMicrotask(() => {
      this.#isScheduled = false;
      this.#giveBack();
    });
  }

  #giveBack(): void {
    const collect = collector();
    if (collect === undefined) return;
    const spent = this.#spent;
    this.#spent = 0;
    const isKept = (): boolean => held() - this.#kept >= spent / 2;
    collect({ type: "minor" });
    // What has outlived other collections is found by the thorough one alone.
    if (isKept()) collect({ type: "major" });
    // Functions that keep what they get look as if they went on so.
    const patience = isKept() ? 2 * this.#limit : 0;
    this.#limit = Math.max(
      LEAST,
      WORTH * Deno.memoryUsage().heapUsed,
      patience,
    );
    this.#kept = held();
  }
}

/** How much binary data this isolate holds, in bytes. */
function held(): number {
  return Deno.memoryUsage().external;
}
