/**
 * The folder of a cache that was given no path.
 *
 * @module
 */

import { givenPath } from "../value/given_path.ts";
import { dirname, join, resolve } from "../value/paths.ts";

const FOLDER = ".hither";
const VARIABLE = "HITHER_CACHE_DIR";
const CANNOT = `Cannot use ${VARIABLE}`;
const CURE = "name a folder on a disk";

/**
 * `HITHER_CACHE_DIR`, else `.hither` beside the nearest `deno.json` at or above
 * the main module, else beside the main module, else in the working directory.
 * Never asks for a permission: what may not be looked at is not there.
 *
 * @param start A folder that takes the place of the main module's.
 * @throws {TypeError} if the variable names what is not on a disk.
 */
export function defaultFolder(start?: string): string {
  const named = environmentFolder();
  if (named !== undefined) {
    return resolve(givenPath(named, CANNOT, CURE));
  }
  if (start !== undefined) return join(projectFolder(start) ?? start, FOLDER);
  if (!Deno.mainModule.startsWith("file:")) return resolve(FOLDER);
  const home = dirname(givenPath(new URL(Deno.mainModule), CANNOT, CURE));
  return join(projectFolder(home) ?? home, FOLDER);
}

function environmentFolder(): string | undefined {
  const { state } = Deno.permissions.querySync({
    name: "env",
    variable: VARIABLE,
  });
  return state === "granted" ? Deno.env.get(VARIABLE) || undefined : undefined;
}

function projectFolder(start: string): string | undefined {
  for (let folder = start;;) {
    if (isFile(join(folder, "deno.json"))) return folder;
    if (isFile(join(folder, "deno.jsonc"))) return folder;
    const parent = dirname(folder);
    if (parent === folder) return undefined;
    folder = parent;
  }
}

function isFile(path: string): boolean {
  const { state } = Deno.permissions.querySync({ name: "read", path });
  if (state !== "granted") return false;
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
