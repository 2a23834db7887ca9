/**
 * Whether the code of a job has changed the async context that it was called in, which
 * others must not find as it has left it. All of the ways to do so but one put back what was there before.
 *
 * @module
 */

import defer * as hooks from "node:async_hooks";

let isWatching = false;
let any = false;

/** The contexts that were entered for good. */
export const enteredContexts = {
  /** Whether there were some since the last {@linkcode enteredContexts.reset}. */
  get any(): boolean {
    return any;
  },

  /** From now on. */
  reset(): void {
    any = false;
    if (isWatching) return;
    isWatching = true;
    const { prototype } = hooks.AsyncLocalStorage;
    const { enterWith } = prototype;
    Object.defineProperty(prototype, "enterWith", {
      ...Object.getOwnPropertyDescriptor(prototype, "enterWith"),
      value: {
        enterWith(this: hooks.AsyncLocalStorage<unknown>, store: unknown) {
          any = true;
          return Reflect.apply(enterWith, this, [store]);
        },
      }.enterWith,
    });
  },
};
