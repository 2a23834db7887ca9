/**
 * The digest of a file on disk. One that is the same as when it was hashed before, as
 * far as the file system tells, is not read again.
 *
 * @module
 */

import defer * as crypto from "node:crypto";
import {
  FileChangedError,
  FileNotFoundError,
  HitherError,
  PermissionNeededError,
} from "../errors.ts";
import { sha256Hex } from "./sha256.ts";

/** Larger files are read piece by piece. */
const PIECE_BYTES = 1_048_576;

/** A file may have more bytes than the system says: it grows, or the system makes it up. */
const SMALLEST_PIECE = 4_096;

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
 * What the system tells of a file that is about to be opened: to open a pipe would wait
 * for somebody who writes to it, for ever.
 *
 * @throws {NotAFile} if it is none.
 * @throws what Deno throws where there is none.
 */
export function requireFile(path: string): Deno.FileInfo {
  const info = Deno.statSync(path);
  if (!info.isFile) throw new NotAFile(kindOf(info));
  return info;
}

/**
 * Looks at a file now.
 *
 * @param info What the system tells of it, if that was just asked.
 * @throws {NotAFile} if it is none.
 * @throws {FileChangedError} if it is written to all the time.
 * @throws what Deno throws where there is none, or it may not be read.
 */
export function digestOfFile(
  path: string,
  memo: DigestMemo,
  info: Deno.FileInfo = Deno.statSync(path),
): FileDigest {
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
    if (!info.isFile) throw new NotAFile(kindOf(info));
    const executable = isExecutable(info);
    const known = remembered(path, memo, info);
    if (known !== undefined) {
      return { digest: known, size: info.size, executable };
    }
    const begun = Date.now();
    const content = hashed(path);
    const after = Deno.statSync(path);
    if (isSame(info, after)) {
      const state = stateOf(info);
      if (state !== undefined && isSettled(state, begun)) {
        memo.set(path, state, content.digest);
      }
      return { ...content, executable };
    }
    info = after;
  }
  throw new FileChangedError(
    `Cannot hash ${path} as it is being written: wait until that is done`,
  );
}

/** The digest of a file that is as it was when it was hashed before. */
export function remembered(
  path: string,
  memo: DigestMemo,
  info: Deno.FileInfo,
): string | undefined {
  const state = stateOf(info);
  return state && memo.get(path, state);
}

/** Whether a file may be executed by somebody. */
export function isExecutable({ mode }: Deno.FileInfo): boolean {
  return ((mode ?? 0) & 0o111) !== 0;
}

/** Whether a file was left alone long enough before `time`; one from the future was not. */
export function isSettled({ mtime, ctime }: FileState, time: number): boolean {
  return Math.max(mtime, ctime) <= time - SETTLED_MS;
}

/** Digest and size of what is in a file, whatever is remembered of it. */
export function hashed(path: string): { digest: string; size: number } {
  using file = Deno.openSync(path);
  const expected = file.statSync().size + 1;
  const piece = new Uint8Array(
    Math.min(Math.max(expected, SMALLEST_PIECE), PIECE_BYTES),
  );
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

/** The same, with turns for others in between where there is much to read. */
export async function hashedInTurns(
  path: string,
): Promise<{ digest: string; size: number }> {
  using file = await Deno.open(path);
  const { size: expected } = await file.stat();
  if (expected < PIECE_BYTES) return hashed(path);
  const hash = crypto.createHash("sha256");
  const piece = new Uint8Array(PIECE_BYTES);
  let size = 0;
  let count: number | null;
  while ((count = await file.read(piece)) !== null) {
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

const NO_FOLDER = "a part of its path is no folder: check the path";

/** So much is shown of a path that is too long. */
const SHOWN = 80;

/** What a user should read instead of an error that using a path as a file or folder gave. */
export function explained(
  error: unknown,
  path: string,
  wanted: "file" | "folder",
): unknown {
  if (error instanceof HitherError) return error;
  if (error instanceof Deno.errors.NotFound) {
    return new FileNotFoundError(
      `Cannot use ${path} as a ${wanted} as there is no such ${wanted}: check the path, which is relative to the current folder`,
      { cause: error },
    );
  }
  if (error instanceof NotAFile && wanted === "file") {
    const cure = error.what === "a folder"
      ? "use hi.folder for it, or pass the files in it"
      : "pass a file that holds its content";
    return new FileNotFoundError(
      `Cannot use ${path} as a file as it is ${error.what}: ${cure}`,
    );
  }
  if (error instanceof Deno.errors.NotADirectory) {
    const why = wanted === "folder" ? whyNoFolder(path) : NO_FOLDER;
    return new FileNotFoundError(
      `Cannot use ${path} as a ${wanted} as ${why}`,
      { cause: error },
    );
  }
  if ((error as { code?: unknown }).code === "ENAMETOOLONG") {
    return new FileNotFoundError(
      `Cannot use ${
        path.slice(0, SHOWN)
      }... as a ${wanted} as a name in its path, or all of it, is longer than the system lets it be: current length is ${path.length}`,
      { cause: error },
    );
  }
  if (error instanceof Deno.errors.NotCapable) {
    const flag = `--allow-read=${path}`;
    return new PermissionNeededError(
      `Cannot read ${path} as Deno was not given the permission: add ${flag}`,
      flag,
      { cause: error },
    );
  }
  return error;
}

/** What is at a path that is no folder, and what to do about it. */
function whyNoFolder(path: string): string {
  try {
    const info = Deno.statSync(path);
    return info.isFile
      ? "it is a file: use hi.file for it"
      : `it is ${
        kindOf(info)
      }, which has no content that could be kept: pass a folder`;
  } catch {
    return NO_FOLDER;
  }
}

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
