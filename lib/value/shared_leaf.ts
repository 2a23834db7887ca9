/**
 * A large binary leaf in memory that several threads, or several jobs, look at.
 *
 * @module
 */

import type { Leaf } from "./encoded.ts";

/** A leaf whose bytes nobody writes to; who wants them gets a copy. */
export class SharedLeaf implements Leaf {
  readonly digest: string | undefined;
  readonly #memory: ArrayBufferLike;

  constructor(memory: ArrayBufferLike, digest: string | undefined) {
    this.#memory = memory;
    this.digest = digest;
  }

  get byteLength(): number {
    return this.#memory.byteLength;
  }

  peek(): Uint8Array<ArrayBuffer> {
    return this.read();
  }

  read(): Uint8Array<ArrayBuffer> {
    const own = new Uint8Array(this.byteLength);
    own.set(new Uint8Array(this.#memory));
    return own;
  }
}
