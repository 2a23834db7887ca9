/**
 * The digest of a file on disk. A large file that is the same as when it was hashed
 * before, as far as the file system tells, is not read again.
 *
 * @module
 */

import defer * as crypto from "node:crypto";
import { FileChangedError } from "../errors.ts";
import { sha256Hex } from "./sha256.ts";

/** Larger files are hashed piece by piece. */
const PIECE_BYTES = 1_048_576;

/** Smaller files are hashed faster than they are looked up. */
export const MEMO_BYTES = 65_536;

/**
 * How long before its hashing a file must have been left alone for its digest to be
 * remembered, in ms. A later change could else have the same times: clocks of file
 * systems tick slowly, and Deno tells `ctime` in whole seconds.
 */
const SETTLED_MS = 2_000;

/** How often a file is hashed that changes meanwhile. */
const MOST_ATTEMPTS = 3;

/** What the file system tells of a file; a change of content changes some of it. */
export interface FileState {
  readonly dev: number;
  readonly ino: number;
  readonly size: number;
  /** In ms since the epoch, as is `ctime`. */
  readonly mtime: number;
  readonly ctime: number;
}

/** Remembers the digests of files. */
export interface DigestMemo {
  /** The digest of a file that was in this state when it was hashed. */
  get(path: string, state: FileState): string | undefined;
  /** Remembers a digest. */
  set(path: string, state: FileState, digest: string): void;
}

/** The content of a file, in short. */
export interface FileDigest {
  /** SHA-256, 64 hexadecimal digits. */
  readonly digest: string;
  /** Length in bytes. */
  readonly size: number;
  readonly executable: boolean;
}

/** There is something at a path that is no file: a folder, a socket. */
export class NotAFile extends Error {
  /** What it is, with its article. */
  readonly what: string;

  constructor(what: string) {
    super(`it is ${what}`);
    this.what = what;
  }
}

/**
 * Looks at a file now.
 *
 * @throws {NotAFile} if it is none.
 * @throws {FileChangedError} if it is written to all the time.
 * @throws what Deno throws where there is none, or it may not be read.
 */
export function digestOfFile(path: string, memo: DigestMemo): FileDigest {
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
    const info = Deno.statSync(path);
    if (!info.isFile) throw new NotAFile(kindOf(info));
    const executable = ((info.mode ?? 0) & 0o111) !== 0;
    const state = stateOf(info);
    const isLarge = info.size >= MEMO_BYTES && state !== undefined;
    const known = isLarge ? memo.get(path, state) : undefined;
    if (known !== undefined) {
      return { digest: known, size: info.size, executable };
    }
    const begun = Date.now();
    const content = hashed(path);
    const after = Deno.statSync(path);
    if (!isSame(info, after)) continue;
    if (isLarge && isSettled(state, begun)) {
      memo.set(path, state, content.digest);
    }
    return { ...content, executable };
  }
  throw new FileChangedError(
    `Cannot hash ${path} as it is being written: wait until that is done`,
  );
}

/** Whether a file was left alone long enough before `time`; one from the future was not. */
export function isSettled({ mtime, ctime }: FileState, time: number): boolean {
  return Math.max(mtime, ctime) <= time - SETTLED_MS;
}

/** Digest and size of what is in a file, whatever is remembered of it. */
export function hashed(path: string): { digest: string; size: number } {
  using file = Deno.openSync(path);
  const piece = new Uint8Array(PIECE_BYTES);
  let filled = 0;
  let count: number | null;
  // Most files end within the first piece, and then node:crypto need not be loaded.
  while (
    filled < piece.length &&
    (count = file.readSync(piece.subarray(filled))) !== null
  ) filled += count;
  if (filled < piece.length) {
    return { digest: sha256Hex(piece.subarray(0, filled)), size: filled };
  }
  const hash = crypto.createHash("sha256").update(piece);
  let size = filled;
  while ((count = file.readSync(piece)) !== null) {
    hash.update(piece.subarray(0, count));
    size += count;
  }
  return { digest: hash.digest("hex"), size };
}

/** Undefined where the file system does not tell enough. */
function stateOf(
  { dev, ino, size, mtime, ctime }: Deno.FileInfo,
): FileState | undefined {
  if (ino === null || mtime === null || ctime === null) return undefined;
  return { dev, ino, size, mtime: mtime.getTime(), ctime: ctime.getTime() };
}

function isSame(a: Deno.FileInfo, b: Deno.FileInfo): boolean {
  return a.dev === b.dev && a.ino === b.ino && a.size === b.size &&
    a.mtime?.getTime() === b.mtime?.getTime() &&
    a.ctime?.getTime() === b.ctime?.getTime();
}

/** What is at a path that is no file. */
export function kindOf(info: Deno.FileInfo): string {
  if (info.isDirectory) return "a folder";
  if (info.isSocket) return "a socket";
  if (info.isFifo) return "a pipe";
  return "a device";
}
