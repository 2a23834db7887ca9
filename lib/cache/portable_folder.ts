/**
 * The files of the portable layout: where each is, how it is read and written.
 * Nothing is needed of the disk but that a file can be made, and renamed into
 * place as one step; so it may be a network's, and any number of machines may use it.
 *
 * @module
 */

import { isAbsence } from "../value/file_check.ts";
import { NotAFile, requireFile } from "../value/file_digest.ts";
import { dirname, join } from "../value/paths.ts";
import type { CacheFolder } from "./folder.ts";

/** What the file `layout` says. */
export const MARKER = "files 1\n";

/** Most records are shorter. */
const BUFFER_BYTES = 65_536;

const SHARD = /^[0-9a-f]{2}$/;
const REST = /^[0-9a-f]{62}$/;

/** The kinds of files that are named by a digest, each in a folder of its own. */
export type Named = "jobs" | "snapshots";

/** The files of one cache in the portable layout, but its blobs. */
export class PortableFolder {
  readonly folder: CacheFolder;
  readonly #buffer = new Uint8Array(BUFFER_BYTES);
  readonly #marker: string;

  constructor(folder: CacheFolder) {
    this.folder = folder;
    this.#marker = join(folder.path, "layout");
  }

  /** Where the file of a digest is. */
  path(kind: Named, digest: string): string {
    const { path } = this.folder;
    return `${path}/${kind}/${digest.slice(0, 2)}/${digest.slice(2)}`;
  }

