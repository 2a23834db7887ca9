/**
 * Memory that jobs see where it is, as its owner has said that nobody writes to it any more.
 *
 * @module
 */

import defer * as buffers from "node:buffer";
import { ArgumentChangedError } from "../errors.ts";
import type { Leaf } from "./encoded.ts";
import {
  Kind,
  kindOf,
  type TypedArrayClass,
  typedArrayClasses,
  typedArrayTag,
} from "./kinds.ts";
import { ownSymbol, typedArrayKey } from "./own_keys.ts";
import { hasMethod, shown } from "./refusal.ts";
import { sampleOf } from "./sample.ts";
import { sha256Hex } from "./sha256.ts";

/**
 * What {@linkcode share} makes of an array: the same kind of view, on a `SharedArrayBuffer`.
 *
 * @example
 * ```ts
 * import * as hi from "@hither/hither";
 *
 * const shared: hi.Shared<Float64Array> = hi.share(new Float64Array(3));
 * console.assert(shared.buffer instanceof SharedArrayBuffer);
 * ```
 */
export type Shared<A extends ArrayBufferView | ArrayBufferLike> = A extends
  Uint8Array ? Uint8Array<SharedArrayBuffer>
  : A extends Uint8ClampedArray ? Uint8ClampedArray<SharedArrayBuffer>
  : A extends Int8Array ? Int8Array<SharedArrayBuffer>
  : A extends Uint16Array ? Uint16Array<SharedArrayBuffer>
  : A extends Int16Array ? Int16Array<SharedArrayBuffer>
  : A extends Uint32Array ? Uint32Array<SharedArrayBuffer>
  : A extends Int32Array ? Int32Array<SharedArrayBuffer>
  : A extends BigUint64Array ? BigUint64Array<SharedArrayBuffer>
  : A extends BigInt64Array ? BigInt64Array<SharedArrayBuffer>
  : A extends Float16Array ? Float16Array<SharedArrayBuffer>
  : A extends Float32Array ? Float32Array<SharedArrayBuffer>
  : A extends Float64Array ? Float64Array<SharedArrayBuffer>
  : A extends DataView ? DataView<SharedArrayBuffer>
  : SharedArrayBuffer;

/** Of a piece of memory of which somebody has said that nobody writes to it any more. */
interface Promised {
  readonly start: number;
  readonly end: number;
  /** Whether it was said anew: then what was made of it before may be out of date. */
  isReplaced: boolean;
}

const promised = new WeakMap<SharedArrayBuffer, Promised[]>();

/**
 * Says that nobody writes to an array any more. Then jobs that have it among their
 * arguments see that very memory: nothing is copied for them, however many there are.
 *
 * - A typed array, `DataView` or `ArrayBuffer` is copied once, into a `SharedArrayBuffer`. What is in one
 *   already is returned as it is: fill it, and share it then.
 * - It may stand anywhere among the arguments, in several places, and in those of many jobs; a view of a
 *   part of it as well (`subarray`). Web workers look at the memory of the program. To each process the bytes
 *   go once, and its jobs look at that copy, as long as the program has the array.
 * - Keys and the cache are the same as for a plain array with the same bytes. They are hashed once, and
 *   without a cache not at all. A result that holds such an array is a plain copy of it.
 *
 * The function must not write to it, as all jobs would see that. Whether somebody did is looked at before and after
 * each job, in 512 places of 8 bytes: to sort, scale or fill a large array is found each time, to change a few
 * elements of it mostly not. Then the job fails with an `ArgumentChangedError`, and so do others that have it.
 *
 * Share an array once, and pass on what you got: each call makes another copy, or forgets
 * what was known of the bytes.
 *
 * @param array What to share.
 * @returns The same kind of view of a `SharedArrayBuffer`; that itself for a buffer.
 * @throws {TypeError} if it is something else, is detached, or has a buffer whose length may change.
 * @throws {RangeError} if there is no memory for a copy.
 *
 * @example
 * ```ts
 * import * as hi from "@hither/hither";
 *
 * const dot = hi.func("share_dot", "1", (table: Float64Array, row: number, other: number) => {
 *   let sum = 0;
 *   for (let i = 0; i < 1_000; i++) sum += table[1_000 * row + i]! * table[1_000 * other + i]!;
 *   return sum;
 * });
 *
 * const table = hi.share(new Float64Array(1_000_000).fill(2));
 * const jobs = [1, 2, 3].map((row) => dot.run(table, 0, row));
 * console.assert((await Promise.all(jobs)).every((sum) => sum === 4_000));
 * ```
 */
