/**
 * What is shared: jobs see it where it is, instead of getting a copy each.
 *
 * @module
 */

import { SharedHoldings } from "../garbage.ts";
import { promiseAnew, type ViewClass, viewOf } from "./in_place.ts";
import {
  Kind,
  kindOf,
  type TypedArrayClass,
  typedArrayClasses,
  typedArrayTag,
} from "./kinds.ts";
import { ownSymbol, typedArrayKey } from "./own_keys.ts";
import { hasMethod, shown } from "./refusal.ts";

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
  : A extends ArrayBufferView ? ArrayBufferView<SharedArrayBuffer>
  : SharedArrayBuffer;

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
  holdings.makeRoom();
  const memory = isShared ? buffer : new SharedArrayBuffer(byteLength);
  const start = isShared ? byteOffset : 0;
  let view: object = array;
  if (!isShared) {
    refuseKeys(array, kind);
    const bytes = new Uint8Array(buffer, byteOffset, byteLength);
    new Uint8Array(memory).set(bytes);
    view = isBuffer
      ? memory
      : viewOf(classOf(array, kind), memory, 0, byteLength);
  }
  holdings.add(memory);
  promiseAnew(view, memory, start, byteLength);
  return view as Shared<A>;
}

const holdings = new SharedHoldings();

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

function classOf(view: object, kind: number): ViewClass {
  if (kind === Kind.DATA_VIEW) return DataView;
  const type: TypedArrayClass = typedArrayClasses.get(typedArrayTag(view))!;
  return type as unknown as ViewClass;
}
