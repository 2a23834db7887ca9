/**
 * Whether a web worker keeps the program from ending.
 *
 * Deno has a method for it, without a public name: the one property of
 * `Worker.prototype` whose key is a symbol without description. Where it is
 * missing, whoever starts a worker has to end it in good time.
 *
 * @module
 */

type SetRef = (this: Worker, ref: boolean) => void;

const method = Object.getOwnPropertySymbols(Worker.prototype)
  .filter((symbol) => !symbol.description)
  .map((symbol) =>
    (Worker.prototype as unknown as Record<symbol, unknown>)[symbol]
  )
  .find((value): value is SetRef => typeof value === "function");

/** Whether {@linkcode setRef} works here. */
export const canUnref: boolean = method !== undefined;

/** Makes the program wait for a worker, or not. */
export function setRef(worker: Worker, ref: boolean): void {
  method?.call(worker, ref);
}
