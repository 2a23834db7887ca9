/**
 * Lets a program end although a worker of it may still be busy: Deno cannot stop
 * such a worker and would wait for its thread for ever.
 *
 * @module
 */

const busy = new Set<object>();
let listening = false;

/** The workers that may be busy when the program ends, whatever they were told. */
export const mayBeBusy = {
  /** Counts a worker as one that may be busy. */
  add(worker: object): void {
    busy.add(worker);
    if (listening) return;
    listening = true;
    addEventListener("unload", endProgram);
    // Ending the program skips the listeners that come after: be the last one.
    addEventListener("beforeunload", () => {
      removeEventListener("unload", endProgram);
      addEventListener("unload", endProgram);
    });
  },
  /** Counts a worker as one that has stopped. */
  delete(worker: object): void {
    busy.delete(worker);
  },
};

function endProgram(): void {
  // Without an argument it keeps the exit code that the program has set.
  if (busy.size > 0) Deno.exit();
}
