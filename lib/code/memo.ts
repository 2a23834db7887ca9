/**
 * What is remembered of a snapshot, so that a process in which nothing changed
 * need not take it again: the files that it was made from, by time and size.
 * A file in `code/` of the cache folder, of three lines:
 *
 * 1. {@linkcode MemoHead}, which is all that most processes read,
 * 2. the text of the snapshot,
 * 3. the fingerprints of the files, for the next one who takes a snapshot.
 *
 * @module
 */

import { requireFile } from "../value/file_digest.ts";
import { sha256 } from "../value/sha256.ts";

/**
 * A file as it was: path, size, time of modification and of change in ms since the
 * epoch, inode; and the digest of its content if that was written so shortly before
 * it was read that it could have changed again without a trace.
 */
export type WatchedFile = readonly [
  path: string,
  size: number,
  mtime: number,
  ctime: number,
  inode: number,
  digest?: string,
];

/** A folder as it was, and paths in it at which there was nothing. */
export type WatchedFolder = readonly [
  folder: WatchedFile,
  absent: readonly string[],
];

/** What a process needs to know of a snapshot. */
export interface MemoHead {
  readonly format: number;
  /** What was asked, in one text. */
  readonly asked: string;
  /** The digest of the snapshot's text. */
  readonly digest: string;
  /** Edges of the graph that lead nowhere, in words; empty if the snapshot is whole. */
  readonly missing: readonly string[];
  /** How many of the files are modules; the others are of the configuration. */
  readonly modules: number;
  readonly files: readonly WatchedFile[];
  readonly folders: readonly WatchedFolder[];
  /** Names and what they stand for by the import map. */
  readonly mapped: readonly (readonly [name: string, target: string])[];
  /** Whether all that it rests on can be watched. */
  readonly isLasting: boolean;
  /** The digest once more: one that was damaged is not believed. */
  readonly again: string;
}

/** A memo as it was read or made. */
export interface Memo {
  readonly head: MemoHead;
  /** The text of the snapshot. */
  readonly snapshot: string;
  /** The third line. */
  readonly prints: string;
}

/** The format of a memo; raised with every change of it, and of fingerprints. */
export const MEMO_FORMAT = 1;

/** How coarse the clock of a file system may be, in ms. */
const CLOCK_TICK = 2_000;

let mayReadAll: boolean | undefined;

/** Whether a file may be read. Asked, as Deno would prompt otherwise. */
export function isReadable(path: string): boolean {
  mayReadAll ??=
    Deno.permissions.querySync({ name: "read" }).state === "granted";
  return mayReadAll ||
    Deno.permissions.querySync({ name: "read", path }).state === "granted";
}

/** The file as it is now; `undefined` if it is not there, or may not be looked at. */
export function lookAt(path: string): WatchedFile | undefined {
  if (!isReadable(path)) return undefined;
  try {
    const { size, mtime, ctime, ino } = Deno.statSync(path);
    return [path, size, timeOf(mtime), timeOf(ctime), ino ?? 0];
  } catch {
    return undefined;
  }
}

/** Whether there is a file. Where there is none, to open it costs a fourth of looking at it. */
function isThere(path: string): boolean {
  if (!isReadable(path)) return false;
  try {
    Deno.openSync(path).close();
    return true;
  } catch {
    return false;
  }
}

/** Whether a file was written so shortly before `now` that its times tell nothing. */
export function isFresh([, , mtime, ctime]: WatchedFile, now: number): boolean {
  return Math.max(mtime, ctime) > now - CLOCK_TICK;
}

/** Reads a memo; `undefined` if there is none, or it is damaged, or of another question. */
export function readMemo(path: string, asked: string): Memo | undefined {
  try {
    requireFile(path);
    const [head, snapshot, prints] = Deno.readTextFileSync(path).split("\n");
    return parseMemo(head!, snapshot!, prints!, asked);
  } catch {
    return undefined;
  }
}

