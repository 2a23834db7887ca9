/**
 * All that is in a folder and below, by content.
 *
 * @module
 */

import { FileChangedError, FileNotFoundError } from "../errors.ts";
import {
  type DigestMemo,
  digestOfFile,
  explained,
  kindOf,
} from "./file_digest.ts";
import type { FolderEntry } from "./folder_reference.ts";

/** What a file is called while it is being restored; it is not part of its folder. */
const TEMPORARY = /^\.hither-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** A new name for a file that is being restored. */
export function temporaryName(): string {
  return `.hither-${crypto.randomUUID()}`;
}

/** The names in a folder, but those of files that are being restored. */
export function namesIn(folder: string): string[] {
  return Array.from(Deno.readDirSync(folder), ({ name }) => name)
    .filter((name) => !TEMPORARY.test(name));
}

/**
 * The entries of a folder. A symbolic link to a file counts as that file.
 *
 * @throws {Error} if there is something that has no content: a socket, a link to a folder.
 */
export function listFolder(root: string, memo: DigestMemo): FolderEntry[] {
  const entries: FolderEntry[] = [];
  // A list and no recursion: folders may be deep.
  const folders = [""];
  for (const folder of folders) {
    for (const name of namesIn(folder === "" ? root : `${root}/${folder}`)) {
      const path = folder === "" ? name : `${folder}/${name}`;
      const absolute = `${root}/${path}`;
      const info = infoOf(absolute);
      if (info.isDirectory) {
        folders.push(path);
        entries.push({ path, kind: "folder", digest: "", size: 0 });
      } else {
        entries.push({ path, ...contentOf(absolute, memo, info) });
      }
    }
  }
  return entries;
}

/** What is at a path: a folder, or a file, perhaps behind a link. */
function infoOf(path: string): Deno.FileInfo {
  const info = whereThere(path, () => Deno.lstatSync(path));
  if (info.isFile || info.isDirectory) return info;
  if (!info.isSymlink) throw refused(path, kindOf(info));
  let target: Deno.FileInfo;
  try {
    target = Deno.statSync(path);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) {
      throw refused(path, "a symbolic link to nothing", cause);
    }
    if (cause instanceof Deno.errors.FilesystemLoop) {
      throw refused(path, "a symbolic link to itself", cause);
    }
    throw explained(cause, path, "file");
  }
  if (target.isFile) return target;
  throw refused(
    path,
    target.isDirectory
      ? "a symbolic link to a folder"
      : `a symbolic link to ${kindOf(target)}`,
  );
}

function contentOf(
  path: string,
  memo: DigestMemo,
  info: Deno.FileInfo,
): Omit<FolderEntry, "path"> {
  const { digest, size, executable } = whereThere(
    path,
    () => digestOfFile(path, memo, info),
  );
  return { kind: executable ? "executable" : "file", digest, size };
}

/** Does something with an entry that was there a moment ago. */
function whereThere<R>(path: string, action: () => R): R {
  try {
    return action();
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) {
      throw new FileChangedError(
        `${path} went while hi.folder looked: wait until nobody writes to the folder`,
        { cause },
      );
    }
    throw explained(cause, path, "file");
  }
}

function refused(path: string, what: string, cause?: unknown): Error {
  return new FileNotFoundError(
    `Cannot use the folder of ${path} as that is ${what}, which has no content that could be kept: move it elsewhere`,
    cause === undefined ? undefined : { cause },
  );
}
