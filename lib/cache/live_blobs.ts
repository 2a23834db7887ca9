/**
 * What jobs of this program still need of blobs that this program deletes.
 *
 * A result in a blob is not in memory as well, so that results may be larger than it.
 * Where the limits of the cache cost a blob that a job still has, its bytes come into
 * memory first, as if there were no cache, up to a bound; beyond that the blob stays
 * until the job is garbage.
 *
 * @module
 */

import type { BlobReference } from "./blob_reference.ts";

/** The most that is kept in memory of deleted blobs. */
const MOST_BYTES = 268_435_456;

/** Entries after which those of garbage are looked for. */
const LEAST_ENTRIES = 1_024;

/** A blob that somebody has a use for: as long as this is no garbage. */
export class LiveBlob {
  readonly reference: BlobReference;
  /** Its bytes, once the blob was deleted. */
  bytes: Uint8Array<ArrayBuffer> | undefined;

  constructor(reference: BlobReference) {
    this.reference = reference;
  }
}

/** The blobs of one cache that jobs of this program still need. */
export class LiveBlobs {
  readonly #live = new Map<string, WeakRef<LiveBlob>>();
  readonly #most: number;
  #prunedAt = LEAST_ENTRIES;
  /** Bytes in memory; those of garbage too until they are counted anew. */
  #bytes = 0;

  constructor(most = MOST_BYTES) {
    this.#most = most;
  }

  /** What stands for a blob while somebody needs it. */
  hold(reference: BlobReference): LiveBlob {
    const { sha256 } = reference;
    const known = this.#live.get(sha256)?.deref();
    if (known !== undefined) return known;
    if (this.#live.size >= this.#prunedAt) this.#prune();
    const live = new LiveBlob(reference);
    this.#live.set(sha256, new WeakRef(live));
    return live;
  }

  /**
   * Takes the bytes of a blob into memory if somebody needs it; whether its file may go.
   *
   * @param read Reads it; what it throws, whoever needs the blob finds too.
   */
  release(
    digest: string,
    read: (reference: BlobReference) => Uint8Array<ArrayBuffer>,
  ): boolean {
    const live = this.#live.get(digest)?.deref();
    if (live === undefined || live.bytes !== undefined) return true;
    const { byteLength } = live.reference;
    if (this.#bytes + byteLength > this.#most) this.#prune();
    if (this.#bytes + byteLength > this.#most) return false;
    try {
      live.bytes = read(live.reference);
      this.#bytes += byteLength;
    } catch {
      // It is gone or damaged already.
    }
    return true;
  }

  #prune(): void {
    this.#bytes = 0;
    for (const [digest, weak] of this.#live) {
      const live = weak.deref();
      if (live === undefined) this.#live.delete(digest);
      else this.#bytes += live.bytes?.length ?? 0;
    }
    this.#prunedAt = Math.max(2 * this.#live.size, LEAST_ENTRIES);
  }
}
