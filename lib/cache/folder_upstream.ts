/**
 * A cache folder as an upstream, in either layout, opened for reading only.
 *
 * @module
 */

import { join } from "../value/paths.ts";
import { warnOnce } from "../warn.ts";
import type { BlobReference } from "./blob_reference.ts";
import { FileStore } from "./file_store.ts";
import type { Layout } from "./folder.ts";
import { layoutIn } from "./layout.ts";
import { missingPermissions } from "./permission.ts";
import { infoOf } from "./portable_folder.ts";
import { SqliteStore } from "./sqlite_store.ts";
import type { NearStore, Upstream } from "./upstream.ts";
import { loadXxh3 } from "./xxh3.ts";

/** A store that can be closed, and opens itself again. */
type Store = NearStore & { close(): void };

/** One folder. */
export class FolderUpstream implements Upstream {
  readonly #path: string;
  #store: Store | undefined;
  /** How the database looked when it was opened, as it is read as one that nobody changes. */
  #seen: string | undefined;
  #isAbsent = false;

  constructor(path: string) {
    this.#path = path;
  }

  near(): NearStore | undefined {
    if (this.#isAbsent) return undefined;
    if (this.#store !== undefined) return this.#current(this.#store);
    const layout = layoutIn(this.#path);
    if (layout !== undefined) {
      if (layout === "sqlite") this.#seen = this.#look();
      return this.#store = open(this.#path, layout);
    }
    this.#isAbsent = true;
    const why = missingPermissions(["read"], this.#path) ??
      "there is no cache in it";
    warnOnce(
      `${this.#path} upstream`,
      `the upstream cache ${this.#path} is not used: ${why}`,
    );
    return undefined;
  }

  /** The store, which opens anew if the database was written to meanwhile. */
  #current(store: Store): Store {
    if (this.#seen === undefined) return store;
    const seen = this.#look();
    if (seen !== this.#seen) {
      this.#seen = seen;
      store.close();
    }
    return store;
  }

  #look(): string {
    const path = join(this.#path, "cache.sqlite");
    const info = infoOf(path);
    const isInUse = infoOf(`${path}-wal`) !== undefined;
    return `${info?.ino} ${info?.size} ${info?.mtime?.getTime()} ${isInUse}`;
  }

  record(
    key: Uint8Array<ArrayBuffer>,
  ): Promise<Uint8Array<ArrayBuffer> | undefined> {
    return Promise.resolve(this.near()?.take(key));
  }

  async blob(
    key: Uint8Array<ArrayBuffer>,
    reference: BlobReference,
  ): Promise<Uint8Array<ArrayBuffer>> {
    await loadXxh3();
    return this.near()!.readBlob(key, reference);
  }

  snapshot(digest: string): Promise<string | undefined> {
    return Promise.resolve(this.near()?.snapshot(digest));
  }

  close(): void {
    this.#store?.close();
    this.#isAbsent = false;
  }
}

/** The store of a folder, which changes nothing in it. */
function open(path: string, layout: Layout): Store {
  return layout === "sqlite"
    ? new SqliteStore(path, { readonly: true, aside: true })
    : new FileStore(path, { readonly: true });
}
