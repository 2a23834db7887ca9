/** Tasks made by hand, to talk to a handler without the scheduler. */

import type { HitherFunction, Outcome, Task, TaskEvent } from "../../mod.ts";
import { findFunction } from "../../lib/registry.ts";
import { decodeValue } from "../../lib/value/decode.ts";
import { encodeValue } from "../../lib/value/encode.ts";
import { decodeThrown } from "../../lib/value/thrown.ts";

let lastId = 1_000_000_000;

/** A Task that remembers what its handler told it. */
export interface TestTask extends Task {
  /** Resolves when the handler tells that the function is about to be called. */
  readonly hasStarted: Promise<void>;
  /** How often the handler told so. */
  readonly starts: number;
  readonly events: readonly TaskEvent[];
}

/** A Task that calls `fn` with `args`. */
export function makeTask<A extends readonly unknown[]>(
  fn: HitherFunction<A, unknown>,
  args: A,
  given: Partial<Task> = {},
): TestTask {
  const definition = findFunction(fn.name, fn.version)!;
  const { promise: hasStarted, resolve } = Promise.withResolvers<void>();
  const events: TaskEvent[] = [];
  const task = {
    id: lastId++,
    key: "0".repeat(64),
    name: fn.name,
    version: fn.version,
    code: definition.code,
    fn: definition.fn,
    digest: false,
    timed: true,
    nested: false,
    depth: 0,
    priority: 0,
    scope: undefined,
    arguments: () => ({
      list: encodeValue([...args], { root: "args" }),
      upstream: [],
    }),
    hasStarted,
    starts: 0,
    events,
    started: () => {
      task.starts++;
      resolve();
    },
    report: (event: TaskEvent) => {
      events.push(event);
    },
    submitNested: (): never => {
      throw new TypeError("no job of these tests submits another");
    },
    ...given,
  };
  return task;
}

/** The result of an Outcome, or its error. */
export function valueOf(outcome: Outcome): unknown {
  return outcome.status === "finished"
    ? decodeValue(outcome.value)
    : decodeThrown(outcome.value);
}
