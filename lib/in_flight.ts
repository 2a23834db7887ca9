/**
 * The executions under way that identical jobs may join.
 *
 * @module
 */

import type { Execution } from "./execution.ts";
import type { JobState } from "./job_state.ts";
import type { FunctionDefinition } from "./registry.ts";

/** The executions of one function, by the identity of their jobs. */
interface InFlight {
  readonly byIdentity: Map<string, Execution>;
  /** Whether one ever took the place of another that was under way. */
  wasReplaced: boolean;
}

const executions = new WeakMap<FunctionDefinition, InFlight>();
let count = 0;

/** Whether there is none. */
export function isNoneInFlight(): boolean {
  return count === 0;
}

/** The execution that a job may join. A function that was defined anew is another one. */
export function inFlightFor(state: JobState): Execution | undefined {
  return executions.get(state.definition)?.byIdentity.get(state.identity!);
}

/** Whether a job of the function with this identity may join an execution. */
export function isInFlight(
  definition: FunctionDefinition,
  identity: string,
): boolean {
  const own = executions.get(definition)?.byIdentity;
  // To look for a text that is new takes longer than to count.
  return own !== undefined && own.size > 0 && own.has(identity);
}

/** Lets identical jobs join an execution, the newest of them. */
export function addInFlight(execution: Execution): void {
  const { definition, identity } = execution;
  let own = executions.get(definition);
  if (own === undefined) {
    own = { byIdentity: new Map(), wasReplaced: false };
    executions.set(definition, own);
  }
  const before = own.byIdentity.size;
  own.byIdentity.set(identity, execution);
  execution.isInFlight = true;
  if (own.byIdentity.size === before) own.wasReplaced = true;
  else count++;
}

/** Lets no more jobs join an execution; whether any could. */
export function deleteInFlight(execution: Execution): boolean {
  if (!execution.isInFlight) return false;
  execution.isInFlight = false;
  const { definition, identity } = execution;
  const { byIdentity, wasReplaced } = executions.get(definition)!;
  // A look at a table of many costs more than all the rest here.
  if (wasReplaced && byIdentity.get(identity) !== execution) return false;
  byIdentity.delete(identity);
  count--;
  return true;
}
