/**
 * Which records go first when a cache is over its limits, and which never do.
 *
 * @module
 */

import type { Keep } from "./limits.ts";
import type { FunctionInfo } from "./record.ts";
import type { Pin } from "./report.ts";

/** What decides about a record. */
export interface Candidate {
  /** Bytes on disk that go with it. */
  readonly bytes: number;
  /** Its last use as far as it is known, in ms since the epoch. */
  readonly usedAt: number;
  /** How long its job took, in ms. */
  readonly duration: number;
}

/** An age and a duration below this count as this, in ms: below it, they tell nothing. */
export const LEAST_MS = 1;

/**
 * How gladly a record is given away: bytes x time since its last use / time to
 * compute it again. The largest goes first. A use that is yet to come (the clock
 * was set back) counts as one just now.
 */
export function score(
  { bytes, usedAt, duration }: Candidate,
  now: number,
): number {
  return bytes * Math.max(now - usedAt, LEAST_MS) /
    Math.max(duration, LEAST_MS);
}

/** What is kept whatever the limits. */
export class PinSet {
  readonly #keys = new Set<string>();
  readonly #functions: Set<string>;
  readonly #labels: Set<string>;

  constructor(pins: Iterable<Pin>, keep: Keep = {}) {
    this.#functions = new Set(keep.functions);
    this.#labels = new Set(keep.labels);
    for (const { kind, value } of pins) {
      if (kind === "key") this.#keys.add(value);
      else if (kind === "function") this.#functions.add(value);
      else this.#labels.add(value);
    }
  }

  /** The keys among them, 64 hexadecimal digits each. */
  get keys(): ReadonlySet<string> {
    return this.#keys;
  }

  /** Whether nothing is kept. */
  get isEmpty(): boolean {
    return this.#keys.size + this.#functions.size + this.#labels.size === 0;
  }

  /** Whether all records of a function are kept. */
  hasFunction({ name, label }: Pick<FunctionInfo, "name" | "label">): boolean {
    return this.#functions.has(name) || label !== "" && this.#labels.has(label);
  }

  /** Whether a record is kept. */
  has(key: string, fn: Pick<FunctionInfo, "name" | "label">): boolean {
    return this.#keys.has(key) || this.hasFunction(fn);
  }
}

/** Whether this is a pin. */
export function isPin({ kind, value }: Pin): boolean {
  if (typeof value !== "string" || value === "") return false;
  return kind === "key"
    ? /^[0-9a-f]{64}$/.test(value)
    : kind === "function" || kind === "label";
}

/**
 * Checks a pin that somebody gave.
 *
 * @throws {TypeError} if it is none.
 */
export function checkPin(pin: Pin, cannot: string): Pin {
  const { kind, value } = (pin ?? {}) as Partial<Pin>;
  if (kind !== "key" && kind !== "function" && kind !== "label") {
    throw new TypeError(
      `${cannot} as its kind must be "key", "function" or "label": current value is ${
        String(kind)
      }`,
    );
  }
  if (typeof value !== "string" || value === "") {
    throw new TypeError(
      `${cannot} as its value must be a text that is not empty: current value is ${
        String(value)
      }`,
    );
  }
  if (kind === "key" && !/^[0-9a-f]{64}$/.test(value)) {
    throw new TypeError(
      `${cannot} as a key must be 64 hexadecimal digits: current value is ${value}`,
    );
  }
  return { kind, value };
}
