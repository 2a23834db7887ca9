/**
 * Ctrl-C as an AbortSignal, so that long work ends at a point where the cache is whole.
 *
 * @module
 */

import { Interrupt } from "./errors.ts";

/**
 * Runs work that can be interrupted. A second Ctrl-C ends the program at once.
 *
 * @throws {Interrupt} if it was interrupted.
 */
export async function interruptible<T>(
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const stop = () => {
    controller.abort(new Interrupt());
    Deno.removeSignalListener("SIGINT", stop);
  };
  Deno.addSignalListener("SIGINT", stop);
  try {
    const result = await work(controller.signal);
    controller.signal.throwIfAborted();
    return result;
  } catch (error) {
    // Whatever the work made of the reason.
    controller.signal.throwIfAborted();
    throw error;
  } finally {
    Deno.removeSignalListener("SIGINT", stop);
  }
}
