/**
 * Turns of the event loop in loops that have no need of one. What is there already, as
 * results in the cache are, comes by promises that are resolved, and a loop over thousands of
 * them would let no timer, no signal and no abort come in between.
 *
 * @module
 */

// Kept before somebody replaces them, to have a clock of his own.
const { setTimeout } = globalThis;
const { notify, waitAsync } = Atomics;

/** How often it is looked at, once in so many steps. */
const OFTEN = 64;

/** How long the event loop may have no turn, in ms. */
const LONGEST = 50;

const cells = new Int32Array(new SharedArrayBuffer(4));
let left = OFTEN;
/** From when on it was not seen to have a turn, if somebody looks. */
let since: number | undefined;

/** A step in what may be a loop: resolves after a turn of the event loop if that has waited too long for one. */
export function turnIfDue(): Promise<void> | undefined {
  if (--left > 0) return undefined;
  left = OFTEN;
  const now = performance.now();
  if (since === undefined) {
    since = now;
    lookForTurn();
  } else if (now - since >= LONGEST) {
    return new Promise((resolve) => setTimeout(resolve));
  }
  return undefined;
}

/** Sees the next turn. No timer, which a program would have to wait for. */
async function lookForTurn(): Promise<void> {
  const turn = waitAsync(cells, 0, 0);
  notify(cells, 0);
  await turn.value;
  since = undefined;
}
