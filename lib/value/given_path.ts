/**
 * Paths as users give them: as text or as a `file:` URL, which may be text too.
 *
 * @module
 */

import { PermissionNeededError } from "../errors.ts";
import { shown } from "./refusal.ts";

// Not with the flag i: it makes a pattern so slow to compile that each program would feel it.
const FILE_URL = /^[Ff][Ii][Ll][Ee]:\//;
// A letter alone is a drive.
const OTHER_URL = /^[A-Za-z][A-Za-z0-9+.-]+:\/\//;
const DRIVE = /^\/[A-Za-z]:/;

/**
 * The path that a user gave, which may be relative.
 *
 * @param cannot How the messages begin: `"Cannot use a file"`.
 * @param cure What to do with a URL that names no file on a disk.
 * @throws {TypeError} if it is no path.
 */
export function givenPath(
  given: unknown,
  cannot: string,
  cure: string,
): string {
  const path = given instanceof URL || isFileUrl(given)
    ? pathOfUrl(new URL(given), cannot, cure)
    : given;
  if (typeof path !== "string" || path === "") {
    throw new TypeError(
      `${cannot} as its path must be a path or a file: URL: current value is ${
        shown(path)
      }`,
    );
  }
  if (OTHER_URL.test(path)) throw notOnDisk(path, cannot, cure);
  if (path.includes("\0")) {
    throw new TypeError(
      `${cannot} as its path must be without NUL characters: current value is ${
        shown(path)
      }`,
    );
  }
  return path;
}

function isFileUrl(given: unknown): given is string {
  return typeof given === "string" && FILE_URL.test(given);
}

// By hand: every program loads this module, and loading @std/path takes longer than
// reading a small cache.
function pathOfUrl(url: URL, cannot: string, cure: string): string {
  if (url.protocol !== "file:") throw notOnDisk(url.href, cannot, cure);
  if (url.host !== "" && Deno.build.os !== "windows") {
    throw new TypeError(
      `${cannot} as its URL must name no host: current value is ${url.href}, and a file: URL with three slashes names none`,
    );
  }
  let path: string;
  try {
    path = decodeURIComponent(url.pathname);
  } catch (cause) {
    throw new TypeError(
      `${cannot} as its URL must be UTF-8 in percent-encoding: current value is ${url.href}, and a % itself is written as %25`,
      { cause },
    );
  }
  if (url.host !== "") return `//${url.host}${path}`;
  return DRIVE.test(path) ? path.slice(1) : path;
}

function notOnDisk(url: string, cannot: string, cure: string): TypeError {
  return new TypeError(
    `${cannot} as its path must be a path or a file: URL: current value is ${url}, which is not on a disk: ${cure}`,
  );
}

/** The `file:` URL of an absolute path. */
export function fileUrl(path: string): URL {
  const url = new URL("file:///");
  // The setter encodes all but the percent sign.
  url.pathname = path.replaceAll("%", "%25");
  return url;
}

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
