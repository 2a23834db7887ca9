/**
 * Large binary leaves that many jobs under way have in common. From the third
 * time on there is one copy of such a leaf in shared memory: every worker thread
 * takes it from there, and an argument that is the same object again is compared
 * with it, which takes a quarter of the time of its digest. The copies go when
 * no job is in a worker any more.
 *
 * @module
 */

import defer * as buffers from "node:buffer";
import type { Leaf } from "./encoded.ts";
import { LentLeaf } from "./lent_leaf.ts";

/** How much all copies may take, in bytes. */
const MOST_BYTES = 2 ** 30;

/** What is seen of an object. */
interface Seen {
  readonly digest: string;
  times: number;
}

/** The leaves that are met again and again. */
export class RepeatedLeaves {
  /** Whether there are jobs under way that may have leaves in common. */
  isActive = false;
  #bytes = 0;
  #objects = new WeakMap<object, Seen>();
  readonly #copies = new Map<string | Leaf, SharedArrayBuffer>();
  readonly #sent = new Set<string | Leaf>();
  readonly #whenCleared: (() => void)[] = [];

  /** The digest of an object's bytes, if these are what they were. */
  digestOf(object: object, bytes: Uint8Array): string | undefined {
    if (!this.isActive) return undefined;
    const seen = this.#objects.get(object);
    const copy = seen && this.#copies.get(seen.digest);
    if (copy === undefined || copy.byteLength !== bytes.byteLength) {
      return undefined;
    }
    const isSame = buffers.Buffer.compare(bytes, new Uint8Array(copy)) === 0;
    return isSame ? seen!.digest : undefined;
  }

  /** An object's bytes have this digest now. */
  note(object: object, bytes: Uint8Array, digest: string): void {
    if (!this.isActive) return;
    const seen = this.#objects.get(object);
    if (seen?.digest !== digest) {
      this.#objects.set(object, { digest, times: 1 });
    } else if (++seen.times === 2) this.#copy(digest, bytes);
  }

  /** The shared copy of a leaf, if it was sent before. Throws as its `peek` does. */
  shared(leaf: Leaf): SharedArrayBuffer | undefined {
    if (leaf instanceof LentLeaf && leaf.digest === undefined) {
      return this.#sharedByMark(leaf);
    }
    const what = leaf.digest ?? leaf;
    const copy = this.#copies.get(what);
    if (copy !== undefined) return copy;
    if (this.#sent.has(what)) return this.#copy(what, leaf.peek());
    if (this.isActive) this.#sent.add(what);
    return undefined;
  }

  /** Marks only say where it is worth while to compare. */
  #sharedByMark(leaf: LentLeaf): SharedArrayBuffer | undefined {
    const what = `${leaf.mark} ${leaf.byteLength}`;
    const copy = this.#copies.get(what);
    if (copy !== undefined) return leaf.hasBytesOf(copy) ? copy : undefined;
    if (this.#sent.has(what)) return this.#copy(what, leaf.peek());
    if (this.isActive) this.#sent.add(what);
    return undefined;
  }

  /** No job is under way any more. */
  clear(): void {
    this.isActive = false;
    this.#sent.clear();
    if (this.#bytes === 0) return;
    this.#bytes = 0;
    this.#objects = new WeakMap();
    this.#copies.clear();
    for (const tell of this.#whenCleared.splice(0)) tell();
  }

  /** Calls `tell` once, when the copies that there are now have gone. */
  whenCleared(tell: () => void): void {
    this.#whenCleared.push(tell);
  }

  #copy(
    what: string | Leaf,
    bytes: Uint8Array,
  ): SharedArrayBuffer | undefined {
    const known = this.#copies.get(what);
    if (known !== undefined) return known;
    if (this.#bytes + bytes.byteLength > MOST_BYTES) return undefined;
    const copy = new SharedArrayBuffer(bytes.byteLength);
    new Uint8Array(copy).set(bytes);
    this.#bytes += bytes.byteLength;
    this.#copies.set(what, copy);
    return copy;
  }
}

/** Those of this program. */
export const repeatedLeaves: RepeatedLeaves = new RepeatedLeaves();
