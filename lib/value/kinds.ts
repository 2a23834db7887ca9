/**
 * What a value can be, and how each kind is written: the one table.
 *
 * @module
 */

import { errorPrototypes } from "./error_classes.ts";
import { FileReference } from "./file_reference.ts";
import { FolderReference } from "./folder_reference.ts";

// Private tags stand in the first-come-first-served space, from "hit\0" on.
const PRIVATE = 0x6869_7400;

/**
 * The CBOR tags that we write. Numbers, text, booleans, null, undefined, arrays, plain
 * objects (maps) and ArrayBuffers (byte strings) need none.
 */
export const Tag = {
  // RFC 8949, section 3.4.3: bigint
  BIGINT: 2,
  NEGATIVE_BIGINT: 3,
  // Registry, "Value Sharing": an object met more than once
  SHARED: 28,
  REFERENCE: 29,
  // RFC 8949, section 3.4.5.3
  URL: 32,
  // RFC 8746, section 2.1: typed arrays, little-endian
  UINT8: 64,
  UINT16: 69,
  UINT32: 70,
  BIG_UINT64: 71,
  UINT8_CLAMPED: 68,
  INT8: 72,
  INT16: 77,
  INT32: 78,
  BIG_INT64: 79,
  FLOAT16: 84,
  FLOAT32: 85,
  FLOAT64: 86,
  // Registry, "Set" and "Map"
  SET: 258,
  MAP: 259,

  /** In an array: so many holes. */
  HOLES: PRIVATE + 0,
  /** `[array, {its other keys}]` */
  KEYED_ARRAY: PRIVATE + 1,
  /** A string with lone surrogates: its UTF-16 code units, little-endian. */
  UTF16: PRIVATE + 2,
  /** A plain object without prototype: a map. */
  NULL_OBJECT: PRIVATE + 3,
  /** ms since the epoch, or NaN. */
  DATE: PRIVATE + 4,
  /** `[source, flags, lastIndex]` */
  REGEXP: PRIVATE + 5,
  /** `[class, content]`, see `temporal.ts`. */
  TEMPORAL: PRIVATE + 6,
  /** A byte string. */
  DATA_VIEW: PRIVATE + 7,
  /** `[class, {own properties}, [those that are enumerable]]` */
  ERROR: PRIVATE + 8,
  /** `[path, SHA-256, size]`; in a key the SHA-256 alone. */
  FILE: PRIVATE + 9,
  /** `[name of the codec, what it made]` */
  CODEC: PRIVATE + 10,
  /** In bytes only: the index of a job among the arguments. */
  JOB: PRIVATE + 11,
  /** In bytes only, for a byte string: `[index of the leaf, its length]` */
  LEAF: PRIVATE + 12,
  /** In keys only, for a byte string: the SHA-256 of its content. */
  RAW_LINK: PRIVATE + 13,
  /** In keys only, for any other node: the SHA-256 of its deterministic form. */
  NODE_LINK: PRIVATE + 14,
  /** `[path, [[path in it, kind, SHA-256, size]]]`; in a key a SHA-256 alone, see `folder_reference.ts`. */
  FOLDER: PRIVATE + 15,
  /** In bytes of arguments only, for memory that jobs see where it is: as `LEAF`. */
  IN_PLACE: PRIVATE + 16,
} as const;

/** The kinds of objects; a typed array is known by its tag. */
export const Kind = {
  UNKNOWN: 0,
  PLAIN: 1,
  ARRAY: 2,
  BUFFER: 3,
  TYPED_ARRAY: 4,
  SHARED_BUFFER: 5,
  MAP: Tag.MAP,
  SET: Tag.SET,
  URL: Tag.URL,
  NULL_OBJECT: Tag.NULL_OBJECT,
  DATE: Tag.DATE,
  REGEXP: Tag.REGEXP,
  TEMPORAL: Tag.TEMPORAL,
  DATA_VIEW: Tag.DATA_VIEW,
  ERROR: Tag.ERROR,
  FILE: Tag.FILE,
  FOLDER: Tag.FOLDER,
} as const;

/** A constructor of typed arrays. */
export interface TypedArrayClass {
  readonly name: string;
  readonly prototype: object;
  readonly BYTES_PER_ELEMENT: number;
  new (
    buffer: ArrayBuffer,
    byteOffset: number,
    length: number,
  ): ArrayBufferView<ArrayBuffer>;
}

/** The classes of typed arrays, by tag. */
export const typedArrayClasses: ReadonlyMap<number, TypedArrayClass> = new Map<
  number,
  TypedArrayClass
>([
  [Tag.UINT8, Uint8Array],
  [Tag.UINT16, Uint16Array],
  [Tag.UINT32, Uint32Array],
  [Tag.BIG_UINT64, BigUint64Array],
  [Tag.UINT8_CLAMPED, Uint8ClampedArray],
  [Tag.INT8, Int8Array],
  [Tag.INT16, Int16Array],
  [Tag.INT32, Int32Array],
  [Tag.BIG_INT64, BigInt64Array],
  [Tag.FLOAT16, Float16Array],
  [Tag.FLOAT32, Float32Array],
  [Tag.FLOAT64, Float64Array],
]);

