/**
 * The snapshots of code in the portable layout: `snapshots/ab/cd...`, each sealed,
 * its digest before its text.
 *
 * @module
 */

import { type PortableFolder, remove } from "./portable_folder.ts";
import { isWhole, seal, SEAL_BYTES } from "./sealed.ts";

const TEXT_AT = SEAL_BYTES + 32;

/** The text in the file of a snapshot; `undefined` if it is damaged, or that of another. */
export function decodeSnapshot(
  digest: string,
  file: Uint8Array,
): string | undefined {
  return isWhole(file, "S") &&
      file.subarray(SEAL_BYTES, TEXT_AT).toHex() === digest
    ? new TextDecoder().decode(file.subarray(TEXT_AT))
    : undefined;
}

/** The snapshots of one cache. */
export class PortableSnapshots {
  readonly #files: PortableFolder;
  /** Those that this program has found or put there. */
  readonly #known = new Set<string>();

  constructor(files: PortableFolder) {
    this.#files = files;
  }

  /** The text of a snapshot; `undefined` if it is not there or damaged. */
  get(digest: string): string | undefined {
    const path = this.#files.path("snapshots", digest);
    const file = this.#files.readOrNothing(path);
    return file && decodeSnapshot(digest, file);
  }

  /** Bytes that a snapshot may take if it is put there, at most. */
  bytesFor(digest: string, text: string): number {
    if (this.#known.has(digest)) return 0;
    return TEXT_AT + new TextEncoder().encode(text).length;
  }

  /** Puts a snapshot there unless it is; the bytes that were written. */
  put(digest: string, text: string): number {
    if (this.#known.has(digest)) return 0;
    const path = this.#files.path("snapshots", digest);
    const bytes = new TextEncoder().encode(text);
    const file = new Uint8Array(TEXT_AT + bytes.length);
    file.subarray(SEAL_BYTES).setFromHex(digest);
    file.set(bytes, TEXT_AT);
    seal(file, "S");
    const isThere = this.get(digest) !== undefined;
    // Written anew where it is there: so it is young, and no gc takes it for unused.
    this.#files.write(path, file);
    this.#known.add(digest);
    return isThere ? 0 : file.length;
  }

  /** Deletes all snapshots. */
  clear(): void {
    for (const digest of [...this.#files.all("snapshots")]) {
      remove(this.#files.path("snapshots", digest));
    }
    this.#known.clear();
  }
}
