/**
 * From faithful bytes back to the value. No code is run but that of the codecs
 * that this program registered.
 *
 * @module
 */

import { errorText } from "../error_text.ts";
import { DecodeError } from "../errors.ts";
import { codecOfName } from "./codec.ts";
import type { EncodedValue, Leaf, LeafDigests } from "./encoded.ts";
import { bareError, DOM_EXCEPTION, errorClass } from "./error_classes.ts";
import { FileReference } from "./file_reference.ts";
import {
  FOLDER_KINDS,
  type FolderEntry,
  FolderReference,
} from "./folder_reference.ts";
import { MAX_DEPTH } from "./format.ts";
import { Tag, type TypedArrayClass, typedArrayClasses } from "./kinds.ts";
import { Initial, Major } from "./output.ts";
import { formatPath, Place } from "./path.ts";
import { temporalObject } from "./temporal.ts";
import { InPlaceLeaf, type ViewClass } from "./in_place.ts";
import { readUtf16, shortText } from "./text.ts";
import { TransferredLeaf } from "./transfer.ts";

/** How to decode a value. */
export interface DecodeOptions {
  /** How paths in messages begin: `"args"`, `"result"`. */
  root?: string;
  /** What stands for the job of an index: its result. */
  job?: (index: number) => unknown;
  /** Is given the digests of the leaves, where they are known. */
  digests?: LeafDigests;
  /** Whether leaves may be somebody else's bytes, for looking at. */
  lend?: boolean;
  /** Gets the buffers that are lent. Given where that is all the same an owner's: what was transferred is not lent then. */
  lent?: Set<ArrayBuffer> | undefined;
}

/**
 * Decodes a value.
 *
 * @throws {DecodeError} if the bytes are not whole, or need a codec that is not registered.
 */
