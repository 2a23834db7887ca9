/**
 * Files as arguments: known by their content.
 *
 * @module
 */

import defer * as crypto from "node:crypto";
import { FileChangedError, PermissionNeededError } from "../errors.ts";
import { givenPath } from "./given_path.ts";
import { sha256Hex } from "./sha256.ts";

/** Larger files are hashed piece by piece. */
const PIECE_BYTES = 1_048_576;

/**
 * A file as it was when {@linkcode fileReference} looked at it. As an argument it
 * stands for its content: the path is not part of the key.
 *
 * @example
 * ```ts
 * import * as hi from "@hither/hither";
 *
 * const path = await Deno.makeTempFile();
 * await Deno.writeTextFile(path, "one two");
 * const words = hi.func(
 *   "file_reference_doc_words",
 *   "1",
 *   (file: hi.FileReference) => file.text().split(" ").length,
 * );
 * console.assert(await words.run(hi.file(path)) === 2);
 * await Deno.remove(path);
 * ```
 */
export class FileReference {
  /** The absolute path. */
  readonly path: string;
  /** SHA-256 of the content, 64 hexadecimal digits. */
  readonly digest: string;
  /** Length of the content in bytes. */
  readonly size: number;
  readonly #genuine = true;

  /** Refers to a file whose digest and size are known; `hi.file` finds them out. */
  constructor(path: string, digest: string, size: number) {
    if (typeof path !== "string" || path === "") {
      throw new TypeError(
        `Cannot refer to a file as its path must be a text that is not empty: current value is ${path}`,
      );
    }
    if (typeof digest !== "string" || !/^[0-9a-f]{64}$/.test(digest)) {
      throw new TypeError(
        `Cannot refer to ${path} as its digest must be 64 hexadecimal digits: current value is ${digest}`,
      );
    }
    if (!Number.isSafeInteger(size) || size < 0) {
      throw new RangeError(
        `Cannot refer to ${path} as its size must be a number of bytes: current value is ${size}`,
      );
    }
    this.path = path;
    this.digest = digest;
    this.size = size;
    Object.freeze(this);
  }

  /** Whether an object was made by this class, whatever its prototype says. */
  static isGenuine(object: object): object is FileReference {
    return #genuine in object;
  }

  /**
   * Reads the file.
   *
   * @throws {FileChangedError} if its content is not what it was.
   * @throws {PermissionNeededError} if Deno may not read it.
   */
  bytes(): Uint8Array<ArrayBuffer> {
    let bytes;
    try {
      bytes = Deno.readFileSync(this.path);
    } catch (cause) {
      if (cause instanceof Deno.errors.NotFound) {
        throw new FileChangedError(
          `${this.path} is gone since hi.file looked at it: restore it, or call hi.file again and run the job with that`,
          { cause },
        );
      }
      throw explained(cause, this.path);
    }
    if (bytes.length !== this.size || sha256Hex(bytes) !== this.digest) {
      throw new FileChangedError(
        `${this.path} has changed since hi.file looked at it: call hi.file again and run the job with that`,
      );
    }
    return bytes;
  }

  /** Reads the file as UTF-8. Throws as `bytes` does. */
  text(): string {
    return new TextDecoder().decode(this.bytes());
  }
}

/**
 * Looks at a file now and returns a reference to it, to be used as an argument: the file
 * is known by its content, so a changed file is another argument and a mere `touch` is not.
 *
 * @param path A path, relative to the current folder, or a `file:` URL, also as text.
 * @throws {TypeError} if it is neither, as with the URL of something on the network.
 * @throws {Error} if there is no such file, or it is a folder; `cause` holds Deno's error.
 * @throws {PermissionNeededError} if Deno may not read it.
 *
 * @example
 * ```ts
 * import * as hi from "@hither/hither";
 *
 * const path = await Deno.makeTempFile();
 * await Deno.writeTextFile(path, "hello");
 * const file = hi.file(path);
 * console.assert(file.size === 5);
 * console.assert(file.text() === "hello");
 * await Deno.remove(path);
 * ```
 */
export function fileReference(path: string | URL): FileReference {
  const absolute = absolutePath(path);
  try {
    using file = Deno.openSync(absolute);
    if (file.statSync().isDirectory) {
      throw new Error(
        `Cannot use ${absolute} as a file as it is a folder: pass the files in it, one by one`,
      );
    }
    return hashed(absolute, file);
  } catch (error) {
    throw explained(error, absolute);
  }
}

// By hand, as loading @std/path takes longer than reading a small cache.
function absolutePath(given: string | URL): string {
  const path = givenPath(
    given,
    "Cannot use a file",
    "fetch it first, and pass its content or the path of a file that holds it",
  );
  return ABSOLUTE.test(path) ? path : `${currentFolder()}/${path}`;
}

const ABSOLUTE = /^(\/|\\\\|[A-Za-z]:[\\/])/;

function currentFolder(): string {
  try {
    return Deno.cwd();
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotCapable)) throw cause;
    throw new PermissionNeededError(
      "Cannot find out the current folder, which a relative path needs, as Deno was not given the permission: add --allow-read",
      "--allow-read",
      { cause },
    );
  }
}

function hashed(path: string, file: Deno.FsFile): FileReference {
  const piece = new Uint8Array(PIECE_BYTES);
  let filled = 0;
  let count: number | null;
  // Most files end within the first piece, and then node:crypto need not be loaded.
  while (
    filled < piece.length &&
    (count = file.readSync(piece.subarray(filled))) !== null
  ) filled += count;
  if (filled < piece.length) {
    return new FileReference(
      path,
      sha256Hex(piece.subarray(0, filled)),
      filled,
    );
  }
  const hash = crypto.createHash("sha256").update(piece);
  let size = filled;
  while ((count = file.readSync(piece)) !== null) {
    hash.update(piece.subarray(0, count));
    size += count;
  }
  return new FileReference(path, hash.digest("hex"), size);
}

/** What a user should read instead of an error of Deno's. */
function explained(error: unknown, path: string): unknown {
  if (error instanceof Deno.errors.NotFound) {
    return new Error(
      `Cannot use ${path} as a file as there is no such file: check the path, which is relative to the current folder`,
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
  if (error instanceof Deno.errors.IsADirectory) {
    return new Error(
      `Cannot use ${path} as a file as it is a folder: pass the files in it, one by one`,
      { cause: error },
    );
  }
  return error;
}
