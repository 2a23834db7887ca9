/**
 * A cache folder as an upstream, in either layout, opened for reading only.
 *
 * @module
 */

import type { BlobReference } from "./blob_reference.ts";
import type { Depot, RecordStore } from "./record.ts";
import type { Upstream } from "./upstream.ts";
import { loadXxh3 } from "./xxh3.ts";

/** One folder. */
export class FolderUpstream implements Upstream {
  readonly #store: Depot & RecordStore;

  constructor(store: Depot & RecordStore) {
    this.#store = store;
  }

  /** The file of a record, in the same turn. */
  take(key: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> | undefined {
    return this.#store.take(key);
  }

  /** The snapshot of a digest, in the same turn. */
  takeSnapshot(digest: string): string | undefined {
    return this.#store.snapshot(digest);
  }

  record(
    key: Uint8Array<ArrayBuffer>,
  ): Promise<Uint8Array<ArrayBuffer> | undefined> {
    return Promise.resolve(this.take(key));
  }

  async blob(
    key: Uint8Array<ArrayBuffer>,
    reference: BlobReference,
  ): Promise<Uint8Array<ArrayBuffer>> {
    await loadXxh3();
    return this.#store.readBlob(key, reference);
  }

  snapshot(digest: string): Promise<string | undefined> {
    return Promise.resolve(this.takeSnapshot(digest));
  }

  close(): void {
    this.#store.close();
  }
}
