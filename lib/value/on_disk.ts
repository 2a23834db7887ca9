/**
 * Paths of files that values refer to, and what is said of errors with them.
 *
 * @module
 */

import { HitherError, PermissionNeededError } from "../errors.ts";
import { NotAFile } from "./file_digest.ts";

const ABSOLUTE = /^(\/|\\\\|[A-Za-z]:[\\/])/;

/**
 * The absolute path of one that may be relative to the working folder. By hand, as
 * loading @std/path takes longer than reading a small cache.
 */
export function absolutePath(path: string): string {
  return ABSOLUTE.test(path) ? path : `${workingFolder()}/${path}`;
}

function workingFolder(): string {
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

/** What a user should read instead of an error that using a path as a file or folder gave. */
export function explained(
  error: unknown,
  path: string,
  wanted: "file" | "folder",
): unknown {
  if (error instanceof HitherError) return error;
  if (error instanceof Deno.errors.NotFound) {
    return new Error(
      `Cannot use ${path} as a ${wanted} as there is no such ${wanted}: check the path, which is relative to the current folder`,
      { cause: error },
    );
  }
  if (error instanceof NotAFile && wanted === "file") {
    const cure = error.what === "a folder"
      ? "use hi.folder for it, or pass the files in it"
      : "pass a file that holds its content";
    return new Error(
      `Cannot use ${path} as a file as it is ${error.what}: ${cure}`,
    );
  }
  if (error instanceof Deno.errors.NotADirectory && wanted === "folder") {
    return new Error(
      `Cannot use ${path} as a folder as it is none: use hi.file for a file`,
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
