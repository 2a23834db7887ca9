/**
 * How much a record resembles a key that missed.
 *
 * @module
 */

import type { FunctionInfo, KeyPart, NearestRecord } from "./record.ts";

/** What a record is compared with. */
export interface Likeness {
  readonly parts: readonly KeyPart[];
  /** How much of a function differs: 0 for the very function. A part of an argument that is another counts as 2. */
  readonly distanceOf: (fn: FunctionInfo) => number;
}

/** Keeps the record that resembles a key most; the later one of equals. */
export class Resemblance {
  readonly #wanted: ReadonlySet<string>;
  readonly #like: Likeness;
  readonly #distances = new Map<FunctionInfo, number>();
  #least = Infinity;
  /** The nearest record so far. */
  nearest: NearestRecord | undefined;

  constructor(like: Likeness) {
    this.#like = like;
    this.#wanted = new Set(like.parts.map(nameOf));
  }

  /** Takes a record into account. */
  add(record: NearestRecord): void {
    const { parts, storedAt } = record.details;
    const shared = parts.filter((part) => this.#wanted.has(nameOf(part)));
    const distance = this.#wanted.size + parts.length - 2 * shared.length +
      this.#distanceOf(record.fn);
    const isLater = storedAt > (this.nearest?.details.storedAt ?? 0);
    if (distance < this.#least || distance === this.#least && isLater) {
      this.#least = distance;
      this.nearest = record;
    }
  }

  #distanceOf(fn: FunctionInfo): number {
    let distance = this.#distances.get(fn);
    if (distance === undefined) {
      this.#distances.set(fn, distance = this.#like.distanceOf(fn));
    }
    return distance;
  }
}

function nameOf({ path, digest }: KeyPart): string {
  return `${digest} ${path}`;
}
