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

/** What is under way of one function. */
interface InFlight {
  /** By the number of the identity: to find a number takes a third of the time of finding a text. */
  byNumber: Map<number, Joinable>;
  /** By their identity, those whose number another one has that is under way. */
  twins: Map<string, Joinable> | undefined;
  /** How many have not ended. Others may still be in the tables: to take each out of one of many takes longer than all the rest here. */
  open: number;
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
    const own = this.#functions.get(definition);
    if (own === undefined || own.open === 0) return undefined;
    let found = own.byNumber.get(numberOf(identity));
    if (found?.identity !== identity) found = own.twins?.get(identity);
    return found?.isInFlight ? found : undefined;
  }

  /** Lets identical jobs join it, the newest of them. */
  add(entry: Joinable): void {
    const { definition } = entry;
    const identity = entry.identity!;
    let own = this.#functions.get(definition);
    if (own === undefined) {
      own = { byNumber: new Map(), twins: undefined, open: 0 };
      this.#functions.set(definition, own);
    }
    const { byNumber } = own;
    const number = numberOf(identity);
    const other = byNumber.get(number);
    if (other?.isInFlight && other.identity !== identity) {
      (own.twins ??= new Map()).set(identity, entry);
    } else byNumber.set(number, entry);
    entry.isInFlight = true;
    own.open++;
    this.#count++;
  }

  /** Lets no more jobs join it; whether any could. */
  delete(entry: Joinable): boolean {
    if (!entry.isInFlight) return false;
    entry.isInFlight = false;
    const own = this.#functions.get(entry.definition)!;
    own.open--;
    this.#count--;
    const { byNumber, open } = own;
    if (byNumber.size <= FEW) takeOut(own, entry);
    else if (open === 0 || byNumber.size > 5 * open + MOST_ENDED) tidy(own);
    return true;
  }
}

/** All that is under way. */
export const inFlight: InFlightTable = new InFlightTable();

/** Takes out one that has ended. */
function takeOut({ byNumber, twins }: InFlight, entry: Joinable): void {
  const identity = entry.identity!;
  const number = numberOf(identity);
  if (byNumber.get(number) === entry) byNumber.delete(number);
  else if (twins?.get(identity) === entry) twins.delete(identity);
}

/** Takes out all that have ended, which are most. */
function tidy(own: InFlight): void {
  own.byNumber = openOf(own.byNumber);
  if (own.twins !== undefined) own.twins = openOf(own.twins);
}

function openOf<K>(entries: Map<K, Joinable>): Map<K, Joinable> {
  const open = new Map<K, Joinable>();
  // With `for` that takes twice as long where it is done for the first time.
  entries.forEach((entry, key) => {
    if (entry.isInFlight) open.set(key, entry);
  });
  return open;
}

/** A number of 30 bits, seldom the same for two texts: the FNV-1a hash of Fowler, Noll and Vo. */
export function numberOf(identity: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < identity.length; i++) {
    hash = Math.imul(hash ^ identity.charCodeAt(i), 0x01000193);
  }
  return hash & 0x3fffffff;
}
