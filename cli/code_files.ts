/**
 * The modules that a record's function was made of.
 *
 * @module
 */

import type { Modules } from "../lib/code/snapshot.ts";
import type { JobCache } from "../mod.ts";

/** The modules of a snapshot by its digest, each with its fingerprint or version; `undefined` if it is not kept. */
export async function codeFiles(
  cache: JobCache,
  digest: string,
): Promise<Modules | undefined> {
  if (digest === "") return undefined;
  const { recordStoreOf } = await import("../lib/cache/job_cache.ts");
  const { modulesOf } = await import("../lib/code/snapshot.ts");
  const text = recordStoreOf(cache).snapshot(digest);
  return text === undefined ? undefined : modulesOf(text);
}
