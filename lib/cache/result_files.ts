/**
 * The files of results on their way into the cache and back.
 *
 * @module
 */

import {
  CacheError,
  FileChangedError,
  HitherError,
  PermissionNeededError,
  ResultLostError,
} from "../errors.ts";
import type { FileContent } from "../value/encoded.ts";
import {
  intruderIn,
  isAbsence,
  isFolder,
  verdictOf,
} from "../value/file_check.ts";
import {
  type DigestMemo,
  isExecutable,
  NotAFile,
} from "../value/file_digest.ts";
import { absolutePath } from "../value/given_path.ts";
import { dirname } from "../value/paths.ts";
import { type BlobReference, StoredFile } from "./blob_reference.ts";
import { BlobDamage, type BlobFiles } from "./blobs.ts";
import { causeOf } from "./failure.ts";
import { copyIn, copyOut, writeOut } from "./file_copies.ts";
import { isDryRun } from "./job_cache.ts";
import { warnOnce } from "../warn.ts";

/** Blobs that were verified and are in memory, by digest. */
type HeldBlobs = ReadonlyMap<string, Uint8Array<ArrayBuffer>>;

/**
 * Copies the content of each file into its blob.
 *
 * @throws {FileChangedError} if one is not what the result says, or a folder holds the cache.
 */
export async function storeFiles(
  files: readonly FileContent[],
  blobs: BlobFiles,
  memo: DigestMemo,
): Promise<StoredFile[]> {
  const stored: StoredFile[] = [];
  for (const file of files) {
    const { kind, path, digest, size } = file;
    if (kind === "folder") {
      refuseCache(absolutePath(path), blobs.home);
      stored.push(new StoredFile(path, undefined, false));
      continue;
    }
    const absolute = absolutePath(path);
    const executable = isExecutable(infoOf(absolute));
    if (executable !== (file.executable ?? executable)) {
      throw new FileChangedError(
        `Whether ${absolute} may be executed has changed since hi.folder looked at it in the job that returned it: return hi.folder(path) when all is written`,
      );
    }
    const blob = await copyIn(blobs, absolute, digest, size, memo).catch(
      (error) => {
        // Whether it has just gone is what the file itself tells.
        infoOf(absolute);
        throw error;
      },
    );
    stored.push(new StoredFile(path, blob, executable));
  }
  return stored;
}

/** Refuses a folder of a result that holds the cache: to keep it changes what is in it. */
function refuseCache(path: string, cache: string): void {
  const [inner, outer] = [cache, path].map((one) => `${realPath(one)}/`);
  if (!inner!.startsWith(outer!)) return;
  throw new FileChangedError(
    `Cannot keep ${path} as the result of a job as it holds the cache in ${cache}, which changes as jobs run: keep the cache outside of the folder (new hi.JobCache({ path }), or HITHER_CACHE_DIR), or return a folder without it`,
  );
}

function realPath(path: string): string {
  try {
    return Deno.realPathSync(path).replaceAll("\\", "/").replace(/\/$/, "");
  } catch {
    // It is gone, of which others tell.
    return path;
  }
}

/** What the system tells of a file that must be there. */
function infoOf(path: string): Deno.FileInfo {
  try {
    const info = Deno.statSync(path);
    if (info.isFile) return info;
  } catch (error) {
    if (!isAbsence(error)) throw error;
  }
  throw new FileChangedError(
    `${path} is gone since hi.file looked at it in the job that returned it: keep the files of a result`,
  );
}

/**
 * Puts files back where they are missing or have another content. A file that is right
 * is not touched, and nothing is deleted. Where somebody only asks what would be
 * computed, nothing is written: a warning names what is not put back.
 *
 * @param blobs Where their contents are.
 * @param lost What to throw where a blob is damaged or gone; one in memory is neither.
 * @throws {ResultLostError} if something else stands in the place of a file, or in a folder.
 * @throws {PermissionNeededError} if Deno may not write one.
 * @throws {CacheError} if the system does not let one be written.
 */
