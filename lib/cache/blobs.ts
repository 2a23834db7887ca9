/**
 * Large results, and the files of results, as files: `blobs/ab/cdef...`, named by the SHA-256 of their bytes.
 *
 * @module
 */

import { ResultLostError } from "../errors.ts";
import type { Leaf } from "../value/encoded.ts";
import { MemoryLeaf } from "../value/encoded.ts";
import { NotAFile, requireFile } from "../value/file_digest.ts";
import { dirname, join } from "../value/paths.ts";
import { sha256Hex } from "../value/sha256.ts";
import { BlobReference } from "./blob_reference.ts";
import type { CacheFolder } from "./folder.ts";
import { LiveBlobs } from "./live_blobs.ts";
import { loadXxh3, xxh3 } from "./xxh3.ts";

/** Bytes read and hashed at a time: few enough to be in the processor's cache still, and not so few that the calls count. */
const PIECE_BYTES = 1_048_576;

/** Bytes written at a time. */
const WRITE_BYTES = 4_194_304;

/** A temporary file that was not written to for so long belongs to a process that died, in ms. */
const STALE_MS = 3_600_000;

/** A blob is not what its reference says; the message continues "blob ... ". */
export class BlobDamage extends Error {
  /** Whether there is a file to set aside. */
  readonly present: boolean;

  constructor(message: string, present: boolean) {
    super(message);
    this.present = present;
  }

  /** What is thrown to who asked for the result that is in the blob at a path. */
  lossOf(path: string): ResultLostError {
    return new ResultLostError(
      `Cannot load the result as ${path} ${this.message}: await the job to run it again`,
      { cause: this },
    );
  }
}

/** What is told of blobs where nothing counts who names them. */
export interface BlobSharing {
  /** Notes that a blob found there is relied on; whether it can be. */
  rely(path: string): boolean;
  /** Notes that a blob was written. */
  wrote(reference: BlobReference): void;
}

/** The blobs of one cache. */
export class BlobFiles {
  readonly #folder: CacheFolder;
  /** The blobs that jobs of this program still need. */
  readonly live = new LiveBlobs();
  /** Digests of blobs that could not be read: a file of the right length proves nothing. */
  readonly #bad = new Set<string>();
  #swept = false;
  readonly #sharing: BlobSharing | undefined;

  /**
   * @param sharing Where it is given, nobody takes the place of a good blob: one of two
   * writers relies on the other's.
   */
  constructor(folder: CacheFolder, sharing?: BlobSharing) {
    this.#folder = folder;
    this.#sharing = sharing;
  }

  /** The folder of the cache. */
  get home(): string {
    return this.#folder.path;
  }

  /** Where a blob is. */
  path(reference: BlobReference): string {
    const { sha256 } = reference;
    return join(this.#folder.blobs, sha256.slice(0, 2), sha256.slice(2));
  }

  /**
   * Writes a leaf unless its blob is there: to `tmp/`, its length checked, then
   * renamed, over a bad blob too. Only what this returns may be named by a record.
   */
  async write(leaf: Leaf): Promise<BlobReference> {
    await loadXxh3();
    const bytes = leaf.peek();
    const digest = leaf.digest ?? sha256Hex(bytes);
    if (leaf instanceof MemoryLeaf) leaf.digest = digest;
    const reference = BlobReference.of(
      digest,
      fingerprint(bytes),
      bytes.length,
    );
    if (this.has(reference)) return reference;
    await this.put(reference, (temporary) => writeWhole(temporary, bytes));
    return reference;
  }

  /** Whether a blob is there, as far as can be told without reading it. */
  has(reference: BlobReference): boolean {
    const path = this.path(reference);
    return !this.#bad.has(reference.sha256) &&
      hasLength(path, reference.byteLength) &&
      this.#sharing?.rely(path) !== false;
  }

  /** Whether a file of the right length is in the place of a blob, whatever is known of it. */
  isThere(reference: BlobReference): boolean {
    return hasLength(this.path(reference), reference.byteLength);
  }

  /** Renames, over a folder too, which makes way. */
  async #move(temporary: string, path: string): Promise<void> {
    try {
      await Deno.rename(temporary, path);
    } catch (error) {
      if (!this.#folder.evict(path, "file")) throw error;
      await Deno.rename(temporary, path);
    }
  }

  /** Puts a file in the place of a blob; whether that was still to be done. */
  async #place(
    reference: BlobReference,
    temporary: string,
    path: string,
  ): Promise<boolean> {
    if (this.#sharing !== undefined) {
      try {
        await Deno.link(temporary, path);
        await Deno.remove(temporary);
        return true;
      } catch (error) {
        if (error instanceof Deno.errors.NotFound) throw error;
        // Others have made it since we looked, or a bad one stands there, or there are no links here.
        if (this.has(reference)) {
          await Deno.remove(temporary);
          return false;
        }
      }
    }
    await this.#move(temporary, path);
    return true;
  }

  /** Notes that a blob is not what it should be: the next writer replaces it. */
  distrust(reference: BlobReference): void {
    this.#bad.add(reference.sha256);
  }

