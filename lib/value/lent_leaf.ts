/**
 * Large binary arguments that are not copied before their job starts.
 *
 * @module
 */

import defer * as buffers from "node:buffer";
import defer * as process from "node:process";
import { ArgumentChangedError } from "../errors.ts";
import type { Leaf } from "./encoded.ts";
import { sha256Hex } from "./sha256.ts";

/**
 * From so many bytes on a leaf has a mark: CRC-32, by which a change is seen ten
 * times as fast as by SHA-256. Below that it is not worth the loading of `node:zlib`.
 */
export const MARKED_BYTES = 8_388_608;

/** The marks of large binary leaves. */
export type LeafMarks = Map<object, number>;

/** What tells bytes from what they become when somebody writes to them. */
export function markOf(bytes: Uint8Array): number {
  // Of `node:zlib` an import that is deferred loads what it needs all the same, in 17 ms.
  return process.getBuiltinModule("node:zlib").crc32(bytes);
}

/** A leaf whose bytes belong to the caller, who may write to them as soon as `run()` has returned. */
export class LentLeaf implements Leaf {
  readonly byteLength: number;
  readonly digest: string | undefined;
  /** Present from {@linkcode MARKED_BYTES} on. */
  readonly mark: number | undefined;
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #path: string;

  /** The bytes must have this digest and this mark now; at least one of them is given. */
  constructor(
    bytes: Uint8Array<ArrayBuffer>,
    digest: string | undefined,
    mark: number | undefined,
    path: string,
  ) {
    this.#bytes = bytes;
    this.byteLength = bytes.byteLength;
    this.digest = digest;
    this.mark = mark;
    this.#path = path;
  }

  peek(): Uint8Array<ArrayBuffer> {
    if (this.#isUnchanged()) return this.#bytes;
    throw new ArgumentChangedError(
      `${this.#path} was written to or transferred between run() and the start of its job: pass a copy, or await the job first`,
    );
  }

  read(): Uint8Array<ArrayBuffer> {
    return this.peek().slice();
  }

  /** Whether the bytes, as they are now, are those of another leaf or of shared memory. */
  hasBytesOf(other: LentLeaf | SharedArrayBuffer): boolean {
    const bytes = other instanceof LentLeaf
      ? other.#bytes
      : new Uint8Array(other);
    return bytes === this.#bytes ||
      buffers.Buffer.compare(bytes, this.#bytes) === 0;
  }

  /** The same bytes as long as the caller has them, and they are unchanged; they are not kept for it. */
  weakly(): Leaf {
    const { byteLength, digest, mark } = this;
    const path = this.#path;
    const { byteOffset } = this.#bytes;
    const memory = new WeakRef(this.#bytes.buffer);
    const peek = (): Uint8Array<ArrayBuffer> => {
      const buffer = memory.deref();
      if (
        buffer !== undefined && buffer.byteLength >= byteOffset + byteLength
      ) {
        const bytes = new Uint8Array(buffer, byteOffset, byteLength);
        if (matches(bytes, digest, mark)) return bytes;
      }
      throw new ArgumentChangedError(
        `${path} was written to or is gone since run()`,
      );
    };
    return { byteLength, digest, mark, peek, read: () => peek().slice() };
  }

  #isUnchanged(): boolean {
    if (this.#bytes.byteLength !== this.byteLength) return false;
    return matches(this.#bytes, this.digest, this.mark);
  }
}

function matches(
  bytes: Uint8Array,
  digest: string | undefined,
  mark: number | undefined,
): boolean {
  return mark === undefined
    ? sha256Hex(bytes) === digest
    : markOf(bytes) === mark;
}