export function restoreFiles(
  files: readonly StoredFile[],
  blobs: BlobFiles | HeldBlobs,
  memo: DigestMemo,
  lost?: (blob: BlobReference, damage: BlobDamage) => ResultLostError,
): void {
  const intruder = intruderIn(files);
  if (intruder !== undefined) {
    throw new ResultLostError(
      `Cannot restore the folder around ${intruder} as it did not hold that: move it elsewhere, or await the job to run it again, whose result then holds it too unless the function empties the folder first`,
    );
  }
  const missing: string[] = [];
  for (const file of files) {
    try {
      if (!isDryRun) restore(file, blobs, memo);
      else if (needsRestoring(file, memo)) missing.push(file.path);
    } catch (error) {
      if (error instanceof BlobDamage && lost !== undefined) {
        throw lost(file.blob!, error);
      }
      throw explained(error, absolutePath(file.path));
    }
  }
  if (missing.length > 0) tellNotRestored(missing);
}

/**
 * Whether a file would be written or made.
 *
 * @throws {ResultLostError} if it could not, as something else stands there.
 */
function needsRestoring(file: StoredFile, memo: DigestMemo): boolean {
  const path = absolutePath(file.path);
  const isFile = file.blob !== undefined;
  const obstacle = obstacleTo(isFile ? dirname(path) : path);
  if (obstacle !== undefined) throw blockedBy(obstacle, path);
  if (!isFile) return !isFolder(path);
  const verdict = verdictOf(file, memo);
  if (verdict === "not a file") throw noFileAt(path);
  return verdict !== "same";
}

function tellNotRestored([first, ...others]: string[]): void {
  const path = absolutePath(first!);
  const more = others.length === 0
    ? ""
    : ` (and ${others.length} more of that result)`;
  warnOnce(
    `not restored ${path}`,
    `${path}${more} is missing or is not what the result says, and is not put back, as nothing is run: what reads it fails. hither explain --run puts it back`,
  );
}

function restore(
  file: StoredFile,
  blobs: BlobFiles | HeldBlobs,
  memo: DigestMemo,
): void {
  const path = absolutePath(file.path);
  const { blob, executable } = file;
  if (blob === undefined) return Deno.mkdirSync(path, { recursive: true });
  switch (verdictOf(file, memo)) {
    case "same":
      return;
    case "mode": {
      const { mode } = Deno.statSync(path);
      return Deno.chmodSync(path, withExecution(mode! & 0o777, executable));
    }
    case "not a file":
      throw noFileAt(path);
    default:
      return blobs instanceof Map
        ? writeOut(blobs.get(blob.sha256)!, path, executable)
        : copyOut(blobs as BlobFiles, blob, path, executable);
  }
}

function noFileAt(path: string): ResultLostError {
  return new ResultLostError(
    `Cannot restore ${path} as something that is no file stands there: move it elsewhere, or await the job to run it again`,
  );
}

function blockedBy(obstacle: string, path: string): ResultLostError {
  return new ResultLostError(
    `Cannot restore ${path} as something that is no folder stands at ${obstacle}: move it elsewhere, or await the job to run it again`,
  );
}

/** The mode of a file that who may read it may also execute, or nobody. */
function withExecution(mode: number, executable: boolean): number {
  return executable ? mode | (mode & 0o444) >> 2 : mode & ~0o111;
}

function explained(error: unknown, path: string): unknown {
  if (error instanceof HitherError || error instanceof NotAFile) return error;
  const isBlocked = error instanceof Deno.errors.AlreadyExists ||
    error instanceof Deno.errors.NotADirectory;
  const obstacle = isBlocked ? obstacleTo(path) : undefined;
  if (obstacle !== undefined) return blockedBy(obstacle, path);
  if (error instanceof Deno.errors.NotCapable) {
    const flag = `--allow-write=${dirname(path)}`;
    return new PermissionNeededError(
      `Cannot restore ${path} as Deno was not given the permission: add ${flag}`,
      flag,
      { cause: error },
    );
  }
  return new CacheError(
    `Cannot restore ${path} from the cache: ${causeOf(error)}`,
    { cause: error },
  );
}

/** What stands where a folder is to be: at a path itself or above. */
function obstacleTo(path: string): string | undefined {
  for (let at = path;; at = dirname(at)) {
    try {
      return Deno.statSync(at).isDirectory ? undefined : at;
    } catch (error) {
      if (!isAbsence(error) || dirname(at) === at) return undefined;
    }
  }
}