  /** Whether there is a cache of this layout. */
  isThere(): boolean {
    return infoOf(this.#marker) !== undefined ||
      infoOf(join(this.folder.path, "jobs"))?.isDirectory === true;
  }

  /** Whether the marker says what it must. */
  isMarked(): boolean {
    try {
      const bytes = this.read(this.#marker);
      return bytes !== undefined && new TextDecoder().decode(bytes) === MARKER;
    } catch {
      return false;
    }
  }

  /** Makes the folder and its marker. */
  create(): void {
    const { folder } = this;
    Deno.mkdirSync(folder.path, { recursive: true });
    const marker = infoOf(this.#marker);
    if (marker === undefined) folder.describe("files");
    else if (!marker.isFile) this.evictIntruders(this.#marker);
    const bytes = new TextEncoder().encode(MARKER);
    try {
      this.write(this.#marker, bytes);
    } catch (error) {
      // A folder may stand where a file should be, or a file where a folder should be.
      if (!this.evictIntruders(this.#marker)) throw error;
      this.write(this.#marker, bytes);
    }
  }

  /**
   * The content of a file, in a buffer of its own; `undefined` if there is none.
   * One system call more than `readFileSync` for a large file, and faster for a small one.
   *
   * @throws {NotAFile} if it is none.
   */
  read(path: string): Uint8Array<ArrayBuffer> | undefined {
    let file: Deno.FsFile;
    try {
      requireFile(path);
      file = Deno.openSync(path);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
    try {
      const buffer = this.#buffer;
      const count = file.readSync(buffer) ?? 0;
      const head = buffer.slice(0, count);
      return count < buffer.length ? head : withRest(head, file);
    } finally {
      file.close();
    }
  }

  /** The same where a damaged file counts as nothing: what is no file is an empty one, and in what is no folder there is none. */
  readOrNothing(path: string): Uint8Array<ArrayBuffer> | undefined {
    try {
      return this.read(path);
    } catch (error) {
      if (error instanceof NotAFile) return new Uint8Array(0);
      if (error instanceof Deno.errors.NotADirectory) return undefined;
      throw error;
    }
  }

  /**
   * Writes a file so that nobody ever sees a part of it.
   *
   * @param makeWay Called when all is written, before it gets its name.
   */
  write(path: string, bytes: Uint8Array, makeWay?: () => void): void {
    const temporary = join(this.folder.tmp, crypto.randomUUID());
    try {
      try {
        writeNew(temporary, bytes);
      } catch (error) {
        this.#restore(this.folder.tmp, path, error);
        writeNew(temporary, bytes);
      }
      makeWay?.();
      try {
        Deno.renameSync(temporary, path);
      } catch (error) {
        this.#restore(dirname(path), path, error);
        Deno.renameSync(temporary, path);
      }
    } catch (error) {
      remove(temporary);
      throw error;
    }
  }

  /**
   * Deletes a file; the bytes that it took, or `undefined` if there was none. Whoever
   * moves it away has deleted it, so of several who do so at once one counts it, and
   * nobody counts another file.
   */
  delete(path: string): number | undefined {
    const aside = join(this.folder.tmp, crypto.randomUUID());
    try {
      Deno.renameSync(path, aside);
    } catch {
      // It is gone, or there is no room or no folder to move it to.
      const size = infoOf(path)?.size;
      return size !== undefined && remove(path) ? size : undefined;
    }
    const size = infoOf(aside)?.size;
    remove(aside);
    return size;
  }

  /** Makes a folder that a file needs, which is new or was deleted, or in whose place is something else; the marker too if it went with it. */
  #restore(folder: string, path: string, why: unknown): void {
    const isMissing = why instanceof Deno.errors.NotFound ||
      why instanceof Deno.errors.NotADirectory && this.evictIntruders(path);
    if (!isMissing) throw why;
    Deno.mkdirSync(folder, { recursive: true });
    if (path !== this.#marker && infoOf(this.#marker) === undefined) {
      this.create();
    }
  }

  /** The folders that files of a kind are in, as their first two digits. */
  shards(kind: Named): string[] {
    return names(join(this.folder.path, kind), SHARD);
  }

  /** The digests of the files of a kind in one of its folders. */
  digests(kind: Named, shard: string): string[] {
    return names(join(this.folder.path, kind, shard), REST)
      .map((rest) => shard + rest);
  }

  /** The digests of all files of a kind. */
  *all(kind: Named): Iterable<string> {
    for (const shard of this.shards(kind)) yield* this.digests(kind, shard);
  }

  /** Moves what stands in the place of a file or of its folder to the quarantine; whether something did. */
  evictIntruders(path: string): boolean {
    const shard = dirname(path);
    const { folder } = this;
    const evicted = [
      folder.evict(folder.quarantine, "folder"),
      folder.evict(folder.tmp, "folder"),
      ...path === this.#marker ? [] : [
        folder.evict(dirname(shard), "folder"),
        folder.evict(shard, "folder"),
      ],
      folder.evict(path, "file"),
    ];
    return evicted.includes(true);
  }
}

/** Names in a folder; none if it is not there. */
export function names(folder: string, pattern: RegExp): string[] {
  try {
    return Array.from(Deno.readDirSync(folder), ({ name }) => name)
      .filter((name) => pattern.test(name));
  } catch (error) {
    if (isAbsence(error)) return [];
    throw error;
  }
}

/** Deletes a file; whether there was one. */
export function remove(path: string): boolean {
  try {
    Deno.removeSync(path);
    return true;
  } catch (error) {
    if (isAbsence(error)) return false;
    throw error;
  }
}

/** Size and time of a file; `undefined` if there is none. */
export function infoOf(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.statSync(path);
  } catch (error) {
    if (isAbsence(error)) return undefined;
    throw error;
  }
}

function withRest(
  head: Uint8Array<ArrayBuffer>,
  file: Deno.FsFile,
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(Math.max(file.statSync().size, head.length));
  bytes.set(head);
  let length = head.length;
  while (length < bytes.length) {
    const count = file.readSync(bytes.subarray(length));
    if (count === null) break;
    length += count;
  }
  return bytes.subarray(0, length);
}

function writeNew(path: string, bytes: Uint8Array): void {
  using file = Deno.openSync(path, { write: true, createNew: true });
  for (let at = 0; at < bytes.length;) {
    at += file.writeSync(bytes.subarray(at));
  }
}
