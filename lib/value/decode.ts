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
import { errorClass, errorOfParts } from "./error_classes.ts";
import { MAX_DEPTH } from "./format.ts";
import { InPlaceLeaf, type ViewClass } from "./in_place.ts";
import { Input } from "./input.ts";
import { Tag, type TypedArrayClass, typedArrayClasses } from "./kinds.ts";
import { Initial, Major } from "./output.ts";
import { formatPath, Place } from "./path.ts";
import { temporalObject } from "./temporal.ts";
import { TransferredLeaf } from "./transfer.ts";
import { readFile, readFolder } from "./written_files.ts";

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
  readonly #input: Input;
  readonly #leaves: readonly Leaf[];
  readonly #options: DecodeOptions;
  readonly #shared: unknown[] = [];
  #jobs: Map<number, unknown> | undefined;

  // Where a codec failed. Found out on the way back, as nothing may be kept on the way there:
  // that would cost a tenth of the time.
  #failure: CodecFailure | undefined;
  readonly #steps: unknown[] = [];
  readonly #places: number[] = [];

  constructor({ bytes, leaves }: EncodedValue, options: DecodeOptions) {
    this.#input = new Input(bytes);
    this.#leaves = leaves;
    this.#options = options;
  }

  decode(): unknown {
    let value: unknown;
    try {
      value = this.#value(0);
    } catch (error) {
      throw error === this.#failure ? this.#codecFailed(this.#failure!) : error;
    }
    if (this.#input.at !== this.#input.bytes.length) {
      throw this.#input.broken("something follows");
    }
    return value;
  }

  #value(depth: number): unknown {
    const input = this.#input;
    const initial = input.byte();
    switch (initial >> 5) {
      case Major.UINT:
        return input.argument(initial);
      case Major.NEGATIVE: {
        const value = -1 - input.argument(initial);
        if (!Number.isSafeInteger(value)) {
          throw input.broken("a number too large");
        }
        return value;
      }
      case Major.BYTES:
        return input.rawBytes(initial).buffer;
      case Major.TEXT:
        return input.textBody(initial);
      case Major.ARRAY:
        this.#checkDepth(depth);
        return this.#array(initial, depth);
      case Major.MAP:
        this.#checkDepth(depth);
        return this.#properties({}, initial, depth);
      case Major.TAG:
        return this.#tagged(input.argument(initial), depth);
      default:
        return this.#simple(initial);
    }
  }

  #simple(initial: number): unknown {
    const input = this.#input;
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
        return input.view.getFloat16(input.take(2));
      case Initial.FLOAT32:
        return input.view.getFloat32(input.take(4));
      case Initial.FLOAT64:
        return input.view.getFloat64(input.take(8));
      default:
        throw input.broken(`an initial byte of ${initial}`);
    }
  }

  #tagged(tag: number, depth: number): unknown {
    const input = this.#input;
    switch (tag) {
      case Tag.BIGINT:
        return this.#bigint();
      case Tag.NEGATIVE_BIGINT:
        return -1n - this.#bigint();
      case Tag.UTF16:
        return input.utf16();
      case Tag.REFERENCE:
        return this.#reference();
      case Tag.SHARED: {
        const index = this.#shared.push(UNFINISHED) - 1;
        // A tag for a tag for a tag would not count as depth.
        if (
          input.bytes[input.at] === (Major.TAG << 5 | 24) &&
          input.bytes[input.at + 1] === Tag.SHARED
        ) {
          throw input.broken("an object shared twice");
        }
        const value = this.#value(depth);
        if (typeof value !== "object" || value === null) {
          throw input.broken("a shared value that is no object");
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
    const input = this.#input;
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
          input.head(Major.MAP),
          depth,
        );
      case Tag.KEYED_ARRAY: {
        input.tuple(2);
        const array = this.#array(input.head(Major.ARRAY), depth);
        return this.#properties(array, input.head(Major.MAP), depth);
      }
      case Tag.MAP:
        return this.#map(depth);
      case Tag.SET:
        return this.#set(depth);
      case Tag.DATE:
        return new Date(this.#number());
      case Tag.URL: {
        const href = input.text();
        return input.made("a URL", () => new URL(href));
      }
      case Tag.REGEXP: {
        input.tuple(3);
        const source = input.text();
        const flags = input.text();
        const regexp = input.made("a RegExp", () => new RegExp(source, flags));
        regexp.lastIndex = this.#value(depth + 1) as number;
        return regexp;
      }
      case Tag.TEMPORAL: {
        input.tuple(2);
        const name = input.text();
        const content = this.#value(depth);
        return input.made("a Temporal", () => temporalObject(name, content));
      }
      case Tag.ERROR:
        return this.#error(depth);
      case Tag.FILE:
        return readFile(input);
      case Tag.FOLDER:
        return readFolder(input);
      case Tag.CODEC:
        return this.#codec(depth);
      default:
        throw input.broken(`tag ${tag}, which is not known here`);
    }
  }

  // Objects with keys.

  #properties<T extends object>(target: T, initial: number, depth: number): T {
    const input = this.#input;
    const count = input.argument(initial);
    const object = target as Record<string, unknown>;
    for (let i = 0; i < count; i++) {
      const name = input.text();
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
    const count = this.#input.argument(initial);
    const array: unknown[] = [];
    let length = 0;
    for (let i = 0; i < count; i++) {
      const holes = this.#holes();
      if (holes > 0) {
        length += holes;
        if (length > MAX_LENGTH) throw this.#input.broken("an array too long");
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
    const input = this.#input;
    if (
      input.bytes[input.at] !== (Major.TAG << 5 | 26) ||
      input.at + 5 > input.bytes.length ||
      input.view.getUint32(input.at + 1) !== Tag.HOLES
    ) return 0;
    input.at += 5;
    const holes = input.count(Major.UINT);
    if (holes === 0) throw input.broken("no holes");
    return holes;
  }

  #error(depth: number): Error {
    const input = this.#input;
    input.tuple(3);
    const name = input.text();
    const type = errorClass(name);
    if (type === undefined) {
      throw new DecodeError(
        `Cannot decode an error as no class ${name} is known here: use the version of hither and Deno that encoded it`,
      );
    }
    const count = input.count(Major.MAP);
    const properties: [string, unknown][] = [];
    for (let i = 0; i < count; i++) {
      const key = input.text();
      try {
        properties.push([key, this.#value(depth + 1)]);
      } catch (error) {
        throw this.#leave(error, Place.PROPERTY, key);
      }
    }
    const enumerable = new Set<string>();
    const marked = input.count(Major.ARRAY);
    for (let i = 0; i < marked; i++) enumerable.add(input.text());
    return errorOfParts(name, type, properties, enumerable);
  }

  // Collections.

  #map(depth: number): Map<unknown, unknown> {
    const count = this.#input.count(Major.MAP);
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
    if (map.size !== count) throw this.#input.broken("a Map with a key twice");
    return map;
  }

  #set(depth: number): Set<unknown> {
    const count = this.#input.count(Major.ARRAY);
    const set = new Set<unknown>();
    for (let i = 0; i < count; i++) {
      try {
        set.add(this.#value(depth + 1));
      } catch (error) {
        throw this.#leave(error, Place.SET_MEMBER, i);
      }
    }
    if (set.size !== count) {
      throw this.#input.broken("a Set with a member twice");
    }
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
      throw this.#input.broken("a part of an element");
    }
    const aligned = bytes.byteOffset % size === 0 ? bytes : bytes.slice();
    return this.#known(
      new type(aligned.buffer, aligned.byteOffset, aligned.byteLength / size),
      digest,
    );
  }

  #binary(): Bytes | InPlaceLeaf {
    const input = this.#input;
    const initial = input.byte();
    if (initial >> 5 === Major.BYTES) {
      return { bytes: input.rawBytes(initial), digest: undefined };
    }
    const tag = initial >> 5 === Major.TAG ? input.argument(initial) : -1;
    if (tag === Tag.IN_PLACE) return this.#inPlace();
    if (tag !== Tag.LEAF) {
      throw input.broken("no bytes where bytes must be");
    }
    return this.#leaf();
  }

  #inPlace(): InPlaceLeaf {
    const leaf = this.#leafHead();
    if (leaf instanceof InPlaceLeaf) return leaf;
    throw this.#input.broken("a leaf that is in no shared memory");
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
      throw this.#input.broken(`a leaf with ${bytes.byteLength} bytes`);
    }
    return { bytes, digest: leaf.digest };
  }

  /** The leaf that comes next. */
  #leafHead(): Leaf {
    const input = this.#input;
    input.tuple(2);
    const index = input.count(Major.UINT);
    const byteLength = input.count(Major.UINT);
    const leaf = this.#leaves[index];
    if (leaf === undefined) throw input.broken(`no leaf ${index}`);
    if (leaf.byteLength !== byteLength) {
      throw input.broken(
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

  // The others.

  #reference(): unknown {
    const index = this.#input.count(Major.UINT);
    const value = this.#shared[index];
    if (value === undefined || value === UNFINISHED) {
      throw this.#input.broken(
        `a reference to object ${index}, which is not there`,
      );
    }
    return value;
  }

  #job(): unknown {
    const index = this.#input.count(Major.UINT);
    const { job } = this.#options;
    if (job === undefined) {
      throw this.#input.broken("a job, where there can be none");
    }
    this.#jobs ??= new Map();
    if (!this.#jobs.has(index)) this.#jobs.set(index, job(index));
    return this.#jobs.get(index);
  }

  #codec(depth: number): object {
    this.#input.tuple(2);
    const name = this.#input.text();
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
    const digits = this.#input.byteString().toHex();
    return digits === "" ? 0n : BigInt(`0x${digits}`);
  }

  #number(): number {
    const value = this.#value(MAX_DEPTH);
    if (typeof value !== "number") {
      throw this.#input.broken("no number where one must be");
    }
    return value;
  }

  #checkDepth(depth: number): void {
    if (depth >= MAX_DEPTH) throw this.#input.broken("too many levels");
  }

  /** On the way out of a codec's failure: through which part of what it goes. */
  #leave(error: unknown, place: number, step: unknown): unknown {
    if (error === this.#failure) {
      this.#places.unshift(place);
      this.#steps.unshift(step);
    }
    return error;
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
}
