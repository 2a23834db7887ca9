/**
 * What is given up: its buffers move to where they are needed, instead of being copied.
 *
 * @module
 */

import { ArgumentChangedError } from "../errors.ts";
import type { EncodedValue, Leaf } from "./encoded.ts";

const marked = new WeakSet<object>();
/** How many marks were set and not used up: mostly none, and then nobody has to look for any. */
let marks = 0;
let lastNumber = 0;
let isUsed = false;

/**
 * Says that you do not need a value any more after you have passed it on, as an argument
 * or as a result. Then the buffers of its arrays are not copied: they move.
 *
 * - **An argument**: `.run()` takes the `ArrayBuffer` of every typed array, `DataView` and
 *   `ArrayBuffer` in the value. When it returns, these are detached: their length is 0,
 *   whichever handler runs the job, and also if its result was in the cache.
 * - **A result**: they are taken from the function that returns them, and whoever asks for the result
 *   first has them, unless several jobs share it or it is an argument of another job: these get copies.
 *
 * The value may stand anywhere among the arguments or in the result, and hold such arrays at any depth.
 * Keys, results and the cache are the same as without the word, and so is a plain call of a function.
 *
 * A view of a part of a buffer gives up all of it. Without a cache, `job.key` is `undefined` once the
 * job has started, as nothing is hashed. What has moved to a worker is lost with it: such a job is not
 * tried again when its worker dies, unless it has a `retry`, for which a copy is kept.
 *
 * @param value What to give up. If there is no array in it, this does nothing.
 * @returns The value itself.
 * @throws {TypeError} if it is a Promise or a Job: give up what it resolves with.
 *
 * @example
 * ```ts
 * import * as hi from "@hither/hither";
 *
 * const double = hi.func("transfer_double", "1", (array: Float64Array) => {
 *   for (let i = 0; i < array.length; i++) array[i]! *= 2;
 *   return hi.transfer(array);
 * });
 *
 * const array = new Float64Array(1_000_000).fill(1);
 * const doubled = await double.run(hi.transfer(array));
 * console.assert(doubled[0] === 2 && doubled.length === 1_000_000);
 * console.assert(array.length === 0); // it was given away
 * ```
 */
export function transfer<T>(value: T): T {
  if (typeof value !== "object" || value === null) return value;
  if (typeof (value as { then?: unknown }).then === "function") {
    throw new TypeError(
      `Cannot transfer ${
        Deno.inspect(value, { depth: 0 })
      } as it has no value yet: await it first, or call hi.transfer in the function that returns the value`,
    );
  }
  if (!marked.has(value)) {
    marked.add(value);
    marks++;
  }
  return value;
}

/**
 * Takes note of what a walk through a value finds to be transferred; `undefined` if that can be nothing.
 *
 * @param lent Buffers that are somebody else's: these stay, and what is transferred is a copy.
 */
export function newTransfers(
  lent?: ReadonlySet<ArrayBuffer>,
): Transfers | undefined {
  return marks > 0 ? new Transfers(lent) : undefined;
}

/** What is found of a value to be transferred. */
export class Transfers {
  readonly #objects = new Set<object>();
  readonly #buffers = new Set<ArrayBuffer>();
  readonly #leaves: TransferredLeaf[] = [];
  readonly #lent: ReadonlySet<ArrayBuffer> | undefined;

  /** As for {@linkcode newTransfers}. */
  constructor(lent?: ReadonlySet<ArrayBuffer>) {
    this.#lent = lent;
  }