/** A memo from its three lines; `undefined` if it is none. */
export function parseMemo(
  head: string,
  snapshot: string,
  prints: string,
  asked: string,
): Memo | undefined {
  const parsed = JSON.parse(head) as MemoHead;
  const isWhole = parsed.format === MEMO_FORMAT && parsed.asked === asked &&
    parsed.digest.length === 64 && parsed.digest === parsed.again &&
    Array.isArray(parsed.files) && parsed.modules <= parsed.files.length &&
    Array.isArray(parsed.folders) && Array.isArray(parsed.missing) &&
    Array.isArray(parsed.mapped) && snapshot.length > 0 &&
    prints !== undefined;
  return isWhole ? { head: parsed, snapshot, prints } : undefined;
}

/** How a memo compares with the files of now. */
export type Verdict =
  | "same"
  /** The same, after another look into files that had been written shortly before. */
  | "same now"
  | "changed";

/** Whether all files are as they were. */
export function judge({ head: { files, folders } }: Memo): Verdict {
  let verdict: Verdict = "same";
  // What runs for the first time is slow, and there may be hundreds of files: no lists, no closures.
  for (let i = 0; i < files.length; i++) {
    const file = files[i]!;
    if (!isUnchanged(file)) return "changed";
    if (file.length === 6) {
      if (digestOfFile(file[0]) !== file[5]) return "changed";
      verdict = "same now";
    }
  }
  for (let i = 0; i < folders.length; i++) {
    const [folder, absent] = folders[i]!;
    if (folder.length === 5 && isUnchanged(folder)) continue;
    if (!isReadable(folder[0]) || absent.some(isThere)) return "changed";
    verdict = "same now";
  }
  return verdict;
}

/** A file that is not as it was, if there is one. */
export function changedFile({ head: { files } }: Memo): string | undefined {
  const changed = files.find((file) =>
    !isUnchanged(file) ||
    file.length === 6 && digestOfFile(file[0]) !== file[5]
  );
  return changed?.[0];
}

/**
 * The memo after another look at `now`: files whose content was compared, and folders that were looked through,
 * are trusted by their times. `undefined` if that is so of none that was not trusted before.
 */
export function settled(memo: Memo, now: number): Memo | undefined {
  let isNew = false;
  const files = memo.head.files.map((file): WatchedFile => {
    if (file.length === 5 || isFresh(file, now)) return file;
    isNew = true;
    const [path, size, mtime, ctime, inode] = file;
    return [path, size, mtime, ctime, inode];
  });
  const folders = memo.head.folders.map((watched): WatchedFolder => {
    const [folder, absent] = watched;
    const current = lookAt(folder[0]);
    if (
      current === undefined || isFresh(current, now) ||
      folder.length === 5 && isSame(folder, current)
    ) return watched;
    isNew = true;
    return [current, absent];
  });
  return isNew
    ? { ...memo, head: { ...memo.head, files, folders } }
    : undefined;
}

/** Whether a folder may be written to. Asked, as Deno would prompt otherwise. */
export function mayWrite(path: string): boolean {
  return Deno.permissions.querySync({ name: "write", path }).state ===
    "granted";
}

/** Writes a memo; where that fails, the next process takes the snapshot again. */
export function writeMemo(
  path: string,
  { head, snapshot, prints }: Memo,
): void {
  const folder = path.slice(0, path.lastIndexOf("/"));
  if (!mayWrite(folder)) return;
  const temporary = `${path}.${Deno.pid}`;
  try {
    Deno.mkdirSync(folder, { recursive: true });
    Deno.writeTextFileSync(
      temporary,
      `${JSON.stringify(head)}\n${snapshot}\n${prints}`,
    );
    Deno.renameSync(temporary, path);
  } catch {
    // A full disk, a read-only folder: it was only to save time.
  }
}

function isSame(before: WatchedFile, now: WatchedFile): boolean {
  return before[1] === now[1] && before[2] === now[2] &&
    before[3] === now[3] && before[4] === now[4];
}

/** Whether a file is there and is as it was. */
function isUnchanged(file: WatchedFile): boolean {
  if (!mayReadAll && !isReadable(file[0])) return false;
  try {
    const now = Deno.statSync(file[0]);
    return now.size === file[1] && timeOf(now.mtime) === file[2] &&
      timeOf(now.ctime) === file[3] && (now.ino ?? 0) === file[4];
  } catch {
    return false;
  }
}

function timeOf(date: Date | null): number {
  return date === null ? 0 : date.getTime();
}

function digestOfFile(path: string): string {
  return sha256(Deno.readFileSync(path)).toHex();
}
