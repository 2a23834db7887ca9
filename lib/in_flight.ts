/**
 * The executions under way that identical jobs may join.
 *
 * @module
 */

import type { Execution } from "./execution.ts";
import type { JobState } from "./job_state.ts";
import type { FunctionDefinition } from "./registry.ts";

/** By the function, then by the identity of its jobs. */
const executions = new WeakMap<FunctionDefinition, Map<string, Execution>>();
let count = 0;

/** Whether there is none. */
export function isNoneInFlight(): boolean {
  return count === 0;
}

/** The execution that a job may join. A function that was defined anew is another one. */
export function inFlightFor(state: JobState): Execution | undefined {
  return executions.get(state.definition)?.get(state.identity!);
}

/** Whether a job of the function with this identity may join an execution. */
export function isInFlight(
  definition: FunctionDefinition,
  identity: string,
): boolean {
  const own = executions.get(definition);
  // To look for a text that is new takes longer than to count.
  return own !== undefined && own.size > 0 && own.has(identity);
}

/** Lets identical jobs join an execution, the newest of them. */
export function addInFlight(execution: Execution): void {
  const { definition, identity } = execution;
  let own = executions.get(definition);
  if (own === undefined) executions.set(definition, own = new Map());
  const before = own.size;
  own.set(identity, execution);
  count += own.size - before;
}

/** Lets no more jobs join an execution; whether any could. */
export function deleteInFlight(execution: Execution): boolean {
  const { definition, identity } = execution;
  const own = executions.get(definition);
  if (own?.get(identity) !== execution) return false;
  own.delete(identity);
  count--;
  return true;
}
