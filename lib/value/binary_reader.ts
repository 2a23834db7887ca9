/**
 * Reads binary data in faithful bytes: a few bytes stand there themselves, more of them
 * are a leaf, and shared memory is seen where it is.
 *
 * @module
 */

import type { DecodeOptions } from "./decode.ts";
import type { Leaf } from "./encoded.ts";
import { InPlaceLeaf, type ViewClass } from "./in_place.ts";
import type { Input } from "./input.ts";
import { Tag, type TypedArrayClass } from "./kinds.ts";
import { Major } from "./output.ts";
import { TransferredLeaf } from "./transfer.ts";

/** Bytes, and their digest where it is known. */
interface Bytes {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly digest: string | undefined;
}

/** Reads the binary data of one value. */
export class BinaryReader {
  readonly #input: Input;
  readonly #leaves: readonly Leaf[];
  readonly #options: DecodeOptions;

  constructor(input: Input, leaves: readonly Leaf[], options: DecodeOptions) {
    this.#input = input;
    this.#leaves = leaves;
    this.#options = options;
  }

  /** A typed array. */
  typedArray(type: TypedArrayClass): object {
    const size = type.BYTES_PER_ELEMENT;
    const source = this.#bytesOrMemory();
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

  /** A `DataView`. */
  dataView(): object {
    const source = this.#bytesOrMemory();
    if (source instanceof InPlaceLeaf) return source.object(DataView);
    const { bytes, digest } = source;
    return this.#known(
      new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength),
      digest,
    );
  }

  /** An `ArrayBuffer` that is a leaf. */
  buffer(): object {
    const { bytes, digest } = this.#leafBytes();
    const whole = bytes.byteLength === bytes.buffer.byteLength;
    return this.#known((whole ? bytes : bytes.slice()).buffer, digest);
  }

  /** A `SharedArrayBuffer`. */
  memory(): object {
    return this.#inPlace().object(undefined);
  }

  #bytesOrMemory(): Bytes | InPlaceLeaf {
    const input = this.#input;
    const initial = input.byte();
    if (initial >> 5 === Major.BYTES) {
      return { bytes: input.rawBytes(initial), digest: undefined };
    }
    const tag = initial >> 5 === Major.TAG ? input.argument(initial) : -1;
    if (tag === Tag.IN_PLACE) return this.#inPlace();
    if (tag !== Tag.LEAF) throw input.broken("no bytes where bytes must be");
    return this.#leafBytes();
  }

  #inPlace(): InPlaceLeaf {
    const leaf = this.#leaf();
    if (leaf instanceof InPlaceLeaf) return leaf;
    throw this.#input.broken("a leaf that is in no shared memory");
  }

  #leafBytes(): Bytes {
    const leaf = this.#leaf();
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
  #leaf(): Leaf {
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
}
