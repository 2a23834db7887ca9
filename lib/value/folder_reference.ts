/**
 * Folders in values: known by all that is in them.
 *
 * @module
 */

import { FileNotFoundError } from "../errors.ts";
import { type DigestMemo, explained, processMemo } from "./file_digest.ts";
import { absolutePath, givenPath } from "./given_path.ts";
import { FileReference } from "./file_reference.ts";
import { listFolder } from "./folder_listing.ts";
import { Major, Output } from "./output.ts";
import { sha256Hex } from "./sha256.ts";

/** What stands in a folder or below. */
export interface FolderEntry {
  /** Its path in the folder, with forward slashes. */
  readonly path: string;
  /** Whether it is a file, one that may be executed, or a folder. */
  readonly kind: "file" | "executable" | "folder";
  /** SHA-256 of a file's content, 64 hexadecimal digits; empty for a folder. */
  readonly digest: string;
  /** Length of a file's content in bytes; 0 for a folder. */
  readonly size: number;
}

/** How kinds are written, in keys and in bytes. */
export const FOLDER_KINDS: readonly FolderEntry["kind"][] = [
  "folder",
  "file",
  "executable",
];

/** The parts of a folder that its user does not see. */
export interface FolderParts {
  /** The path as it was given: relative to the working folder perhaps. */
  readonly given: string;
  /** Sorted by path, in the order of code units. */
  readonly entries: readonly FolderEntry[];
}

/** The parts of a folder. */
export let partsOf: (folder: FolderReference) => FolderParts;

/**
 * A folder as it was when `hi.folder` looked at it, with all that is below, as an
 * argument or in a result. It stands for what is in it: names, contents, which files
 * may be executed, and folders, empty ones too. Its own path is not part of a key.
 *
 * @example
 * ```ts
 * import * as hi from "@hither/hither";
 *
 * const path = await Deno.makeTempDir();
 * await Deno.writeTextFile(`${path}/a.txt`, "one");
 * await Deno.writeTextFile(`${path}/b.txt`, "three");
 * const longest = hi.func(
 *   "folder_reference_doc_longest",
 *   "1",
 *   (folder: hi.FolderReference) =>
 *     Math.max(...Array.from(folder.files(), (file) => file.size)),
 * );
 * console.assert(await longest.run(hi.folder(path)) === 5);
 * await Deno.remove(path, { recursive: true });
 * ```
 */
export class FolderReference {
  /** The absolute path. In the cache, one that was given relative stays so. */
  readonly path: string;
  /** SHA-256 over all that is in the folder, 64 hexadecimal digits. */
  readonly digest: string;
  /** Length of all files together, in bytes. */
  readonly size: number;
  /** Number of files and folders in it and below. */
  readonly count: number;
  readonly #parts: FolderParts;
  #byPath: Map<string, FolderEntry> | undefined;

  static {
    partsOf = (folder) => folder.#parts;
  }

  /** Refers to a folder whose entries are known; `hi.folder` finds them out. */
  constructor(path: string, entries: Iterable<FolderEntry>) {
    if (typeof path !== "string" || path === "") {
      throw new TypeError(
        `Cannot refer to a folder as its path must be a text that is not empty: current value is ${path}`,
      );
    }
    const given = path.replace(/(?!^)[/\\]+$/, "");
    const sorted = Array.from(entries).sort((a, b) => a.path < b.path ? -1 : 1);
    this.path = absolutePath(given);
    this.digest = digestOf(sorted);
    this.size = sorted.reduce((sum, { size }) => sum + size, 0);
    this.count = sorted.length;
    this.#parts = { given, entries: sorted };
    Object.freeze(this);
  }

  /** Whether an object was made by this class, whatever its prototype says. */
  static isGenuine(object: object): object is FolderReference {
    return #parts in object;
  }

  /**
   * Whether there is a file or folder in it.
   *
   * @param path Its path in the folder, with forward slashes.
   */
  has(path: string): boolean {
    return this.#entry(path) !== undefined;
  }

  /**
   * A file in it or below.
   *
   * @param path Its path in the folder, with forward slashes.
   * @throws {FileNotFoundError} if there was none when `hi.folder` looked.
   */
  file(path: string): FileReference {
    const entry = this.#entry(path);
    if (entry === undefined || entry.kind === "folder") {
      throw new FileNotFoundError(
        `Cannot find the file ${path} in ${this.path} as there was none when hi.folder looked: the files are what files() gives`,
      );
    }
    return this.#reference(entry);
  }

  /** The files in it and below, sorted by path. */
  *files(): Generator<FileReference, void, void> {
    for (const entry of this.#parts.entries) {
      if (entry.kind !== "folder") yield this.#reference(entry);
    }
  }

  #entry(path: string): FolderEntry | undefined {
    this.#byPath ??= new Map(
      this.#parts.entries.map((entry) => [entry.path, entry]),
    );
    return this.#byPath.get(path);
  }

  #reference({ path, digest, size }: FolderEntry): FileReference {
    return new FileReference(`${this.#parts.given}/${path}`, digest, size);
  }
}

/** SHA-256 over CBOR: an array of `[path, kind, SHA-256]`. */
function digestOf(entries: readonly FolderEntry[]): string {
  const out = new Output();
  out.head(Major.ARRAY, entries.length);
  for (const { path, kind, digest } of entries) {
    out.head(Major.ARRAY, 3);
    out.text(path);
    out.head(Major.UINT, FOLDER_KINDS.indexOf(kind));
    out.byteString(Uint8Array.fromHex(digest));
  }
  return sha256Hex(out.bytes.subarray(0, out.length));
}

/**
 * Looks at a folder now and returns a reference to it.
 *
 * @param memo What is known of files that were hashed before.
 * @throws {TypeError} if it is no path.
 * @throws {FileNotFoundError} if there is no such folder, or something in it is neither file nor folder.
 * @throws {FileChangedError} if a file in it is being written.
 * @throws {PermissionNeededError} if Deno may not read it.
 */
export function folderReference(
  path: string | URL,
  memo: DigestMemo = processMemo,
): FolderReference {
  const given = givenPath(
    path,
    "Cannot use a folder",
    "download it first, and pass the path of the folder that holds it",
  );
  const absolute = absolutePath(given);
  try {
    return new FolderReference(given, listFolder(absolute, memo));
  } catch (error) {
    throw explained(error, absolute, "folder");
  }
}
