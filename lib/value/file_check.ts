/**
 * Whether the files that a value refers to are still what they were.
 *
 * @module
 */

import { FileChangedError } from "../errors.ts";
import type { FileContent } from "./encoded.ts";
import {
  type DigestMemo,
  digestOfFile,
  explained,
  NotAFile,
} from "./file_digest.ts";
import { absolutePath } from "./given_path.ts";
import { namesIn } from "./folder_listing.ts";

/** What is at the path of a file now: it, nothing, another content, or something that is no file. */
export type FileVerdict = "same" | "gone" | "other" | "mode" | "not a file";

/**
 * Compares a file with what is there now.
 *
 * @throws {PermissionNeededError} if Deno may not read it.
 */
export function verdictOf(file: FileContent, memo: DigestMemo): FileVerdict {
  const path = absolutePath(file.path);
  try {
    const info = Deno.statSync(path);
    const { isFile, size } = info;
    // Another size is told without reading it; what the system makes up has none.
    if (isFile && size > 0 && size !== file.size) return "other";
    const { digest, executable } = digestOfFile(path, memo, info);
    if (digest !== file.digest) return "other";
    if (file.executable === undefined || Deno.build.os === "windows") {
      return "same";
    }
    return executable === file.executable ? "same" : "mode";
  } catch (error) {
    if (error instanceof NotAFile) return "not a file";
    if (error instanceof FileChangedError) return "other";
    if (isAbsence(error)) return "gone";
    throw explained(error, path, "file");
  }
}

/** Whether an error says that there is nothing at a path. */
export function isAbsence(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound ||
    error instanceof Deno.errors.NotADirectory ||
    error instanceof Deno.errors.FilesystemLoop;
}

/** The path of something that stands in one of the folders and does not belong there. */
export function intruderIn(files: readonly FileContent[]): string | undefined {
  if (!files.some(({ kind }) => kind === "folder")) return undefined;
  const known = new Set(files.map(({ path }) => path));
  for (const { kind, path } of files) {
    if (kind !== "folder") continue;
    for (const name of namesWhereThere(absolutePath(path))) {
      if (!known.has(`${path}/${name}`)) return absolutePath(`${path}/${name}`);
    }
  }
  return undefined;
}

function namesWhereThere(folder: string): string[] {
  try {
    return namesIn(folder);
  } catch (error) {
    if (isAbsence(error)) return [];
    throw explained(error, folder, "folder");
  }
}

/**
 * Checks that files are still what they were.
 *
 * @param since What they were looked at by, for the message.
 * @param cure What to do about it, for the path of what has changed; `undefined`: what helps most.
 * @throws {FileChangedError} if one is not.
 * @throws {PermissionNeededError} if Deno may not read one.
 */
export function checkFiles(
  files: readonly FileContent[],
  memo: DigestMemo,
  since: string,
  cure: (path: string) => string | undefined,
): void {
  const intruder = intruderIn(files);
  if (intruder !== undefined) {
    throw new FileChangedError(
      `${intruder} is new in its folder ${since}: ${
        cure(intruder) ?? "call hi.folder again and run the job with that"
      }`,
    );
  }
  for (const file of files) {
    const what = changeOf(file, memo);
    if (what === undefined) continue;
    const path = absolutePath(file.path);
    throw new FileChangedError(
      `${path} ${what} ${since}: ${
        cure(path) ??
          "look at it again (hi.file, hi.folder) and run the job with that"
      }`,
    );
  }
}

function changeOf(file: FileContent, memo: DigestMemo): string | undefined {
  if (file.kind === "folder") {
    return isFolder(absolutePath(file.path)) ? undefined : "is gone";
  }
  switch (verdictOf(file, memo)) {
    case "same":
      return undefined;
    case "gone":
    case "not a file":
      return "is gone";
    default:
      return "has changed";
  }
}

/** Whether there is a folder at a path. */
export function isFolder(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch (error) {
    if (isAbsence(error)) return false;
    throw explained(error, path, "folder");
  }
}
