/**
 * Ctrl-C, and SIGTERM: the first one cancels all jobs, so that the program comes to
 * its end in order; the second one ends it at once.
 *
 * Signals are listened for only while jobs run in workers. A program that computes
 * in its own event loop would not hear of them; there they do what they always
 * do, and the cache is whole all the same.
 *
 * @module
 */

import {
  interrupt,
  interruptionReason,
  isElsewhere,
  outstanding,
  outstandingItems,
} from "./outstanding.ts";
import { cancel } from "./job_ends.ts";
import { warn } from "./warn.ts";

/** After such a time in workers, in ms, what it costs to listen and to stop listening counts no longer. */
const LONG = 20;

const CODES = { SIGINT: 130, SIGTERM: 143 } as const;
type Signal = keyof typeof CODES;

/** Windows has no SIGTERM. */
const SIGNALS: readonly Signal[] = Deno.build.os === "windows"
  ? ["SIGINT"]
  : ["SIGINT", "SIGTERM"];

const LISTENERS = {
  SIGINT: () => take("SIGINT"),
  SIGTERM: () => take("SIGTERM"),
};

let isListening = false;
let isEnding = false;
let busySince = 0;

/** Jobs run in workers from now on. */
export function begin(): void {
  busySince = performance.now();
  if (isListening) return;
  isListening = true;
  for (const signal of SIGNALS) {
    Deno.addSignalListener(signal, LISTENERS[signal]);
  }
}

/** No job runs in workers any more. */
export function end(): void {
  if (interruptionReason() !== undefined) return;
  if (performance.now() - busySince > LONG) return stopListening();
  // After short jobs the next ones may come soon; a program that ends does not wait for that.
  if (isEnding) return;
  isEnding = true;
  Deno.unrefTimer(setTimeout(() => {
    isEnding = false;
    if (!isElsewhere() && interruptionReason() === undefined) stopListening();
  }, LONG));
}

function stopListening(): void {
  if (!isListening) return;
  isListening = false;
  for (const signal of SIGNALS) {
    Deno.removeSignalListener(signal, LISTENERS[signal]);
  }
}

function take(signal: Signal): void {
  if (interruptionReason() !== undefined) Deno.exit(CODES[signal]);
  if (!isElsewhere()) return raiseAgain(signal);
  const reason = new DOMException(`Interrupted by ${signal}`, "AbortError");
  if (isScript()) {
    interrupt(reason);
    if (Deno.exitCode === 0) Deno.exitCode = CODES[signal];
    addEventListener("unhandledrejection", (event) => {
      // Nobody has to be told what they have asked for.
      if (comesFrom(event.reason, reason)) event.preventDefault();
    });
  }
  const jobs = outstanding.list();
  const items = [...outstandingItems];
  const count = items.reduce((sum, { size }) => sum + size, jobs.length);
  const again = isScript() ? " (once more to end at once)" : "";
  warn(
    `${signal}: ${
      count === 1 ? "1 job is" : `${count} jobs are`
    } cancelled${again}`,
  );
  // A job goes before those that it waits for: it has not failed through them.
  for (const job of jobs.reverse()) cancel(job, reason);
  for (const some of items) some.cancel(reason);
}

/** The signal came when there was nothing to cancel. */
function raiseAgain(signal: Signal): void {
  stopListening();
  try {
    Deno.kill(Deno.pid, signal);
  } catch {
    // Without the permission for that.
    Deno.exit(CODES[signal]);
  }
}

/** Whether the program ends with its work; a notebook goes on, and tests end by themselves. */
function isScript(): boolean {
  return !/\$deno\$(repl|jupyter|test|bench)/.test(Deno.mainModule);
}

function comesFrom(error: unknown, reason: Error): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause === reason) return true;
  }
  return false;
}
