/**
 * `hi.file` and `hi.folder`: files and folders as values, with the digests that the
 * cache in force remembers.
 *
 * @module
 */

import { recordStoreOf } from "./cache/job_cache.ts";
import { currentScope, withDefaults } from "./config.ts";
import {
  type DigestMemo,
  processMemo,
  withProcessMemo,
} from "./value/file_digest.ts";
import { type FileReference, fileReference } from "./value/file_reference.ts";
import {
  type FolderReference,
  folderReference,
} from "./value/folder_reference.ts";

/**
 * Looks at a file now and returns a reference to it: as an argument, or in the result of
 * the function that wrote it. A file is known by its content, so a changed file is
 * another argument and a mere `touch` is not. A cache keeps the files of results, and puts
 * them back where they are missing or have been changed.
 *
 * @param path A path, relative to the current folder, or a `file:` URL, also as text.
 * @throws {TypeError} if it is neither, as with the URL of something on the network.
 * @throws {FileNotFoundError} if there is no such file, or it is a folder; `cause` holds Deno's error.
 * @throws {FileChangedError} if it is being written.
 * @throws {PermissionNeededError} if Deno may not read it.
 *
 * @example
 * ```ts
 * import * as hi from "@hither/hither";
 *
 * const folder = await Deno.makeTempDir();
 * const upper = hi.func("file_doc_upper", "1", (file: hi.FileReference) => {
 *   Deno.writeTextFileSync(`${file.path}.upper`, file.text().toUpperCase());
 *   return hi.file(`${file.path}.upper`);
 * });
 * await Deno.writeTextFile(`${folder}/a`, "hello");
 * const result = await upper.run(hi.file(`${folder}/a`));
 * console.assert(result.text() === "HELLO");
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export function file(path: string | URL): FileReference {
  return fileReference(path, memoInForce());
}

/**
 * Looks at a folder now, with all that is below, and returns a reference to it: as an
 * argument, or in the result of the function that filled it. It is known by names,
 * contents, which files may be executed, and folders, empty ones too.
 *
 * @param path A path, relative to the current folder, or a `file:` URL, also as text.
 * @throws {TypeError} if it is neither.
 * @throws {FileNotFoundError} if there is no such folder, or something in it is neither file nor
 * folder: a socket, a device, a symbolic link to a folder. The message names it.
 * @throws {FileChangedError} if something in it is being written.
 * @throws {PermissionNeededError} if Deno may not read it.
 *
 * @example
 * ```ts
 * import * as hi from "@hither/hither";
 *
 * const path = await Deno.makeTempDir();
 * await Deno.writeTextFile(`${path}/a.txt`, "hello");
 * const folder = hi.folder(path);
 * console.assert(folder.has("a.txt") && folder.size === 5);
 * console.assert(folder.file("a.txt").text() === "hello");
 * await Deno.remove(path, { recursive: true });
 * ```
 */
export function folder(path: string | URL): FolderReference {
  return folderReference(path, memoInForce());
}

function memoInForce(): DigestMemo {
  const { jobCache } = withDefaults(currentScope().options);
  const stored = jobCache === null
    ? undefined
    : recordStoreOf(jobCache).fileDigests;
  return stored === undefined ? processMemo : withProcessMemo(stored);
}
