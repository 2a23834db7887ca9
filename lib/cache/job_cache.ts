/**
 * The cache that users make.
 *
 * @module
 */

import { resolve } from "jsr:@std/path@^1/resolve";
import { CacheError } from "../errors.ts";
import { givenPath } from "../value/given_path.ts";
import { defaultFolder } from "./default_folder.ts";
import type { CacheStats, RecordStore } from "./record.ts";
import { SqliteStore } from "./sqlite_store.ts";

/** Options of {@linkcode JobCache}. */
export interface JobCacheOptions {
  /**
   * The folder, as a path or a `file:` URL, which may be text too. By default the environment variable
   * `HITHER_CACHE_DIR` names it; else it is `.hither` beside the nearest
   * `deno.json` at or above the main module, else beside the main module, else in the
   * working directory.
   */
  readonly path?: string | URL | undefined;
  /** Whether to look only: nothing is stored, nothing in the folder changes. */
  readonly readonly?: boolean | undefined;
}

let openStore: (cache: JobCache) => SqliteStore;

/**
 * Keeps the results of jobs in a folder, so that a job with the same key is not
 * computed twice. Any number of programs may use one folder at once.
 *
 * Making one opens nothing; that happens when the first job looks. All that is read
 * is checked: what is damaged is set aside with a warning, and its job is run again.
 * A folder that cannot be used (full, read-only, not permitted) costs a warning, no
 * result.
 *
 * @example
 * ```ts
 * import * as hi from "@hither/hither";
 *
 * const add = hi.func("job_cache_add", "1", (a: number, b: number) => a + b);
 * const path = await Deno.makeTempDir();
 * {
 *   await using jobCache = new hi.JobCache({ path });
 *   console.assert(await hi.config({ jobCache }, () => add.run(1, 2)) === 3);
 *   console.assert(jobCache.stats().records === 1);
 * }
 * await Deno.remove(path, { recursive: true });
 * ```
 */
export class JobCache implements AsyncDisposable {
  readonly #options: { path: string | undefined; readonly: boolean };
  #path: string | undefined;
  #store: SqliteStore | undefined;

  /**
   * Makes a cache on a folder.
   *
   * @throws {TypeError} if an option is not what it must be.
   */
  constructor(options: JobCacheOptions = {}) {
    this.#options = checkOptions(options);
  }

  static {
    openStore = (cache) => cache.#recordStore();
  }

  /** The folder. */
  get path(): string {
    return this.#path ??= this.#options.path ?? defaultFolder();
  }

  /**
   * Deletes the record of a job.
   *
   * @param job The job, or its key.
   * @returns Whether there was one.
   * @throws {CacheError} if the cache is read-only or cannot be used.
   * @throws {TypeError} if the key is not 64 hexadecimal digits, as with a job whose
   * arguments have not settled.
   *
   * @example
   * ```ts
   * import * as hi from "@hither/hither";
   *
   * const add = hi.func("job_cache_delete", "1", (a: number, b: number) => a + b);
   * const path = await Deno.makeTempDir();
   * {
   *   await using jobCache = new hi.JobCache({ path });
   *   await hi.config({ jobCache }, async () => {
   *     const job = add.run(1, 2);
   *     await job;
   *     console.assert(jobCache.delete(job));
   *   });
   * }
   * await Deno.remove(path, { recursive: true });
   * ```
   */
  delete(job: { readonly key: string | undefined } | string): boolean {
    const key = typeof job === "string" ? job : job?.key;
    if (typeof key !== "string" || !/^[0-9a-f]{64}$/.test(key)) {
      throw new TypeError(
        `Cannot delete a record as its key must be 64 hexadecimal digits: current value is ${key}`,
      );
    }
    this.#requireWritable("delete from");
    return this.#recordStore().delete(Uint8Array.fromHex(key));
  }

  /**
   * Deletes all records and blobs, and what was set aside; other files in the
   * folder stay.
   *
   * @throws {CacheError} if the cache is read-only or cannot be used.
   *
   * @example
   * ```ts
   * import * as hi from "@hither/hither";
   *
   * const path = await Deno.makeTempDir();
   * {
   *   await using jobCache = new hi.JobCache({ path });
   *   jobCache.clear();
   *   console.assert(jobCache.stats().records === 0);
   * }
   * await Deno.remove(path, { recursive: true });
   * ```
   */
  clear(): void {
    this.#requireWritable("clear");
    this.#recordStore().clear();
  }

  /**
   * Counts what the folder holds, and the hits and misses of this cache object.
   *
   * @returns The counts.
   *
   * @example
   * ```ts
   * import * as hi from "@hither/hither";
   *
   * const path = await Deno.makeTempDir();
   * {
   *   await using jobCache = new hi.JobCache({ path });
   *   const { records, hits } = jobCache.stats();
   *   console.assert(records === 0 && hits === 0);
   * }
   * await Deno.remove(path, { recursive: true });
   * ```
   */
  stats(): CacheStats {
    return this.#recordStore().stats();
  }

  /**
   * Waits for what is being stored, then closes the database. A cache that is used
   * again afterwards opens it again, and wants to be disposed of again.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#store?.settled();
    this.#store?.close();
  }

  #requireWritable(verb: string): void {
    if (!this.#options.readonly) return;
    throw new CacheError(
      `Cannot ${verb} the cache in ${this.path} as it must be writable: it was made with readonly: true`,
    );
  }

  #recordStore(): SqliteStore {
    return this.#store ??= new SqliteStore(this.path, this.#options.readonly);
  }
}

/** The store of a cache, for the scheduler. */
export function recordStoreOf(cache: JobCache): RecordStore {
  return openStore(cache);
}

function checkOptions(
  options: JobCacheOptions,
): { path: string | undefined; readonly: boolean } {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(
      `Cannot make a JobCache as its options must be an object: current value is ${
        String(options)
      }`,
    );
  }
  const { path, readonly = false, ...others } = options;
  for (const name of Object.keys(others)) {
    throw new TypeError(
      `Cannot make a JobCache as it has no option ${name}: its options are path and readonly`,
    );
  }
  if (typeof readonly !== "boolean") {
    throw new TypeError(
      `Cannot make a JobCache as readonly must be a boolean: current value is ${
        String(readonly)
      }`,
    );
  }
  return {
    path: path === undefined ? undefined : resolve(
      givenPath(path, "Cannot make a JobCache", "name a folder on a disk"),
    ),
    readonly,
  };
}