  /** Whether what is in an object is to be transferred. */
  has(object: object): boolean {
    if (this.#objects.has(object)) return true;
    if (!marked.has(object)) return false;
    this.#objects.add(object);
    return true;
  }

  /** An object stands in one that is to be transferred, and in another place as well. */
  add(object: object): void {
    this.#objects.add(object);
  }

  /** A buffer is to be transferred. */
  addBuffer(buffer: ArrayBuffer): void {
    this.#buffers.add(buffer);
  }

  /** Whether a buffer is to be transferred. */
  hasBuffer(buffer: ArrayBuffer): boolean {
    return this.#buffers.has(buffer);
  }

  /** What stands for the digest of bytes that nobody hashes: never the same twice. */
  nextNumber(): number {
    return ++lastNumber;
  }

  /** A leaf for bytes of one of the buffers, which gets them with {@linkcode take}. */
  leaf(
    bytes: Uint8Array<ArrayBuffer>,
    digest: string | undefined,
    path: string,
  ): TransferredLeaf {
    const leaf = new TransferredLeaf(bytes, digest, path);
    this.#leaves.push(leaf);
    return leaf;
  }

  /** Takes the buffers away from who had them, and copies of what is lent. The marks are used up. */
  take(): void {
    for (const leaf of this.#leaves) leaf.take(this.#lent);
    for (const buffer of this.#buffers) {
      if (this.#lent?.has(buffer) !== true) moved(buffer);
    }
    for (const object of this.#objects) if (marked.delete(object)) marks--;
  }
}

/** A leaf whose bytes go to the first one who wants them as his own. */
export class TransferredLeaf implements Leaf {
  readonly byteLength: number;
  digest: string | undefined;
  #bytes: Uint8Array<ArrayBuffer> | undefined;
  #isKept = false;
  /** Whether a job had the bytes, and may have written to them. */
  #wasUsed = false;
  readonly #path: string;

  /** The path is for messages. */
  constructor(
    bytes: Uint8Array<ArrayBuffer>,
    digest: string | undefined,
    path: string,
  ) {
    isUsed = true;
    this.#bytes = bytes;
    this.byteLength = bytes.byteLength;
    this.digest = digest;
    this.#path = path;
  }

  /** Whether somebody has the bytes. */
  get isGone(): boolean {
    return this.#bytes === undefined;
  }

  peek(): Uint8Array<ArrayBuffer> {
    if (this.#bytes !== undefined) return this.#bytes;
    throw new ArgumentChangedError(
      `${this.#path} was moved by hi.transfer to who needed it first, and is not here any more: leave hi.transfer out where a value is needed again`,
    );
  }

  read(): Uint8Array<ArrayBuffer> {
    const bytes = this.peek();
    this.#wasUsed = true;
    if (this.#isKept) return bytes.slice();
    this.#bytes = undefined;
    return bytes;
  }

  /** From now on whoever wants the bytes gets a copy. Throws as `peek` does. */
  keep(): void {
    this.peek();
    this.#isKept = true;
  }

  /** The bytes for a reader elsewhere, who makes a copy of them; from now on everybody gets one. Throws as `peek` does. */
  lend(): Uint8Array<ArrayBuffer> {
    this.keep();
    this.#wasUsed = true;
    return this.peek();
  }

  /** Gets bytes back that nobody has used. */
  putBack(bytes: Uint8Array<ArrayBuffer>): void {
    this.#bytes = bytes;
    this.#wasUsed = false;
  }

  /** Takes the bytes away from who had them, or a copy if their buffer is among those that are lent. */
  take(lent?: ReadonlySet<ArrayBuffer>): void {
    const bytes = this.peek();
    const canMove = bytes.byteLength === bytes.buffer.byteLength &&
      lent?.has(bytes.buffer) !== true;
    const buffer = canMove ? moved(bytes.buffer) : undefined;
    this.#bytes = buffer === undefined ? bytes.slice() : new Uint8Array(buffer);
  }

  /** The same bytes until a job has them; they are not kept for it. */
  weakly(): Leaf {
    const leaf = new WeakRef<TransferredLeaf>(this);
    const { byteLength, digest } = this;
    const path = this.#path;
    const peek = (): Uint8Array<ArrayBuffer> => {
      const there = leaf.deref();
      if (there !== undefined && !there.#wasUsed) return there.peek();
      throw new ArgumentChangedError(`${path} was transferred`);
    };
    return { byteLength, digest, peek, read: () => peek().slice() };
  }
}

/** Lets everybody have copies of what was transferred. Throws as `peek` of a leaf does. */
export function keepLeaves(value: EncodedValue): void {
  // The parts of a value that is stored are read when somebody looks at them.
  if (!isUsed) return;
  for (const leaf of value.leaves) {
    if (leaf instanceof TransferredLeaf) leaf.keep();
  }
}

/** Whether something of a value was transferred. */
export function hasTransferred(value: EncodedValue): boolean {
  return isUsed &&
    value.leaves.some((leaf) => leaf instanceof TransferredLeaf);
}

/** Whether something of a value has been moved to somebody else. */
export function isMoved(value: EncodedValue): boolean {
  return isUsed &&
    value.leaves.some((leaf) => leaf instanceof TransferredLeaf && leaf.isGone);
}

/** The buffer in the hands of another owner; `undefined` if it cannot be moved, as the memory of WebAssembly. */
function moved(buffer: ArrayBuffer): ArrayBuffer | undefined {
  try {
    return buffer.transfer();
  } catch {
    return undefined;
  }
}
