/**
 * Where the items of `hi.map` come from.
 *
 * @module
 */

/** Takes the items. */
export interface ItemTaker {
  /** Takes one. */
  add(item: unknown): void;
  /** That was all for now; whether more may come before long. */
  added(more: boolean): void;
  /** There is something to look at. */
  readonly wake: () => void;
}

/** The items: at most one is asked for at a time. */
export class MapSource {
  /** Whether it has no more items, or nobody wants them. */
  isDone = false;
  readonly #iterator: Iterator<unknown> | AsyncIterator<unknown>;
  readonly #isAsync: boolean;
  readonly #taker: ItemTaker;
  readonly #here: <R>(body: () => R) => R;
  #isWaiting = false;
  #left = 0;
  #failure: { readonly error: unknown } | undefined;

  /** Gives the items to `taker`, in the context that `here` calls in. */
  constructor(
    items: Iterable<unknown> | AsyncIterable<unknown>,
    taker: ItemTaker,
    here: <R>(body: () => R) => R,
  ) {
    this.#here = here;
    // A string is no object.
    this.#isAsync = Symbol.asyncIterator in Object(items);
    this.#iterator = this.#isAsync
      ? (items as AsyncIterable<unknown>)[Symbol.asyncIterator]()
      : (items as Iterable<unknown>)[Symbol.iterator]();
    this.#taker = taker;
  }

  /** Takes up to `count` items; those of an asynchronous source come later. */
  take(count: number): void {
    if (count === 0 && this.#left === 0) return;
    this.#left = Math.max(this.#left, count);
    if (this.#isAsync) return this.#ask();
    if (this.#left === 0 || this.isDone || this.#failure !== undefined) return;
    // Once for all of them, as it takes longer than all the rest.
    this.#here(() => this.#takeAll(this.#iterator as Iterator<unknown>));
  }

  /** Throws what the source has thrown, or why an item cannot be taken. */
  throwIfFailed(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  /** Tells the source that nobody wants more of it. */
  async close(): Promise<void> {
    if (this.isDone) return;
    this.isDone = true;
    const closing = this.#iterator.return?.();
    if (!this.#isWaiting) await closing;
    // It has been asked for an item that may never come.
    else Promise.resolve(closing).catch(() => {});
  }

  #takeAll(iterator: Iterator<unknown>): void {
    let isAsking = true;
    try {
      while (this.#left > 0) {
        const { done, value } = iterator.next();
        isAsking = false;
        this.isDone = done === true;
        if (this.isDone) break;
        this.#left--;
        this.#taker.add(value);
        isAsking = true;
      }
    } catch (error) {
      // One that has thrown is not to be closed.
      if (isAsking) this.isDone = true;
      this.#failure = { error };
    }
    this.#taker.added(false);
  }

  #ask(): void {
    if (this.#isWaiting || this.isDone || this.#left === 0) return;
    this.#isWaiting = true;
    (this.#iterator as AsyncIterator<unknown>).next().then(
      (next) => {
        this.#isWaiting = false;
        if (this.isDone) return;
        this.#here(() => {
          this.#took(next);
          this.#taker.added(!this.isDone);
        });
        this.#ask();
      },
      (error) => this.#fail(error),
    ).catch((error) => this.#fail(error)).finally(this.#taker.wake);
  }

  #fail(error: unknown): void {
    this.#isWaiting = false;
    this.isDone = true;
    this.#failure = { error };
  }

  #took({ done, value }: IteratorResult<unknown>): void {
    if (done) this.isDone = true;
    else {
      this.#left--;
      this.#taker.add(value);
    }
  }
}
