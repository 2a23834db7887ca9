/**
 * The little of `@std/path` that every program with a cache needs, as the functions
 * there do it. By hand: `join`, `dirname` and `resolve` are 26 modules, which take
 * longer to load than the hits of a small script.
 *
 * @module
 */

const IS_WINDOWS = Deno.build.os === "windows";
const SEPARATOR = IS_WINDOWS ? /[\\/]+/ : /\/+/;
/** A drive, or the folder that another machine shares. */
const ROOT = IS_WINDOWS
  ? /^(?:[A-Za-z]:(?=[\\/])|[\\/]{2}[^\\/]+[\\/]+[^\\/]+)?[\\/]*/
  : /^\/*/;

/** A path in a folder. */
export function join(folder: string, ...names: string[]): string {
  return [folder, ...names].join("/");
}

/** The folder that something is in, by a path without doubled separators; a root is in itself. */
export function dirname(path: string): string {
  const [root] = ROOT.exec(path)!;
  const end = IS_WINDOWS
    ? Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\"))
    : path.lastIndexOf("/");
  return end < root.length ? root || "." : path.slice(0, end);
}

/**
 * The absolute path of one that may be relative to the working folder, without `.`, `..`
 * and doubled separators.
 *
 * @throws {Deno.errors.NotCapable} if it is relative and the working folder may not be read.
 */
export function resolve(path: string): string {
  const absolute = isAbsolute(path) ? path : join(Deno.cwd(), path);
  const [root] = ROOT.exec(absolute)!;
  const names: string[] = [];
  for (const name of absolute.slice(root.length).split(SEPARATOR)) {
    if (name === "..") names.pop();
    else if (name !== "" && name !== ".") names.push(name);
  }
  if (!IS_WINDOWS) return `/${names.join("/")}`;
  return root.replace(/[\\/]+$/, "") + "\\" + names.join("\\");
}

function isAbsolute(path: string): boolean {
  return ROOT.exec(path)![0] !== "";
}
