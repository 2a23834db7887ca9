/**
 * The part of `@std/fs` that this project uses, for a network where JSR does
 * not answer.
 *
 * @module
 */

import { basename } from "jsr:@std/path@^1/basename";
import { join } from "jsr:@std/path@^1/join";
import { normalize } from "jsr:@std/path@^1/normalize";

/** Makes a folder, and those above it, unless it is there. */
export async function ensureDir(dir: string | URL): Promise<void> {
  await Deno.mkdir(dir, { recursive: true });
}

/** As `ensureDir`, at once. */
export function ensureDirSync(dir: string | URL): void {
  Deno.mkdirSync(dir, { recursive: true });
}

/** Makes a folder, or deletes what is in it. */
export async function emptyDir(dir: string | URL): Promise<void> {
  await ensureDir(dir);
  for await (const entry of Deno.readDir(dir)) {
    await Deno.remove(join(pathOf(dir), entry.name), { recursive: true });
  }
}

/** What `exists` asks for besides existence. */
export interface ExistsOptions {
  isDirectory?: boolean;
  isFile?: boolean;
}

/** Whether a path leads to something, of that type if one is given. */
export async function exists(
  path: string | URL,
  options: ExistsOptions = {},
): Promise<boolean> {
  try {
    return isAsked(await Deno.stat(path), options);
  } catch (error) {
    return refuseUnlessNotFound(error);
  }
}

/** As `exists`, at once. */
export function existsSync(
  path: string | URL,
  options: ExistsOptions = {},
): boolean {
  try {
    return isAsked(Deno.statSync(path), options);
  } catch (error) {
    return refuseUnlessNotFound(error);
  }
}

function isAsked(info: Deno.FileInfo, options: ExistsOptions): boolean {
  if (options.isDirectory) return info.isDirectory;
  if (options.isFile) return info.isFile;
  return true;
}

function refuseUnlessNotFound(error: unknown): false {
  if (error instanceof Deno.errors.NotFound) return false;
  throw error;
}

/** Whether `move` may take the place of what is there. */
export interface MoveOptions {
  overwrite?: boolean;
}

/** Moves a file or folder. */
export async function move(
  from: string | URL,
  to: string | URL,
  { overwrite = false }: MoveOptions = {},
): Promise<void> {
  if (overwrite) {
    await Deno.remove(to, { recursive: true }).catch(refuseUnlessNotFound);
  } else if (await exists(to)) {
    throw new Deno.errors.AlreadyExists(
      `Cannot move to ${pathOf(to)} as it exists`,
    );
  }
  await Deno.rename(from, to);
}

/** What `walk` passes over. */
export interface WalkOptions {
  maxDepth?: number;
  includeFiles?: boolean;
  includeDirs?: boolean;
  includeSymlinks?: boolean;
  exts?: string[];
  match?: RegExp[];
  skip?: RegExp[];
}

/** A file, folder or link that `walk` came by. */
export interface WalkEntry extends Deno.DirEntry {
  path: string;
}

/** The folder itself and all that is in it; symbolic links are not followed. */
export async function* walk(
  root: string | URL,
  options: WalkOptions = {},
): AsyncIterableIterator<WalkEntry> {
  const path = normalize(pathOf(root));
  const { isFile, isDirectory, isSymlink } = await Deno.stat(path);
  const name = basename(path);
  yield* descend({ path, name, isFile, isDirectory, isSymlink }, 0, options);
}

async function* descend(
  entry: WalkEntry,
  depth: number,
  options: WalkOptions,
): AsyncGenerator<WalkEntry> {
  const { maxDepth = Infinity, skip = [] } = options;
  if (skip.some((pattern) => entry.path.search(pattern) >= 0)) return;
  if (isWanted(entry, options)) yield entry;
  if (!entry.isDirectory || depth >= maxDepth) return;
  for await (const child of Deno.readDir(entry.path)) {
    const path = join(entry.path, child.name);
    yield* descend({ ...child, path }, depth + 1, options);
  }
}

function isWanted(entry: WalkEntry, options: WalkOptions): boolean {
  const { includeFiles = true, includeDirs = true, includeSymlinks = true } =
    options;
  if (entry.isFile && !includeFiles) return false;
  if (entry.isDirectory && !includeDirs) return false;
  if (entry.isSymlink && !includeSymlinks) return false;
  const { exts, match } = options;
  if (exts && !exts.some((ext) => entry.path.endsWith(ext))) return false;
  return !match || match.some((pattern) => entry.path.search(pattern) >= 0);
}

function pathOf(path: string | URL): string {
  if (typeof path === "string") return path;
  return path.protocol === "file:"
    ? decodeURIComponent(path.pathname)
    : path.href;
}
