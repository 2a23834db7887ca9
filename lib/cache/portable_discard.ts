/**
 * Deletes files of the portable layout by the dozen: they are moved into a folder of
 * `tmp`, which another thread removes meanwhile, as to remove a file takes as long as to
 * move it.
 *
 * @module
 */

import { join } from "../value/paths.ts";
import { infoOf, type PortableFolder } from "./portable_folder.ts";

/** So many are removed together. */
const TOGETHER = 64;

/** Files that are being deleted. */
export class Discard {
  readonly #files: PortableFolder;
  readonly #removals: Promise<void>[] = [];
  #folder: string | undefined;
  #count = 0;

  constructor(files: PortableFolder) {
    this.#files = files;
  }

  /** Deletes a file, as {@linkcode PortableFolder.delete} does. */
  delete(path: string): number | undefined {
    let aside: string;
    try {
      this.#folder ??= this.#makeFolder();
      aside = join(this.#folder, String(this.#count));
      Deno.renameSync(path, aside);
    } catch {
      // It is gone, or a full disk has no room for a folder.
      return this.#files.delete(path);
    }
    const size = infoOf(aside)?.size;
    if (++this.#count === TOGETHER) this.#remove();
    return size;
  }

  /** Resolves when all are gone. */
  async finish(): Promise<void> {
    this.#remove();
    await Promise.all(this.#removals);
  }

  #makeFolder(): string {
    const folder = join(this.#files.folder.tmp, crypto.randomUUID());
    Deno.mkdirSync(folder);
    this.#count = 0;
    return folder;
  }

  #remove(): void {
    const folder = this.#folder;
    if (folder === undefined) return;
    this.#folder = undefined;
    // What stays goes with what else is old in `tmp`.
    this.#removals.push(
      Deno.remove(folder, { recursive: true }).catch(() => {}),
    );
  }
}
