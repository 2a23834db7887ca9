/**
 * Work that several wait for: it goes on as long as one of them does.
 *
 * @module
 */

/** One piece of work, done once at a time. */
export class SharedWork<T> {
  #promise: Promise<T> | undefined;
  #controller = new AbortController();
  #waiting = 0;

  /**
   * Begins the work, or waits for what was begun.
   *
   * @throws the reason of the signal if that is aborted; what the work throws.
   */
  async join(
    signal: AbortSignal,
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    signal.throwIfAborted();
    if (this.#promise === undefined) {
      const controller = this.#controller = new AbortController();
      this.#promise = work(controller.signal).finally(() => {
        if (this.#controller === controller) this.#promise = undefined;
      });
      // Those who waited for it may all have gone.
      this.#promise.catch(() => {});
    }
    const { promise: aborted, reject } = Promise.withResolvers<never>();
    const leave = () => reject(signal.reason);
    signal.addEventListener("abort", leave, { once: true });
    const controller = this.#controller;
    this.#waiting++;
    try {
      return await Promise.race([this.#promise, aborted]);
    } finally {
      signal.removeEventListener("abort", leave);
      if (--this.#waiting === 0 && signal.aborted) {
        controller.abort(signal.reason);
        this.#promise = undefined;
      }
    }
  }
}
