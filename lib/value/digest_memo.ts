/**
 * The digests of the files that this process has hashed.
 *
 * @module
 */

import type { DigestMemo, FileState } from "./file_digest.ts";

/** So many files are remembered. */
const MOST_FILES = 65_536;

/** Smaller files are hashed as fast as they are looked up in a database. */
export const STORED_BYTES = 65_536;

/** Remembers digests in memory, of the files that were hashed last. */
export class MemoryMemo implements DigestMemo {
  readonly #files = new Map<string, { state: FileState; digest: string }>();

  get(path: string, state: FileState): string | undefined {
    const known = this.#files.get(path);
    return known !== undefined && isEqual(known.state, state)
      ? known.digest
      : undefined;
  }

  set(path: string, state: FileState, digest: string): void {
    this.#files.delete(path);
    this.#files.set(path, { state, digest });
    if (this.#files.size <= MOST_FILES) return;
    for (const oldest of this.#files.keys()) {
      this.#files.delete(oldest);
      return;
    }
  }
}

function isEqual(a: FileState, b: FileState): boolean {
  return a.dev === b.dev && a.ino === b.ino && a.size === b.size &&
    a.mtime === b.mtime && a.ctime === b.ctime;
}

/** The memo of this process. It only saves time: what it says is what hashing would say. */
export const processMemo: DigestMemo = new MemoryMemo();

/** A memo that asks the process's own first, and keeps both in step. */
export function withProcessMemo(stored: DigestMemo): DigestMemo {
  return {
    get(path, state) {
      const known = processMemo.get(path, state);
      if (known !== undefined || state.size < STORED_BYTES) return known;
      const digest = stored.get(path, state);
      if (digest !== undefined) processMemo.set(path, state, digest);
      return digest;
    },
    set(path, state, digest) {
      processMemo.set(path, state, digest);
      if (state.size >= STORED_BYTES) stored.set(path, state, digest);
    },
  };
}
