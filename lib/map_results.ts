/**
 * The results of one `hi.map`, to be iterated over. What is there is given at once: to
 * ask a generator takes longer than a short item.
 *
 * @module
 */

import { turnIfDue } from "./turn.ts";

/** What comes before the next result: what computes one that was taken and is lost, or a turn of the event loop. */
export type Before<T> =
  | { readonly again: Promise<T> }
  | { readonly turn: Promise<void> };

/** Gives what is there. */
export interface Ready<T, D> {
  /** The next one that has finished. */
  take(): D | undefined;
  /** Its result; a Promise if it is lost. */
  resultOf(done: D): T | Promise<T>;
}

/** What waits for results, and for what comes before them. */
export type ResultGenerator<T> = AsyncGenerator<T, void, Before<T> | void>;

/** A generator that is not asked as long as there are results. */
export class MapResults<T, D> implements AsyncGenerator<T, void, void> {
  readonly #generator: ResultGenerator<T>;
  readonly #ready: Ready<T, D>;
  /** How many calls the generator has not answered. */
  #asked = 0;
  /** Whether the last thing that the generator has done is to give a result. */
  #isOpen = false;

  constructor(generator: ResultGenerator<T>, ready: Ready<T, D>) {
    this.#generator = generator;
    this.#ready = ready;
  }

  next(): Promise<IteratorResult<T, void>> {
    const turn = turnIfDue();
    if (turn !== undefined) return this.#answer(this.#generator.next({ turn }));
    const done = this.#isOpen ? this.#ready.take() : undefined;
    if (done === undefined) return this.#answer(this.#generator.next());
    let result: T | Promise<T>;
    try {
      result = this.#ready.resultOf(done);
    } catch (error) {
      return this.throw(error);
    }
    return result instanceof Promise
      ? this.#answer(this.#generator.next({ again: result }))
      : Promise.resolve({ value: result, done: false });
  }

  return(): Promise<IteratorResult<T, void>> {
    return this.#answer(this.#generator.return());
  }

  throw(error: unknown): Promise<IteratorResult<T, void>> {
    return this.#answer(this.#generator.throw(error));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async #answer(
    answer: Promise<IteratorResult<T, void>>,
  ): Promise<IteratorResult<T, void>> {
    this.#isOpen = false;
    this.#asked++;
    try {
      const result = await answer;
      this.#isOpen = this.#asked === 1 && !result.done;
      return result;
    } finally {
      this.#asked--;
    }
  }
}
