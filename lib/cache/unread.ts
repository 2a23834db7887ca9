/**
 * Results that were just stored in a cache with a limit: the next ones may push them
 * out before anybody has read them, so some of them are kept in memory until then.
 *
 * @module
 */

import type { EncodedValue, Leaf } from "../value/encoded.ts";
import { MemoryLeaf } from "../value/encoded.ts";
import { BlobReference, type StoredFile } from "./blob_reference.ts";
import type { RecordSource } from "./cached_record.ts";
import type { Body, Details } from "./row.ts";
import type { RecordDetails } from "./record.ts";

/** The most bytes that are kept; of what was lost once and computed again, all are. */
const MOST_BYTES = 67_108_864;

/** The blobs of one cache that are kept until they are read. */
export class UnreadBlobs {
  /** Those that may be dropped, the oldest first. */
  readonly #droppable = new Set<UnreadSource>();
  #bytes = 0;
  /** Keys of results that went before they were read. */
  readonly #lost = new Set<string>();

  /** Notes that the result of a key was lost: the next one is kept in any case. */
  lost(key: Uint8Array): void {
    this.#lost.add(key.toHex());
  }

  /** A source for a record that was just stored, whose blobs have these bytes. */
  keep(
    inner: RecordSource,
    key: Uint8Array<ArrayBuffer>,
    body: Body,
    value: EncodedValue,
  ): RecordSource {
    const source = new UnreadSource(inner, leavesOf(body, value), () => {
      if (this.#droppable.delete(source)) this.#bytes -= source.bytes;
    });
    if (this.#lost.delete(key.toHex())) return source;
    this.#droppable.add(source);
    this.#bytes += source.bytes;
    for (const oldest of this.#droppable) {
      if (this.#bytes <= MOST_BYTES) break;
      oldest.drop();
    }
    return source;
  }
}

/** Gives each blob from memory once, then from the disk. */
class UnreadSource implements RecordSource {
  readonly bytes: number;
  readonly #inner: RecordSource;
  readonly #leaves: Map<string, Leaf>;
  readonly #isRead: () => void;

  constructor(
    inner: RecordSource,
    leaves: Map<string, Leaf>,
    isRead: () => void,
  ) {
    this.#inner = inner;
    this.#leaves = leaves;
    this.#isRead = isRead;
    let bytes = 0;
    for (const { byteLength } of leaves.values()) bytes += byteLength;
    this.bytes = bytes;
  }

  drop(): void {
    this.#leaves.clear();
    this.#isRead();
  }

  readBlob(
    key: Uint8Array<ArrayBuffer>,
    reference: BlobReference,
  ): Uint8Array<ArrayBuffer> {
    const leaf = this.#leaves.get(reference.sha256);
    if (leaf === undefined) return this.#inner.readBlob(key, reference);
    this.#leaves.delete(reference.sha256);
    if (this.#leaves.size === 0) this.#isRead();
    return leaf.read();
  }

  restoreFiles(
    key: Uint8Array<ArrayBuffer>,
    files: readonly StoredFile[],
  ): void {
    this.#inner.restoreFiles(key, files);
  }

  readDetails(
    key: Uint8Array<ArrayBuffer>,
  ): (RecordDetails & Details) | undefined {
    return this.#inner.readDetails(key);
  }
}

/** The blobs of a value, by their digests. */
function leavesOf(body: Body, value: EncodedValue): Map<string, Leaf> {
  const leaves = new Map<string, Leaf>();
  for (const [i, { sha256 }] of body.leaves.entries()) {
    leaves.set(sha256, value.leaves[i]!);
  }
  if (body.document instanceof BlobReference) {
    leaves.set(body.document.sha256, new MemoryLeaf(value.bytes));
  }
  return leaves;
}