const typedArrayTags = new Map<string, number>();
const kindOfPrototype = new Map<object, number>([
  [ArrayBuffer.prototype, Kind.BUFFER],
  [SharedArrayBuffer.prototype, Kind.SHARED_BUFFER],
  [DataView.prototype, Kind.DATA_VIEW],
  [Map.prototype, Kind.MAP],
  [Set.prototype, Kind.SET],
  [URL.prototype, Kind.URL],
  [Date.prototype, Kind.DATE],
  [RegExp.prototype, Kind.REGEXP],
  [FileReference.prototype, Kind.FILE],
  [FolderReference.prototype, Kind.FOLDER],
]);
for (const [tag, type] of typedArrayClasses) {
  typedArrayTags.set(type.name, tag);
  kindOfPrototype.set(type.prototype, Kind.TYPED_ARRAY);
}

let rareKinds: ReadonlyMap<object, number> | undefined;

/** Kinds that few programs have values of: to name their classes for the first time takes a while. */
function rareKindOf(prototype: object): number | undefined {
  if (rareKinds === undefined) {
    const kinds = new Map<object, number>();
    for (const each of errorPrototypes()) kinds.set(each, Kind.ERROR);
    for (
      const type of [
        Temporal.Duration,
        Temporal.Instant,
        Temporal.PlainDate,
        Temporal.PlainDateTime,
        Temporal.PlainMonthDay,
        Temporal.PlainTime,
        Temporal.PlainYearMonth,
        Temporal.ZonedDateTime,
      ]
    ) kinds.set(type.prototype, Kind.TEMPORAL);
    rareKinds = kinds;
  }
  return rareKinds.get(prototype);
}

/** Whether the prototype belongs to a kind of its own, for which there can be no codec. */
export function isKnownPrototype(prototype: object | null): boolean {
  return prototype === null || prototype === Object.prototype ||
    prototype === Array.prototype || kindOfPrototype.has(prototype) ||
    rareKindOf(prototype) !== undefined;
}

/** The kind of an object, by its exact prototype; unknown if it needs a codec. */
export function kindOf(object: object): number {
  const prototype = Object.getPrototypeOf(object);
  if (prototype === Object.prototype) return Kind.PLAIN;
  if (prototype === Array.prototype) {
    return Array.isArray(object) ? Kind.ARRAY : Kind.UNKNOWN;
  }
  if (prototype === null) return Kind.NULL_OBJECT;
  const kind = kindOfPrototype.get(prototype) ?? rareKindOf(prototype);
  return kind !== undefined && isGenuine(object, kind) ? kind : Kind.UNKNOWN;
}

// Getters that throw, or give nothing, for an object that only has the prototype.
const typedArrayName = getter(
  Object.getPrototypeOf(Uint8Array.prototype),
  Symbol.toStringTag,
);
const probes = new Map<number, (this: object) => unknown>([
  [Kind.BUFFER, getter(ArrayBuffer.prototype, "byteLength")],
  [Kind.SHARED_BUFFER, getter(SharedArrayBuffer.prototype, "byteLength")],
  // Its byteLength throws for a detached buffer, its buffer does not.
  [Kind.DATA_VIEW, getter(DataView.prototype, "buffer")],
  [Kind.MAP, getter(Map.prototype, "size")],
  [Kind.SET, getter(Set.prototype, "size")],
  [Kind.URL, getter(URL.prototype, "href")],
  [Kind.DATE, Date.prototype.getTime],
  [Kind.REGEXP, getter(RegExp.prototype, "source")],
]);

function getter(
  prototype: object,
  key: string | symbol,
): (this: object) => unknown {
  return Object.getOwnPropertyDescriptor(prototype, key)!.get!;
}

function isGenuine(object: object, kind: number): boolean {
  if (kind === Kind.TYPED_ARRAY) {
    const name = typedArrayName.call(object) as string;
    const tag = typedArrayTags.get(name);
    return tag !== undefined &&
      typedArrayClasses.get(tag)!.prototype === Object.getPrototypeOf(object);
  }
  if (kind === Kind.ERROR) return Error.isError(object);
  if (kind === Kind.FILE) return FileReference.isGenuine(object);
  if (kind === Kind.FOLDER) return FolderReference.isGenuine(object);
  const probe = probes.get(kind);
  if (probe === undefined) {
    try {
      // The valueOf of Temporal throws in any case, its toString for what is not genuine.
      (object as { toString(): string }).toString();
      return true;
    } catch {
      return false;
    }
  }
  try {
    probe.call(object);
    return true;
  } catch {
    return false;
  }
}

/** The tag of a genuine typed array. */
export function typedArrayTag(array: object): number {
  return typedArrayTags.get(typedArrayName.call(array) as string)!;
}
