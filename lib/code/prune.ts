/**
 * Keeps the folder of memos small. Runs in a process of its own.
 *
 * @module
 */

import { join } from "node:path";

/** How many memos there may be; then the older half goes. */
const LIMIT = 256;

/** Deletes the older half of the memos of a folder, if there are too many. */
export function pruneMemos(folder: string): void {
  try {
    const names = Array.from(Deno.readDirSync(folder), ({ name }) => name);
    if (names.length <= LIMIT) return;
    const aged = names.map((name) => {
      const path = join(folder, name);
      return { path, time: Deno.statSync(path).mtime?.getTime() ?? 0 };
    }).sort((a, b) => a.time - b.time);
    for (const { path } of aged.slice(0, LIMIT / 2)) Deno.removeSync(path);
  } catch {
    // Another process was quicker, or there are none yet.
  }
}
