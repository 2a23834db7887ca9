/**
 * Files in values: known by their content.
 *
 * @module
 */

import { FileChangedError } from "../errors.ts";
import {
  type DigestMemo,
  digestOfFile,
  explained,
  NotAFile,
  processMemo,
  requireFile,
} from "./file_digest.ts";
import { absolutePath, givenPath } from "./given_path.ts";
import { sha256Hex } from "./sha256.ts";

/** The path of a file as it was given: relative to the working folder perhaps. */
export let givenPathOf: (file: FileReference) => string;

/**
 * A file as it was when `hi.file` looked at it, as an argument or in a result. It
 * stands for its content: the path is not part of a key.
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
  /** The absolute path. In the cache, one that was given relative stays so. */
  readonly path: string;
  /** SHA-256 of the content, 64 hexadecimal digits. */
  readonly digest: string;
  /** Length of the content in bytes. */
  readonly size: number;
  readonly #given: string;

  static {
    givenPathOf = (file) => file.#given;
  }

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
    this.path = absolutePath(path);
    this.#given = path;
    this.digest = digest;
    this.size = size;
    Object.freeze(this);
  }

  /** Whether an object was made by this class, whatever its prototype says. */
  static isGenuine(object: object): object is FileReference {
    return #given in object;
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
      requireFile(this.path);
      bytes = Deno.readFileSync(this.path);
    } catch (cause) {
      if (cause instanceof Deno.errors.NotFound) {
        throw new FileChangedError(
          `${this.path} is gone since hi.file looked at it: restore it, or call hi.file again and run the job with that`,
          { cause },
        );
      }
      if (cause instanceof NotAFile) {
        throw new FileChangedError(
          `${this.path} is ${cause.what} now, and was a file when hi.file looked at it: restore it, or call hi.file again and run the job with that`,
          { cause },
        );
      }
      throw explained(cause, this.path, "file");
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

  /**
   * Reads the file as JSON. Throws as `bytes` does.
   *
   * @throws {SyntaxError} if it is not JSON.
   */
  json(): unknown {
    return JSON.parse(this.text());
  }
}

/**
 * Looks at a file now and returns a reference to it.
 *
 * @param memo What is known of files that were hashed before.
 * @throws {TypeError} if it is no path.
 * @throws {FileNotFoundError} if there is no such file; `cause` holds Deno's error.
 * @throws {FileChangedError} if it is being written.
 * @throws {PermissionNeededError} if Deno may not read it.
 */
export function fileReference(
  path: string | URL,
  memo: DigestMemo = processMemo,
): FileReference {
  const given = givenPath(
    path,
    "Cannot use a file",
    "fetch it first, and pass its content or the path of a file that holds it",
  );
  const absolute = absolutePath(given);
  try {
    const { digest, size } = digestOfFile(absolute, memo);
    return new FileReference(given, digest, size);
  } catch (error) {
    throw explained(error, absolute, "file");
  }
}
