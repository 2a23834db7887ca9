/**
 * Which executions wait for which others, as far as that can be seen from one of them.
 *
 * @module
 */

import { Execution } from "./execution.ts";

/** How the job of an execution, through those that it awaits, waits for `other`: from itself to that; `undefined` if it does not. */
export function wayTo(
  start: Execution,
  other: Execution,
): readonly Execution[] | undefined {
  const from = new Map<Execution, Execution | undefined>([[start, undefined]]);
  for (const [execution] of from) {
    if (execution === other) {
      const way: Execution[] = [];
      let at: Execution | undefined = execution;
      for (; at !== undefined; at = from.get(at)) way.unshift(at);
      return way;
    }
    for (const { execution: next } of execution.awaits) {
      if (next !== undefined && !from.has(next)) from.set(next, execution);
    }
  }
  return undefined;
}

/** The executions whose jobs wait for this one, directly or through others. */
export function waitedForBy(awaited: Execution): Iterable<Execution> {
  const seen = new Set<Execution>([awaited]);
  for (const execution of seen) {
    for (const state of execution.waiting) {
      for (const next of state.awaitedIn ?? []) seen.add(next);
    }
  }
  seen.delete(awaited);
  return seen;
}

/** Those whose jobs want the outcome, and those of these, if there is nobody else who does; `undefined` if there is. */
export function wantedByItself(
  wanted: Execution,
): ReadonlySet<Execution> | undefined {
  const seen = new Set<Execution>([wanted]);
  for (const execution of seen) {
    for (const { scope: { parentOwner } } of execution.waiting) {
      // What an ended job has submitted goes on.
      const isOpen = parentOwner instanceof Execution &&
        !parentOwner.isUnwanted;
      if (!isOpen) return undefined;
      seen.add(parentOwner);
    }
  }
  return seen;
}
