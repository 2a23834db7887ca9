/** The jobs that every pool in JavaScript runs. */

export const square = (x) => x * x;

/** Blocks its worker, so that no worker naps twice at a time. */
export function nap(ms) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
  return ms;
}

/** Computes for so many steps: a linear congruential generator. */
export function burn(steps) {
  let x = 1;
  for (let i = 0; i < steps; i++) {
    x = Math.imul(x, 1_664_525) + 1_013_904_223 | 0;
  }
  return x;
}

/** Into a new array, as hither's functions do not write to their arguments. */
export const doubled = (array) => array.map((x) => 2 * x);

/** Looks at each page of an array that is full of ones. */
export function touched({ array, i }) {
  let sum = i;
  for (let at = 0; at < array.length; at += 512) sum += array[at];
  return sum;
}

export const tasks = { square, nap, burn, doubled, touched };
