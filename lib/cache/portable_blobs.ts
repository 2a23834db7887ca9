/**
 * Which blobs of the portable layout are still needed. Nothing counts the records
 * that name a blob, as a count cannot be changed in one step on every disk. So:
 *
 * - a writer that finds its blob there notes the time on it, and that more than one
 *   record may name it (an empty file in `shared/`);
 * - who deletes a blob first moves it away, looks at both once more, and moves it
 *   back if somebody has come to rely on it meanwhile; where it is killed in
 *   between, whoever misses the blob moves it back;
 * - a writer looks, when its record is in place, whether its blobs are still there.
 *
 * @module
 */

import { dirname, join } from "../value/paths.ts";
import type { CacheFolder } from "./folder.ts";
import { infoOf, names, remove } from "./portable_folder.ts";

/** The blobs of one cache, to be deleted. */
export class PortableBlobs {
  readonly #folder: CacheFolder;
  readonly #release: (digest: string) => boolean;

  /** @param release Takes a blob into memory if it is still needed there; whether its file may go. */
  constructor(folder: CacheFolder, release: (digest: string) => boolean) {
    this.#folder = folder;
    this.#release = release;
  }

  /** Where a blob is. */
  path(digest: string): string {
    return join(this.#folder.blobs, digest.slice(0, 2), digest.slice(2));
  }

  /** Notes that a blob found there is relied on; whether it can be. */
  rely(path: string): boolean {
    try {
      const now = new Date();
      Deno.utimeSync(path, now, now);
      this.#share(path.split("/").slice(-2).join(""));
      return true;
    } catch {
      // It has just gone, or belongs to somebody else: it is written anew.
      return false;
    }
  }

  #mark(digest: string): string {
    const { path } = this.#folder;
    return join(path, "shared", digest.slice(0, 2), digest.slice(2));
  }

  #share(digest: string): void {
    const mark = this.#mark(digest);
    if (infoOf(mark) !== undefined) return;
    Deno.mkdirSync(dirname(mark), { recursive: true });
    Deno.writeFileSync(mark, new Uint8Array(0));
  }

  /** Whether more than one record may name a blob. */
  isShared(digest: string): boolean {
    return infoOf(this.#mark(digest)) !== undefined;
  }

  /** Forgets that more than one record names a blob. */
  unshare(digest: string): void {
    remove(this.#mark(digest));
  }

  /**
   * Deletes a blob, unless somebody has written or found it after `before` (ms
   * since the epoch); the bytes that were freed.
   */
  delete(digest: string, before: number): number {
    if (!this.#release(digest)) return 0;
    const path = this.path(digest);
    const aside = this.#aside(digest);
    try {
      Deno.renameSync(path, aside);
      const info = Deno.statSync(aside);
      if ((info.mtime?.getTime() ?? 0) > before) {
        Deno.renameSync(aside, path);
        return 0;
      }
      remove(aside);
      this.unshare(digest);
      return info.size;
    } catch (error) {
      // Gone, or somebody has missed it meanwhile.
      if (error instanceof Deno.errors.NotFound) return 0;
      throw error;
    }
  }

  /** Notes that the record is deleted that named a blob: unless others name it, `gc` need not wait. */
  abandon(digest: string): void {
    if (this.isShared(digest)) return;
    try {
      Deno.utimeSync(this.path(digest), 0, 0);
    } catch {
      // It is gone, or somebody else's.
    }
  }

  /** Moves a blob back that somebody moved away who was killed before it was deleted; whether there was one. */
  recall(digest: string): boolean {
    const path = this.path(digest);
    if (infoOf(path) !== undefined) return remove(this.#aside(digest));
    try {
      Deno.renameSync(this.#aside(digest), path);
      return true;
    } catch {
      return false;
    }
  }

  /** Does so for all. */
  recallAll(): void {
    for (const name of names(this.#folder.tmp, /^aside-[0-9a-f]{64}$/)) {
      this.recall(name.slice(-64));
    }
  }

  #aside(digest: string): string {
    return join(this.#folder.tmp, `aside-${digest}`);
  }
}
