/**
 * Copies of the files of results: into a blob, and back to where they were. Where the
 * file system can, the copy of a large file shares its blocks until one of the two is
 * written to. It is never a link, as an edit would reach the blob through that.
 *
 * @module
 */

import { FileChangedError } from "../errors.ts";
import {
  type DigestMemo,
  hashed,
  hashedInTurns,
  remembered,
} from "../value/file_digest.ts";
import { temporaryName } from "../value/folder_listing.ts";
import { dirname, join } from "../value/paths.ts";
import { sha256Hex } from "../value/sha256.ts";
import { BlobReference } from "./blob_reference.ts";
import { BlobDamage, type BlobFiles } from "./blobs.ts";

/** Larger files are copied by the system, without a way through our memory. */
const SMALL_BYTES = 1_048_576;

/**
 * Copies a file into its blob, unless that is there.
 *
 * @throws {FileChangedError} if the file is not what the digest says.
 */
export async function copyIn(
  blobs: BlobFiles,
  path: string,
  digest: string,
  size: number,
  memo: DigestMemo,
): Promise<BlobReference> {
  const reference = BlobReference.of(digest, undefined, size);
  if (blobs.has(reference)) {
    const known = remembered(path, memo, await Deno.stat(path)) ??
      (await hashedInTurns(path)).digest;
    if (known !== digest) throw changed(path);
  } else if (size <= SMALL_BYTES) {
    const bytes = await Deno.readFile(path);
    if (bytes.length !== size || sha256Hex(bytes) !== digest) {
      throw changed(path);
    }
    await blobs.put(
      reference,
      (temporary) => Deno.writeFile(temporary, bytes, { createNew: true }),
    );
  } else {
    await blobs.put(reference, async (temporary) => {
      (await Deno.open(temporary, { write: true, createNew: true })).close();
      const { mode } = await Deno.stat(temporary);
      await Deno.copyFile(path, temporary);
      // The copy has taken over who may read the file; a blob is as all blobs are.
      if (mode !== null) await Deno.chmod(temporary, mode & 0o777);
      const copy = await hashedInTurns(temporary);
      if (copy.digest !== digest || copy.size !== size) throw changed(path);
    });
  }
  return reference;
}

function changed(path: string): FileChangedError {
  return new FileChangedError(
    `${path} has changed since hi.file looked at it in the job that returned it: return hi.file(path) when all is written, and let each job write to a path of its own`,
  );
}

/**
 * Copies a blob to where a file was: beside that place, then renamed.
 *
 * @throws {BlobDamage} if the blob is gone or not what was written.
 */
export function copyOut(
  blobs: BlobFiles,
  reference: BlobReference,
  path: string,
  executable: boolean,
): void {
  const source = blobs.path(reference);
  try {
    checkLength(source, reference.byteLength);
    if (reference.byteLength <= SMALL_BYTES) {
      const bytes = Deno.readFileSync(source);
      checkDigest(sha256Hex(bytes), reference);
      return writeOut(bytes, path, executable);
    }
    replace(path, executable, (temporary, options) => {
      made(temporary, options).close();
      const { mode } = Deno.statSync(temporary);
      Deno.copyFileSync(source, temporary);
      checkDigest(hashed(temporary).digest, reference);
      if (mode !== null) Deno.chmodSync(temporary, mode & 0o777);
    });
  } catch (error) {
    if (error instanceof BlobDamage) blobs.distrust(reference);
    throw error;
  }
}

/** Writes bytes to where a file was: beside that place, then renamed. */
export function writeOut(
  bytes: Uint8Array<ArrayBuffer>,
  path: string,
  executable: boolean,
): void {
  replace(path, executable, (temporary, options) => {
    using file = made(temporary, options);
    for (let at = 0; at < bytes.length;) {
      at += file.writeSync(bytes.subarray(at));
    }
  });
}

/** Puts a new file, filled by `fill`, in the place of a path. */
function replace(
  path: string,
  executable: boolean,
  fill: (temporary: string, options: Deno.OpenOptions) => void,
): void {
  const temporary = join(dirname(path), temporaryName());
  // Who may do what with the file is for the system's default to say.
  const options = { createNew: true, mode: executable ? 0o777 : 0o666 };
  try {
    fill(temporary, options);
    Deno.renameSync(temporary, path);
  } catch (error) {
    try {
      Deno.removeSync(temporary);
    } catch {
      // It was not made, or it cannot be removed: the first error tells more.
    }
    throw error;
  }
}

/** Looks whether a blob may be whole. */
function checkLength(path: string, byteLength: number): void {
  let info: Deno.FileInfo;
  try {
    info = Deno.statSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new BlobDamage("is gone", false);
  }
  if (!info.isFile) throw new BlobDamage("is not a file", true);
  if (info.size !== byteLength) {
    throw new BlobDamage(
      `is ${info.size} bytes long instead of ${byteLength}`,
      true,
    );
  }
}

function checkDigest(digest: string, reference: BlobReference): void {
  if (digest !== reference.sha256) throw new BlobDamage("is damaged", true);
}

/** A new file; its folder is made only where it is missing. */
function made(path: string, options: Deno.OpenOptions): Deno.FsFile {
  const writing = { ...options, write: true };
  try {
    return Deno.openSync(path, writing);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    Deno.mkdirSync(dirname(path), { recursive: true });
    return Deno.openSync(path, writing);
  }
}