  /** Makes a blob: `write` makes a file in `tmp/`, which is then renamed. */
  async put(
    reference: BlobReference,
    write: (temporary: string) => Promise<void>,
  ): Promise<void> {
    this.#sweep();
    const path = this.path(reference);
    const temporary = join(this.#folder.tmp, crypto.randomUUID());
    try {
      await withFolder(temporary, () => write(temporary));
      const placed = await withFolder(
        path,
        () => this.#place(reference, temporary, path),
      );
      this.#bad.delete(reference.sha256);
      if (placed) this.#sharing?.wrote(reference);
    } catch (error) {
      await Deno.remove(temporary).catch(() => {});
      throw error;
    }
  }

  /**
   * Reads a blob into a new buffer and verifies it on the way.
   *
   * @throws {BlobDamage} if it is gone or not what was written.
   */
  read(reference: BlobReference): Uint8Array<ArrayBuffer> {
    try {
      const bytes = this.#readVerified(reference);
      if (this.#bad.size > 0) this.#bad.delete(reference.sha256);
      return bytes;
    } catch (error) {
      this.distrust(reference);
      throw error;
    }
  }

  #readVerified(reference: BlobReference): Uint8Array<ArrayBuffer> {
    const path = this.path(reference);
    const { byteLength } = reference;
    let file: Deno.FsFile;
    try {
      const { size } = requireFile(path);
      if (size !== byteLength) {
        throw new BlobDamage(
          `is ${size} bytes long instead of ${byteLength}`,
          true,
        );
      }
      file = Deno.openSync(path);
    } catch (error) {
      if (error instanceof NotAFile) {
        throw new BlobDamage("is not a file", true);
      }
      if (error instanceof Deno.errors.NotFound) {
        throw new BlobDamage("is gone", false);
      }
      if (error instanceof Deno.errors.NotADirectory) {
        throw new BlobDamage(
          "is gone: a file stands in its folder's place",
          false,
        );
      }
      throw error;
    }
    using _ = file;
    const bytes = new Uint8Array(byteLength);
    const expected = reference.xxh3;
    const hasher = expected === undefined ? undefined : xxh3();
    hasher?.init();
    for (let position = 0; position < byteLength;) {
      const piece = bytes.subarray(position, position + PIECE_BYTES);
      const count = file.readSync(piece);
      if (count === null) throw new BlobDamage("has become shorter", true);
      hasher?.update(piece.subarray(0, count));
      position += count;
    }
    const right = hasher === undefined
      ? sha256Hex(bytes) === reference.sha256
      : equal(hasher.digest("binary"), expected!);
    if (!right) throw new BlobDamage("is damaged", true);
    return bytes;
  }

  /** Takes a blob into memory if a job of this program still needs it; whether its file may go. */
  release(digest: string): boolean {
    return this.live.release(
      digest,
      (reference) => this.#readVerified(reference),
    );
  }

  /** Moves a damaged blob to the quarantine and tells where it is now. */
  setAside(reference: BlobReference): string | undefined {
    return this.#folder.setFileAside(this.path(reference), reference.sha256);
  }

  /** Evicts files that stand where the folders of blobs should be; whether there were any. */
  evictIntruders(): boolean {
    let evicted = this.#folder.evictIntruders();
    for (const first of names(this.#folder.blobs, /^[0-9a-f]{2}$/)) {
      if (this.#folder.evict(join(this.#folder.blobs, first), "folder")) {
        evicted = true;
      }
    }
    return evicted;
  }

  /** All files in the places of blobs. */
  *files(): Iterable<{ digest: string; path: string }> {
    const { blobs } = this.#folder;
    for (const first of names(blobs, /^[0-9a-f]{2}$/)) {
      for (const rest of names(join(blobs, first), /^[0-9a-f]{62}$/)) {
        yield { digest: first + rest, path: join(blobs, first, rest) };
      }
    }
  }

  #temporaryFiles(): string[] {
    const { path, tmp } = this.#folder;
    return [
      ...names(tmp, /^(count-)?[0-9a-f-]{36}$/).map((name) => join(tmp, name)),
      // What a disk was tried with whether it is full.
      ...names(path, /^room-[0-9a-f-]{36}$/).map((name) => join(path, name)),
    ];
  }

  /** Removes, once, what processes left behind that died while they wrote. */
  #sweep(): void {
    if (this.#swept) return;
    this.#swept = true;
    this.removeStale();
  }

  /** Removes what processes left behind that died while they wrote. */
  removeStale(): void {
    for (const path of this.#temporaryFiles()) {
      const written = whereThere(() => Deno.statSync(path))?.mtime?.getTime();
      if (written !== undefined && Date.now() - written > STALE_MS) {
        whereThere(() => Deno.removeSync(path, { recursive: true }));
      }
    }
  }
}

/** Does something with a file that another process may move or delete meanwhile. */
function whereThere<R>(action: () => R): R | undefined {
  try {
    return action();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

function fingerprint(bytes: Uint8Array): Uint8Array | undefined {
  const hasher = xxh3();
  if (hasher === undefined) return undefined;
  hasher.init();
  for (let i = 0; i < bytes.length; i += PIECE_BYTES) {
    hasher.update(bytes.subarray(i, i + PIECE_BYTES));
  }
  return hasher.digest("binary");
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

function hasLength(path: string, length: number): boolean {
  try {
    const info = Deno.statSync(path);
    return info.isFile && info.size === length;
  } catch {
    return false;
  }
}

async function writeWhole(
  path: string,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<void> {
  using file = await Deno.open(path, { write: true, createNew: true });
  // In pieces, which is faster than writeFile.
  for (let position = 0; position < bytes.length;) {
    const piece = bytes.subarray(position, position + WRITE_BYTES);
    position += await file.write(piece);
  }
  const { size } = await file.stat();
  if (size !== bytes.length) throw new Error(`${path} was not written whole`);
}

/** Does what needs the folder of a path; makes that only where it is missing. */
async function withFolder<R>(
  path: string,
  action: () => Promise<R>,
): Promise<R> {
  try {
    return await action();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    await Deno.mkdir(dirname(path), { recursive: true });
    return await action();
  }
}

function names(folder: string, pattern: RegExp): string[] {
  try {
    return Array.from(Deno.readDirSync(folder), ({ name }) => name)
      .filter((name) => pattern.test(name));
  } catch {
    return [];
  }
}