export function share<A extends ArrayBufferView | ArrayBufferLike>(
  array: A,
): Shared<A> {
  const kind = typeof array === "object" && array !== null
    ? kindOf(array)
    : Kind.UNKNOWN;
  const isBuffer = kind === Kind.BUFFER || kind === Kind.SHARED_BUFFER;
  if (!isBuffer && kind !== Kind.TYPED_ARRAY && kind !== Kind.DATA_VIEW) {
    throw new TypeError(whyNot(array));
  }
  const buffer = isBuffer
    ? array as ArrayBufferLike
    : (array as ArrayBufferView).buffer;
  const isShared = buffer instanceof SharedArrayBuffer;
  if (!isShared && buffer.detached) {
    throw new TypeError(
      `Cannot share ${
        shown(array)
      } as its buffer must be there: current one is detached, so share it before it is given away`,
    );
  }
  if (isShared ? buffer.growable : buffer.resizable) {
    throw new TypeError(
      `Cannot share ${
        shown(array)
      } as its buffer must have a fixed length: current one has a maxByteLength, so share a copy that slice() makes`,
    );
  }
  const [byteOffset, byteLength] = isBuffer
    ? [0, buffer.byteLength]
    : [(array as ArrayBufferView).byteOffset, array.byteLength];
  const memory = isShared ? buffer : new SharedArrayBuffer(byteLength);
  const start = isShared ? byteOffset : 0;
  let view: object = array;
  if (!isShared) {
    refuseKeys(array, kind);
    const bytes = new Uint8Array(buffer, byteOffset, byteLength);
    new Uint8Array(memory).set(bytes);
    view = isBuffer
      ? memory
      : viewAs(classOf(array, kind), memory, 0, byteLength);
  }
  promiseAnew(memory, start, start + byteLength);
  parts.set(view, new SharedPart(memory, start, byteLength));
  return view as Shared<A>;
}

/** Why something cannot be shared, and what to do. */
function whyNot(value: unknown): string {
  if (typeof value === "object" && value !== null && hasMethod(value, "then")) {
    return `Cannot share ${
      shown(value)
    } as it has no value yet: await it first`;
  }
  const cure = typeof value === "object" && value !== null
    ? ArrayBuffer.isView(value)
      ? ": share a plain view of its buffer"
      : ", so share each array in it"
    : "";
  return `Cannot share a value as it must be a typed array, a DataView, an ArrayBuffer or a SharedArrayBuffer: current value is ${
    shown(value)
  }${cure}`;
}

/** A copy has none of the keys that somebody has given to an array. */
function refuseKeys(array: object, kind: number): void {
  const key = ownSymbol(array) ??
    (kind === Kind.TYPED_ARRAY
      ? typedArrayKey(array as Uint8Array<ArrayBuffer>)
      : Object.getOwnPropertyNames(array)[0]);
  if (key === undefined) return;
  throw new TypeError(
    `Cannot share ${
      shown(array)
    } as it must have no keys of its own: current one is ${
      String(key)
    }, which would be lost`,
  );
}

/** What makes views of memory, of one kind. */
export interface ViewClass {
  readonly prototype: object;
  readonly BYTES_PER_ELEMENT?: number;
  new (
    memory: SharedArrayBuffer,
    byteOffset: number,
    length: number,
  ): ArrayBufferView<SharedArrayBuffer>;
}

function classOf(view: object, kind: number): ViewClass {
  if (kind === Kind.DATA_VIEW) return DataView;
  const type: TypedArrayClass = typedArrayClasses.get(typedArrayTag(view))!;
  return type as unknown as ViewClass;
}

function viewAs(
  type: ViewClass,
  memory: SharedArrayBuffer,
  byteOffset: number,
  byteLength: number,
): ArrayBufferView<SharedArrayBuffer> {
  const { BYTES_PER_ELEMENT = 1 } = type;
  return new type(memory, byteOffset, byteLength / BYTES_PER_ELEMENT);
}

/** Takes note that nobody writes to some bytes any more, as somebody has said elsewhere. */
export function promise(
  { buffer, byteOffset, byteLength }: ArrayBufferView<SharedArrayBuffer>,
): void {
  if (promiseOf(buffer, byteOffset, byteLength) !== undefined) return;
  promiseAnew(buffer, byteOffset, byteOffset + byteLength);
}

/** Takes note of a promise, together with those about what lies next to it. */
function promiseAnew(
  memory: SharedArrayBuffer,
  start: number,
  end: number,
): void {
  let all = { start, end };
  const others: Promised[] = [];
  for (const each of promised.get(memory) ?? []) {
    if (each.end < start || each.start > end) others.push(each);
    else {
      each.isReplaced = true;
      all = {
        start: Math.min(all.start, each.start),
        end: Math.max(all.end, each.end),
      };
    }
  }
  promised.set(memory, [...others, { ...all, isReplaced: false }]);
}

/** The promise that covers some bytes; `undefined` if nobody has given it. */
export function promiseOf(
  memory: SharedArrayBuffer,
  byteOffset: number,
  byteLength: number,
): Readonly<Promised> | undefined {
  return promised.get(memory)?.find(({ start, end }) =>
    start <= byteOffset && byteOffset + byteLength <= end
  );
}