export function decodeValue(
  encoded: EncodedValue,
  options: DecodeOptions = {},
): unknown {
  return new Decoder(encoded, options).decode();
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The longest array there can be. */
const MAX_LENGTH = 2 ** 32 - 1;

/** Bytes, and their digest where it is known. */
interface Bytes {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly digest: string | undefined;
}

/** Stands for a shared object whose content is not decoded yet. */
const UNFINISHED = Symbol("unfinished");

/** A codec threw; its place becomes known on the way out. */
class CodecFailure {
  constructor(readonly codec: string, readonly cause: unknown) {}
}

class Decoder {
  readonly #bytes: Uint8Array<ArrayBuffer>;
  #viewed: DataView | undefined;
  readonly #leaves: readonly Leaf[];
  readonly #options: DecodeOptions;
  readonly #shared: unknown[] = [];
  #jobs: Map<number, unknown> | undefined;
  #at = 0;

  // Where a codec failed. Found out on the way back, as nothing may be kept on the way there:
  // that would cost a tenth of the time.
  #failure: CodecFailure | undefined;
  readonly #steps: unknown[] = [];
  readonly #places: number[] = [];

  constructor({ bytes, leaves }: EncodedValue, options: DecodeOptions) {
    this.#bytes = bytes;
    this.#leaves = leaves;
    this.#options = options;
  }

  /** Made when it is needed: the buffer of a short array does not exist before that. */
  get #view(): DataView {
    if (this.#viewed !== undefined) return this.#viewed;
    const { buffer, byteOffset, byteLength } = this.#bytes;
    return this.#viewed = new DataView(buffer, byteOffset, byteLength);
  }

  decode(): unknown {
    let value: unknown;
    try {
      value = this.#value(0);
    } catch (error) {
      throw error === this.#failure ? this.#codecFailed(this.#failure!) : error;
    }
    if (this.#at !== this.#bytes.length) {
      throw this.#broken("something follows");
    }
    return value;
  }

  #value(depth: number): unknown {
    const initial = this.#byte();
    switch (initial >> 5) {
      case Major.UINT:
        return this.#argument(initial);
      case Major.NEGATIVE: {
        const value = -1 - this.#argument(initial);
        if (!Number.isSafeInteger(value)) {
          throw this.#broken("a number too large");
        }
        return value;
      }
      case Major.BYTES:
        return this.#rawBytes(initial).buffer;
      case Major.TEXT:
        return this.#textBody(initial);
      case Major.ARRAY:
        this.#checkDepth(depth);
        return this.#array(initial, depth);
      case Major.MAP:
        this.#checkDepth(depth);
        return this.#properties({}, initial, depth);
      case Major.TAG:
        return this.#tagged(this.#argument(initial), depth);
      default:
        return this.#simple(initial);
    }
  }

  #simple(initial: number): unknown {
    switch (initial) {
      case Initial.FALSE:
        return false;
      case Initial.TRUE:
        return true;
      case Initial.NULL:
        return null;
      case Initial.UNDEFINED:
        return undefined;
      case Initial.FLOAT16:
        return this.#view.getFloat16(this.#take(2));
      case Initial.FLOAT32:
        return this.#view.getFloat32(this.#take(4));
      case Initial.FLOAT64:
        return this.#view.getFloat64(this.#take(8));
      default:
        throw this.#broken(`an initial byte of ${initial}`);
    }
  }

  #tagged(tag: number, depth: number): unknown {
    switch (tag) {
      case Tag.BIGINT:
        return this.#bigint();
      case Tag.NEGATIVE_BIGINT:
        return -1n - this.#bigint();
      case Tag.UTF16:
        return this.#utf16();
      case Tag.REFERENCE:
        return this.#reference();
      case Tag.SHARED: {
        const index = this.#shared.push(UNFINISHED) - 1;
        // A tag for a tag for a tag would not count as depth.
        if (
          this.#bytes[this.#at] === (Major.TAG << 5 | 24) &&
          this.#bytes[this.#at + 1] === Tag.SHARED
        ) {
          throw this.#broken("an object shared twice");
        }
        const value = this.#value(depth);
        if (typeof value !== "object" || value === null) {
          throw this.#broken("a shared value that is no object");
        }
        this.#shared[index] = value;
        return value;
      }
      case Tag.JOB:
        return this.#job();
    }
    this.#checkDepth(depth);
    return this.#object(tag, depth);
  }

  #object(tag: number, depth: number): unknown {
    const type = typedArrayClasses.get(tag);
    if (type !== undefined) return this.#typedArray(type);
    switch (tag) {
      case Tag.DATA_VIEW: {
        const source = this.#binary();
        if (source instanceof InPlaceLeaf) return source.object(DataView);
        const { bytes, digest } = source;
        return this.#known(
          new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength),
          digest,
        );
      }
      case Tag.LEAF: {
        const { bytes, digest } = this.#leaf();
        const whole = bytes.byteLength === bytes.buffer.byteLength;
        return this.#known((whole ? bytes : bytes.slice()).buffer, digest);
      }
      case Tag.IN_PLACE:
        return this.#inPlace().object(undefined);
      case Tag.NULL_OBJECT:
        return this.#properties(
          Object.create(null),
          this.#head(Major.MAP),
          depth,
        );
      case Tag.KEYED_ARRAY: {
        this.#tuple(2);
        const array = this.#array(this.#head(Major.ARRAY), depth);
        return this.#properties(array, this.#head(Major.MAP), depth);
      }
      case Tag.MAP:
        return this.#map(depth);
      case Tag.SET:
        return this.#set(depth);
      case Tag.DATE:
        return new Date(this.#number());
      case Tag.URL: {
        const href = this.#text();
        return this.#made("a URL", () => new URL(href));
      }
      case Tag.REGEXP: {
        this.#tuple(3);
        const source = this.#text();
        const flags = this.#text();
        const regexp = this.#made(
          "a RegExp",
          () => new RegExp(source, flags),
        );
        regexp.lastIndex = this.#value(depth + 1) as number;
        return regexp;
      }
      case Tag.TEMPORAL: {
        this.#tuple(2);
        const name = this.#text();
        const content = this.#value(depth);
        return this.#made("a Temporal", () => temporalObject(name, content));
      }
      case Tag.ERROR:
        return this.#error(depth);
      case Tag.FILE:
        return this.#file();
      case Tag.FOLDER:
        return this.#folder();
      case Tag.CODEC:
        return this.#codec(depth);
      default:
        throw this.#broken(`tag ${tag}, which is not known here`);
    }
  }

  // Objects with keys.

  #properties<T extends object>(target: T, initial: number, depth: number): T {
    const count = this.#argument(initial);
    const object = target as Record<string, unknown>;
    for (let i = 0; i < count; i++) {
      const name = this.#text();
      let value: unknown;
      try {
        value = this.#value(depth + 1);
      } catch (error) {
        throw this.#leave(error, Place.PROPERTY, name);
      }
      if (name === "__proto__") {
        // Assigning it would set the prototype.
        Object.defineProperty(object, name, {
          value,
          writable: true,
          enumerable: true,
          configurable: true,
        });
      } else {
        object[name] = value;
      }
    }
    return target;
  }

  #array(initial: number, depth: number): unknown[] {
    const count = this.#argument(initial);
    const array: unknown[] = [];
    let length = 0;
    for (let i = 0; i < count; i++) {
      const holes = this.#holes();
      if (holes > 0) {
        length += holes;
        if (length > MAX_LENGTH) throw this.#broken("an array too long");
        continue;
      }
      try {
        if (length === array.length) array.push(this.#value(depth + 1));
        else array[length] = this.#value(depth + 1);
      } catch (error) {
        throw this.#leave(error, Place.PROPERTY, length);
      }
      length++;
    }
    if (array.length !== length) array.length = length;
    return array;
  }

  /** The number of holes that come next in an array. */
  #holes(): number {
    if (
      this.#bytes[this.#at] !== (Major.TAG << 5 | 26) ||
      this.#at + 5 > this.#bytes.length ||
      this.#view.getUint32(this.#at + 1) !== Tag.HOLES
    ) return 0;
    this.#at += 5;
    const holes = this.#argument(this.#head(Major.UINT));
    if (holes === 0) throw this.#broken("no holes");
    return holes;
  }

  #error(depth: number): Error {
    this.#tuple(3);
    const name = this.#text();
    const type = errorClass(name);
    if (type === undefined) {
      throw new DecodeError(
        `Cannot decode an error as no class ${name} is known here: use the version of hither and Deno that encoded it`,
      );
    }
    const count = this.#argument(this.#head(Major.MAP));
    const properties: [string, unknown][] = [];
    for (let i = 0; i < count; i++) {
      const key = this.#text();
      try {
        properties.push([key, this.#value(depth + 1)]);
      } catch (error) {
        throw this.#leave(error, Place.PROPERTY, key);
      }
    }
    const enumerable = new Set<string>();
    const marked = this.#argument(this.#head(Major.ARRAY));
    for (let i = 0; i < marked; i++) enumerable.add(this.#text());
    let error: Error;
    if (name === DOM_EXCEPTION) {
      const [message, kind] = properties.splice(0, 2);
      error = new DOMException(String(message?.[1]), String(kind?.[1]));
    } else {
      error = bareError(type);
    }
    if (properties[0]?.[0] !== "stack") delete error.stack;
    for (const [key, value] of properties) {
      if (key === "stack") {
        // An accessor of the engine's own, on the object itself.
        if (!Object.hasOwn(error, key)) Error.captureStackTrace(error);
        error.stack = value as string;
        continue;
      }
      Object.defineProperty(error, key, {
        value,
        writable: true,
        enumerable: enumerable.has(key),
        configurable: true,
      });
    }
    return error;
  }

  // Collections.

  #map(depth: number): Map<unknown, unknown> {
    const count = this.#argument(this.#head(Major.MAP));
    const map = new Map<unknown, unknown>();
    for (let i = 0; i < count; i++) {
      let key: unknown;
      let place: number = Place.MAP_KEY;
      try {
        key = this.#value(depth + 1);
        place = Place.MAP_VALUE;
        map.set(key, this.#value(depth + 1));
      } catch (error) {
        throw this.#leave(error, place, place === Place.MAP_KEY ? i : key);
      }
    }
    if (map.size !== count) throw this.#broken("a Map with a key twice");
    return map;
  }

  #set(depth: number): Set<unknown> {
    const count = this.#argument(this.#head(Major.ARRAY));
    const set = new Set<unknown>();
    for (let i = 0; i < count; i++) {
      try {
        set.add(this.#value(depth + 1));
      } catch (error) {
        throw this.#leave(error, Place.SET_MEMBER, i);
      }
    }
    if (set.size !== count) throw this.#broken("a Set with a member twice");
    return set;
  }

  // Binary data.

  #typedArray(type: TypedArrayClass): object {
    const size = type.BYTES_PER_ELEMENT;
    const source = this.#binary();
    if (source instanceof InPlaceLeaf) {
      return source.object(type as unknown as ViewClass);
    }
    const { bytes, digest } = source;
    if (bytes.byteLength % size !== 0) {
      throw this.#broken("a part of an element");
    }
    const aligned = bytes.byteOffset % size === 0 ? bytes : bytes.slice();
    return this.#known(
      new type(aligned.buffer, aligned.byteOffset, aligned.byteLength / size),
      digest,
    );
  }

  #binary(): Bytes | InPlaceLeaf {
    const initial = this.#byte();
    if (initial >> 5 === Major.BYTES) {
      return { bytes: this.#rawBytes(initial), digest: undefined };
    }
    const tag = initial >> 5 === Major.TAG ? this.#argument(initial) : -1;
    if (tag === Tag.IN_PLACE) return this.#inPlace();
    if (tag !== Tag.LEAF) throw this.#broken("no bytes where bytes must be");
    return this.#leaf();
  }

  #inPlace(): InPlaceLeaf {
    const leaf = this.#leafHead();
    if (leaf instanceof InPlaceLeaf) return leaf;
    throw this.#broken("a leaf that is in no shared memory");
  }

  #leaf(): Bytes {
    const leaf = this.#leafHead();
    const { byteLength } = leaf;
    const { lend, lent } = this.#options;
    const isLent = lend &&
      (lent === undefined || !(leaf instanceof TransferredLeaf));
    const bytes = isLent ? leaf.peek() : leaf.read();
    if (isLent) lent?.add(bytes.buffer);
    if (bytes.byteLength !== byteLength) {
      throw this.#broken(`a leaf with ${bytes.byteLength} bytes`);
    }
    return { bytes, digest: leaf.digest };
  }

  /** The leaf that comes next. */
  #leafHead(): Leaf {
    this.#tuple(2);
    const index = this.#argument(this.#head(Major.UINT));
    const byteLength = this.#argument(this.#head(Major.UINT));
    const leaf = this.#leaves[index];
    if (leaf === undefined) throw this.#broken(`no leaf ${index}`);
    if (leaf.byteLength !== byteLength) {
      throw this.#broken(
        `leaf ${index} with ${leaf.byteLength} bytes instead of ${byteLength}`,
      );
    }
    return leaf;
  }

  /** Keeps the digest of an object if it is known. */
  #known<T extends object>(object: T, digest: string | undefined): T {
    if (digest !== undefined) this.#options.digests?.set(object, digest);
    return object;
  }

  #rawBytes(initial: number): Uint8Array<ArrayBuffer> {
    const length = this.#argument(initial);
    const at = this.#take(length);
    return this.#bytes.slice(at, at + length);
  }

  // The others.

  #reference(): unknown {
    const index = this.#argument(this.#head(Major.UINT));
    const value = this.#shared[index];
    if (value === undefined || value === UNFINISHED) {
      throw this.#broken(`a reference to object ${index}, which is not there`);
    }
    return value;
  }

  #job(): unknown {
    const index = this.#argument(this.#head(Major.UINT));
    const { job } = this.#options;
    if (job === undefined) throw this.#broken("a job, where there can be none");
    this.#jobs ??= new Map();
    if (!this.#jobs.has(index)) this.#jobs.set(index, job(index));
    return this.#jobs.get(index);
  }

  #file(): FileReference {
    this.#tuple(3);
    const path = this.#text();
    const digest = this.#rawBytes(this.#head(Major.BYTES)).toHex();
    const size = this.#argument(this.#head(Major.UINT));
    return this.#made("a file", () => new FileReference(path, digest, size));
  }

  #folder(): FolderReference {
    this.#tuple(2);
    const root = this.#text();
    const count = this.#argument(this.#head(Major.ARRAY));
    const entries: FolderEntry[] = [];
    for (let i = 0; i < count; i++) {
      this.#tuple(4);
      const path = this.#text();
      const kind = FOLDER_KINDS[this.#argument(this.#head(Major.UINT))];
      if (kind === undefined) throw this.#broken("no kind of an entry");
      const digest = this.#rawBytes(this.#head(Major.BYTES)).toHex();
      const size = this.#argument(this.#head(Major.UINT));
      entries.push({ path, kind, digest, size });
    }
    return this.#made("a folder", () => new FolderReference(root, entries));
  }

  #codec(depth: number): object {
    this.#tuple(2);
    const name = this.#text();
    const codec = codecOfName(name);
    if (codec === undefined) {
      throw new DecodeError(
        `Cannot decode an instance as no codec named ${name} is registered here: register it in the module that defines its class`,
      );
    }
    let content: unknown;
    try {
      content = this.#value(depth + 1);
    } catch (error) {
      throw this.#leave(error, Place.ENCODED, name);
    }
    try {
      return codec.decode(content);
    } catch (cause) {
      throw this.#failure = new CodecFailure(name, cause);
    }
  }

  #bigint(): bigint {
    const digits = this.#rawBytes(this.#head(Major.BYTES)).toHex();
    return digits === "" ? 0n : BigInt(`0x${digits}`);
  }

  #number(): number {
    const value = this.#value(MAX_DEPTH);
    if (typeof value !== "number") {
      throw this.#broken("no number where one must be");
    }
    return value;
  }

  // Text.

  #text(): string {
    const initial = this.#byte();
    if (initial >> 5 === Major.TEXT) return this.#textBody(initial);
    if (initial >> 5 !== Major.TAG || this.#argument(initial) !== Tag.UTF16) {
      throw this.#broken("no text where text must be");
    }
    return this.#utf16();
  }

  #textBody(initial: number): string {
    const length = this.#argument(initial);
    const at = this.#take(length);
    const short = shortText(this.#bytes, at, length);
    if (short !== undefined) return short;
    const body = this.#bytes.subarray(at, at + length);
    return this.#made("text", () => utf8.decode(body));
  }

  #utf16(): string {
    const units = this.#rawBytes(this.#head(Major.BYTES));
    if (units.length % 2 !== 0) throw this.#broken("half a code unit");
    return readUtf16(units);
  }

  // The bytes.

  #byte(): number {
    return this.#bytes[this.#take(1)]!;
  }

  /** Moves on by some bytes; where they begin. */
  #take(length: number): number {
    const at = this.#at;
    if (at + length > this.#bytes.length) throw this.#broken("too few bytes");
    this.#at = at + length;
    return at;
  }

  /** The initial byte of an item that must have this major type. */
  #head(major: number): number {
    const initial = this.#byte();
    if (initial >> 5 !== major) {
      throw this.#broken(`another type than ${major}`);
    }
    return initial;
  }

  /** The head of an array that must have this length. */
  #tuple(length: number): void {
    if (this.#argument(this.#head(Major.ARRAY)) !== length) {
      throw this.#broken("another length");
    }
  }

  #argument(initial: number): number {
    const info = initial & 31;
    if (info < 24) return info;
    switch (info) {
      case 24:
        return this.#bytes[this.#take(1)]!;
      case 25:
        return this.#view.getUint16(this.#take(2));
      case 26:
        return this.#view.getUint32(this.#take(4));
      case 27: {
        const at = this.#take(8);
        const value = this.#view.getUint32(at) * 2 ** 32 +
          this.#view.getUint32(at + 4);
        if (!Number.isSafeInteger(value)) {
          throw this.#broken("a number too large");
        }
        return value;
      }
      default:
        throw this.#broken(`an initial byte of ${initial}`);
    }
  }

  #checkDepth(depth: number): void {
    if (depth >= MAX_DEPTH) throw this.#broken("too many levels");
  }

  /** On the way out of a codec's failure: through which part of what it goes. */
  #leave(error: unknown, place: number, step: unknown): unknown {
    if (error === this.#failure) {
      this.#places.unshift(place);
      this.#steps.unshift(step);
    }
    return error;
  }

  /** What a constructor makes of decoded data. */
  #made<T>(what: string, make: () => T): T {
    try {
      return make();
    } catch (cause) {
      throw new DecodeError(
        `Cannot decode ${what} at byte ${this.#at}: ${
          cause instanceof Error ? cause.message : String(cause)
        }`,
        { cause },
      );
    }
  }

  #codecFailed({ codec, cause }: CodecFailure): DecodeError {
    const { root = "value" } = this.#options;
    const path = formatPath(
      root,
      this.#places,
      this.#steps,
      this.#steps.length,
    );
    return new DecodeError(
      `${path} cannot be decoded as codec ${codec} failed: ${errorText(cause)}`,
      { cause },
    );
  }

  #broken(what: string): DecodeError {
    return new DecodeError(
      `Cannot decode a value as its bytes are not whole: there is ${what} at byte ${this.#at} of ${this.#bytes.length}`,
    );
  }
}
