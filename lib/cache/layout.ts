/**
 * Which layout a cache folder has, or gets.
 *
 * @module
 */

import { CacheError } from "../errors.ts";
import { join } from "../value/paths.ts";
import { warnOnce } from "../warn.ts";
import type { Layout } from "./folder.ts";
import { networkFileSystem } from "./network_disk.ts";
import { missingPermissions } from "./permission.ts";

/** What may be asked for. */
export type LayoutOption = "auto" | Layout;

const NAMES: Readonly<Record<Layout, string>> = {
  sqlite: "in one SQLite file",
  files: "in a file for each record",
};

/**
 * The layout that is there; where there is none, the one asked for, or what suits
 * the disk.
 *
 * @throws {CacheError} if another one is asked for than the one that is there.
 */
export function layoutOf(
  path: string,
  wanted: LayoutOption,
  readonly: boolean,
): Layout {
  const found = layoutIn(path);
  if (wanted === "auto") return found ?? layoutForNew(path, readonly);
  if (found !== undefined && found !== wanted) {
    throw new CacheError(
      `Cannot open the cache in ${path} with layout: "${wanted}" as it is kept ${
        NAMES[found]
      }: leave the option out, or name another path`,
    );
  }
  return wanted;
}

/** The layout that is there; `undefined` if there is no cache. */
export function layoutIn(path: string): Layout | undefined {
  // What may not be looked at is not there; the store tells which flag is missing.
  if (missingPermissions(["read"], path) !== undefined) return undefined;
  if (exists(join(path, "cache.sqlite"))) return "sqlite";
  return exists(join(path, "layout")) || exists(join(path, "jobs"))
    ? "files"
    : undefined;
}

function layoutForNew(path: string, readonly: boolean): Layout {
  const type = readonly ? undefined : networkFileSystem(path);
  if (type === undefined) return "sqlite";
  warnOnce(
    `${path} layout`,
    `the new cache in ${path} keeps a file for each record, as it is on a network disk (${type}), where SQLite cannot lock: say layout: "files" to agree, layout: "sqlite" if only one machine uses it`,
  );
  return "files";
}

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}