/** Bytes that nobody writes to any more, and what is known of them. */
export class SharedPart {
  readonly memory: SharedArrayBuffer;
  readonly byteOffset: number;
  readonly byteLength: number;
  /** What was seen of the bytes when they were promised, or met first. */
  readonly sample: number;
  /** Whether it has come from elsewhere, where more is known of it. */
  readonly isGiven: boolean;
  #digest: string | undefined;

  /** The sample and the digest are given where they are known from elsewhere. */
  constructor(
    memory: SharedArrayBuffer,
    byteOffset: number,
    byteLength: number,
    sample?: number,
    digest?: string,
  ) {
    this.memory = memory;
    this.byteOffset = byteOffset;
    this.byteLength = byteLength;
    this.isGiven = sample !== undefined;
    this.sample = sample ?? sampleOf(memory, byteOffset, byteLength);
    this.#digest = digest;
  }

  /** A view of the bytes. */
  get bytes(): Uint8Array<SharedArrayBuffer> {
    return new Uint8Array(this.memory, this.byteOffset, this.byteLength);
  }

  /** SHA-256 of the bytes, where somebody has computed it. */
  get knownDigest(): string | undefined {
    return this.#digest;
  }

  /** SHA-256 of the bytes, computed once. */
  get digest(): string {
    return this.#digest ??= sha256Hex(this.bytes);
  }

  /** Whether the bytes look as they did. */
  get isUnchanged(): boolean {
    const { memory, byteOffset, byteLength, sample } = this;
    return sampleOf(memory, byteOffset, byteLength) === sample;
  }

  /**
   * Makes sure that the bytes look as they did.
   *
   * @throws {ArgumentChangedError} if they do not.
   */
  check(path: string): void {
    if (this.isUnchanged) return;
    throw new ArgumentChangedError(
      `${path} was written to after hi.share had said that nobody does: copy it with slice() where it is written to, or call hi.share again once it is as it is to be`,
    );
  }
}

/** By view, and by buffer where that stands for itself. */
const parts = new WeakMap<object, SharedPart>();

/**
 * What is known of a view of shared memory, or of such a buffer itself; `undefined` if nobody has promised
 * to leave it as it is.
 */
export function partOf(
  object: object,
  memory: SharedArrayBuffer,
  byteOffset: number,
  byteLength: number,
): SharedPart | undefined {
  let part = parts.get(object);
  if (part === undefined && promiseOf(memory, byteOffset, byteLength)) {
    part = new SharedPart(memory, byteOffset, byteLength);
    parts.set(object, part);
  }
  return part;
}

/** A leaf that jobs see where it is. */
export class InPlaceLeaf implements Leaf {
  readonly byteLength: number;
  /** Where it stands, for messages. */
  readonly path: string;
  readonly #part: SharedPart | WeakRef<SharedPart>;
  readonly #object: object | undefined;

  /** `object` is the view or the buffer as it was given, if it is here. */
  constructor(
    part: SharedPart | WeakRef<SharedPart>,
    byteLength: number,
    path: string,
    object?: object,
  ) {
    this.#part = part;
    this.byteLength = byteLength;
    this.path = path;
    this.#object = object;
  }

  /**
   * The memory, and what is known of it.
   *
   * @throws {ArgumentChangedError} if it is not kept, and gone.
   */
  get part(): SharedPart {
    const part = this.#part instanceof WeakRef
      ? this.#part.deref()
      : this.#part;
    if (part !== undefined) return part;
    throw new ArgumentChangedError(`${this.path} is gone since run()`);
  }

  get digest(): string | undefined {
    return this.part.knownDigest;
  }

  peek(): Uint8Array<ArrayBuffer> {
    return this.read();
  }

  read(): Uint8Array<ArrayBuffer> {
    return this.part.bytes.slice();
  }

  /** The same bytes as long as somebody has them; they are not kept for it. */
  weakly(): InPlaceLeaf {
    return new InPlaceLeaf(new WeakRef(this.part), this.byteLength, this.path);
  }

  /** Whether another one has the same bytes. */
  hasBytesOf(other: InPlaceLeaf): boolean {
    const [one, two] = [this.part, other.part];
    if (one.memory === two.memory && one.byteOffset === two.byteOffset) {
      return one.byteLength === two.byteLength;
    }
    return buffers.Buffer.compare(one.bytes, two.bytes) === 0;
  }

  /** What a job gets: a view of that kind, or the buffer itself without one. */
  object(type: ViewClass | undefined): object {
    const given = this.#object;
    if (
      given !== undefined &&
      Object.getPrototypeOf(given) ===
        (type ?? SharedArrayBuffer).prototype
    ) return given;
    const { part } = this;
    const { memory, byteOffset, byteLength } = part;
    const object = type === undefined
      ? memory
      : viewAs(type, memory, byteOffset, byteLength);
    promise(part.bytes);
    parts.set(object, part);
    return object;
  }
}
