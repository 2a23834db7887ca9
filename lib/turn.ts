/**
 * Turns of the event loop in loops that have no need of one. What is there already, as
 * results in the cache are, comes by promises that are resolved, and a loop over thousands of
 * them would let no timer, no signal and no abort come in between. All loops count
 * together, as there is one event loop.
 *
 * @module
 */

// Kept before somebody replaces them, to have a clock of his own.
const { setTimeout } = globalThis;

/** How often it is looked at, once in so many steps. */
const OFTEN = 64;

/** How long such a loop may go on without a turn, in ms: one takes some 1 ms. */
const LONGEST = 50;

let left = OFTEN;
/** When there was the last turn of which this knows. */
let last = 0;

/** A step in what may be a loop: resolves after a turn of the event loop if that may have waited too long for one. */
export function turnIfDue(): Promise<void> | undefined {
  if (--left > 0) return undefined;
  left = OFTEN;
  const now = performance.now();
  if (now - last < LONGEST) return undefined;
  last = now;
  return new Promise((resolve) => setTimeout(resolve));
}
