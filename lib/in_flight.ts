/**
 * The executions under way that identical jobs may join, and the jobs that run
 * together with others, of which an execution is made for that.
 *
 * @module
 */

import type { Execution } from "./execution.ts";
import type { JobState } from "./job_state.ts";
import type { FunctionDefinition } from "./registry.ts";

/** What identical jobs may join: an execution, or a job that has none yet. */
type Joinable = Execution | JobState;

/** What is under way of one function, by the identity of its jobs. */
interface InFlight {
  byIdentity: Map<string, Joinable>;
  /** How many of these have ended: to take each out of a table of many takes longer than all the rest here. */
  ended: number;
  /** Whether one ever took the place of another that was under way. */
  wasReplaced: boolean;
}

/** How many there are at most from which each is taken out when it ends. */
const FEW = 64;

/** How many more of those that have ended are kept at most than four for each that has not. */
const MOST_ENDED = 256;

class InFlightTable {
  readonly #functions = new WeakMap<FunctionDefinition, InFlight>();
  #count = 0;

  /** Whether nothing is under way. */
  get isEmpty(): boolean {
    return this.#count === 0;
  }

  /** What a job of the function with this identity may join. A function that was defined anew is another one. */
  find(definition: FunctionDefinition, identity: string): Joinable | undefined {
    const own = this.#functions.get(definition)?.byIdentity;
    // To look for a text that is new takes longer than to count.
    if (own === undefined || own.size === 0) return undefined;
    const found = own.get(identity);
    return found?.isInFlight ? found : undefined;
  }

  /** Lets identical jobs join it, the newest of them. */
  add(entry: Joinable): void {
    const { definition, identity } = entry;
    let own = this.#functions.get(definition);
    if (own === undefined) {
      own = { byIdentity: new Map(), ended: 0, wasReplaced: false };
      this.#functions.set(definition, own);
    }
    const { byIdentity } = own;
    const hasEnded = own.ended > 0 &&
      byIdentity.get(identity!)?.isInFlight === false;
    const before = byIdentity.size;
    byIdentity.set(identity!, entry);
    entry.isInFlight = true;
    if (hasEnded) own.ended--;
    else if (byIdentity.size === before) {
      own.wasReplaced = true;
      return;
    }
    this.#count++;
  }

  /** Lets no more jobs join it; whether any could. */
  delete(entry: Joinable): boolean {
    if (!entry.isInFlight) return false;
    entry.isInFlight = false;
    const own = this.#functions.get(entry.definition)!;
    const { byIdentity, wasReplaced } = own;
    if (wasReplaced && byIdentity.get(entry.identity!) !== entry) return false;
    this.#count--;
    if (byIdentity.size <= FEW) byIdentity.delete(entry.identity!);
    else own.ended++;
    const left = byIdentity.size - own.ended;
    if (own.ended > 4 * left + (left === 0 ? 0 : MOST_ENDED)) tidy(own, left);
    return true;
  }
}

/** All that is under way. */
export const inFlight: InFlightTable = new InFlightTable();

/** Takes out what has ended. */
function tidy(own: InFlight, left: number): void {
  own.ended = 0;
  if (left === 0) {
    own.byIdentity = new Map();
    return;
  }
  for (const [identity, entry] of own.byIdentity) {
    if (!entry.isInFlight) own.byIdentity.delete(identity);
  }
}
