/**
 * Shared memory that a program and a worker both have for one Task: what is among its
 * arguments, and what it has made for jobs that it submits. These refer to it by number, so
 * that it is sent once, and what the program has it gets back as the same.
 *
 * @module
 */

import type { Leaf } from "../value/encoded.ts";
import {
  InPlaceLeaf,
  promise,
  promiseOf,
  SharedPart,
} from "../value/in_place.ts";
import type { NestedWireLeaf, WireLeaf } from "./protocol.ts";

/** The side of the worker. */
export class TaskMemory {
  readonly #known: Uint8Array<SharedArrayBuffer>[] = [];

  /** The leaves are those of the Task. */
  constructor(leaves: readonly WireLeaf[]) {
    for (const leaf of leaves) if ("view" in leaf) this.#known.push(leaf.view);
  }

  /** What stands for a leaf among the arguments of a job that the Task submits. */
  refer({ part, path }: InPlaceLeaf): NestedWireLeaf {
    const { memory, byteOffset, byteLength, sample, knownDigest } = part;
    const known = this.#known.find((known) =>
      known.buffer === memory && known.byteOffset <= byteOffset &&
      byteOffset + byteLength <= known.byteOffset + known.byteLength
    );
    const view = known ?? wholeOf(memory, byteOffset, byteLength);
    const number = known === undefined
      ? this.#known.push(view) - 1
      : this.#known.indexOf(known);
    return {
      memory: number,
      whole: known === undefined ? view : undefined,
      offset: byteOffset - view.byteOffset,
      length: byteLength,
      sample,
      digest: knownDigest,
      path,
    };
  }
}

/** The side of the program. */
export class NestedMemory {
  readonly #known: Known[] = [];

  /** The leaves are those of the Task. */
  constructor(leaves: readonly Leaf[]) {
    for (const leaf of leaves) {
      if (leaf instanceof InPlaceLeaf) this.#add(leaf.part.bytes, leaf.part);
    }
  }

  /** The leaf for which this stands. */
  leafOf(
    { memory, whole, offset, length, sample, digest, path }: NestedWireLeaf,
  ): InPlaceLeaf {
    if (whole !== undefined) {
      promise(whole);
      this.#add(whole);
    }
    const { view, parts } = this.#known[memory]!;
    const place = `${offset} ${length}`;
    let part = parts.get(place);
    if (part === undefined) {
      const { buffer, byteOffset } = view;
      part = new SharedPart(
        buffer,
        byteOffset + offset,
        length,
        sample,
        digest,
      );
      parts.set(place, part);
    }
    return new InPlaceLeaf(part, length, path);
  }

  #add(view: Uint8Array<SharedArrayBuffer>, part?: SharedPart): void {
    const parts = new Map<string, SharedPart>();
    if (part !== undefined) parts.set(`0 ${part.byteLength}`, part);
    this.#known.push({ view, parts });
  }
}

/** Memory that nobody writes to, and what is known of its parts, by their place in it. */
interface Known {
  readonly view: Uint8Array<SharedArrayBuffer>;
  readonly parts: Map<string, SharedPart>;
}

/** All that was promised together with some bytes, from a multiple of 8 on, so that each element stands there at one of its size. */
export function wholeOf(
  memory: SharedArrayBuffer,
  byteOffset: number,
  byteLength: number,
): Uint8Array<SharedArrayBuffer> {
  const { start, end } = promiseOf(memory, byteOffset, byteLength)!;
  const from = start - start % 8;
  return new Uint8Array(memory, from, end - from);
}
