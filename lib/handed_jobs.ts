/**
 * Jobs that their handler has without an execution, as they wait and run together with
 * others: how they settle, and how they get one.
 *
 * @module
 */

import { noteSurvival } from "./crashes.ts";
import type { Settled } from "./direct_handler.ts";
import { Execution } from "./execution.ts";
import { handlerOf } from "./fallback_handler.ts";
import { inFlight } from "./in_flight.ts";
import { identify, setIdentity } from "./job_identity.ts";
import { type JobState, SmallArguments } from "./job_state.ts";
import { outstanding } from "./outstanding.ts";
import { leaveOthers, settled } from "./scheduler.ts";
import type { ConsoleLine, Outcome, Task, Timing } from "./task.ts";
import { noteSeen } from "./unseen_failures.ts";
import { decodeValue } from "./value/decode.ts";
import type { EncodedValue } from "./value/encoded.ts";
import { SmallValue, smallValueOf } from "./value/small.ts";

const NO_LINES: readonly ConsoleLine[] = Object.freeze([]);

/** An outcome and its value of a few bytes: one object instead of three, as there may be a million. */
class SmallOutcome extends SmallValue {
  readonly #startedAt: number;
  readonly #duration: number;

  constructor(text: string, startedAt: number, duration: number) {
    super(text);
    this.#startedAt = startedAt;
    this.#duration = duration;
  }

  get status(): "finished" {
    return "finished";
  }

  /** Itself. */
  get value(): this {
    return this;
  }

  /** Nothing was printed. */
  get console(): readonly ConsoleLine[] {
    return NO_LINES;
  }

  get timing(): Timing {
    return { startedAt: this.#startedAt, duration: this.#duration };
  }
}

/** A job that ran together with others has its result. */
export function settleTogether(
  state: JobState,
  result: EncodedValue | number,
  startedAt: number,
  duration: number,
): void {
  noteSurvival(state.definition);
  leaveOthers(state);
  const value = typeof result === "number" ? smallValueOf(result) : result;
  const outcome: Outcome = value instanceof SmallValue
    ? new SmallOutcome(value.text, startedAt, duration)
    : {
      status: "finished",
      value,
      console: NO_LINES,
      timing: { startedAt, duration },
    };
  state.settle({ outcome, hit: false });
}

/** A job that waits or runs together with others becomes a Task. Returns it, and whom to tell what becomes of it. */
export function taskOf(
  state: JobState,
  isRunning: boolean,
): [Task, Settled] {
  leaveOthers(state);
  state.snapshot = new SmallArguments(state.identity!);
  // That is counted again.
  state.attempts = 0;
  const startedAt = isRunning ? Math.ceil(performance.now()) : -1;
  const execution = new Execution(state, false, startedAt);
  return [taken(execution), settled as Settled];
}

/** Lets an execution be known that its handler has already. */
function taken(execution: Execution): Execution {
  if (execution.first.options.cache) inFlight.add(execution);
  execution.handler = handlerOf(execution.first.options.jobHandler);
  execution.goElsewhere();
  return execution;
}

/**
 * Takes in a job that its handler has already: an item of `hi.map`, which counts in its
 * scope. Returns its Task, and whom to tell what becomes of it.
 */
export function takeOver(
  state: JobState,
  list: EncodedValue,
): [Task, Settled] {
  state.snapshot = { list, upstream: [] };
  noteSeen(state);
  const args = decodeValue(list, { root: "args" }) as unknown[];
  setIdentity(state, identify(state, args, new Map(), () => undefined));
  outstanding.add(state);
  return [taken(new Execution(state)), settled as Settled];
}
