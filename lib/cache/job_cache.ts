/**
 * The cache that users make.
 *
 * @module
 */

import { CacheError } from "../errors.ts";
import { defaultFolder } from "./default_folder.ts";
import defer * as fileStore from "./file_store.ts";
import { layoutOf } from "./layout.ts";
import type { JobCacheOptions } from "./job_cache_options.ts";
import defer * as layers from "./layered_store.ts";
import type { CacheStats, Catalog, Depot, RecordStore } from "./record.ts";
import {
  checkCollectOptions,
  type CheckedOptions,
  checkFilter,
  checkOptions,
  checkWorkOptions,
  folderOf,
  resolveKey,
} from "./requests.ts";
import type {
  CollectOptions,
  CollectReport,
  ExportOptions,
  ExportReport,
  ImportOptions,
  ImportReport,
  Pin,
  RecordDescription,
  RecordFilter,
  RecordSummary,
  VerifyReport,
  WorkOptions,
} from "./report.ts";
import { SqliteStore } from "./sqlite_store.ts";
import { checkPin } from "./victims.ts";

export type { JobCacheOptions } from "./job_cache_options.ts";

/** Where `hither explain` says what it wants to be told of, and whether jobs run. */
export const HOOK = Symbol.for("hither.explain");

/** Whether somebody asks what would be computed, so that nothing is run and nothing is stored. */
export const isDryRun: boolean =
  (globalThis as { [HOOK]?: { readonly runs: boolean } })[HOOK]?.runs === false;

/** The store of the folder itself. */
type LocalStore = RecordStore & Catalog & Depot;

let openStore: (cache: JobCache) => RecordStore;
let givenOptions: (cache: JobCache) => JobCacheOptions;

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
  readonly #given: JobCacheOptions;
  readonly #options: CheckedOptions;
  #path: string | undefined;
  #store: LocalStore | undefined;
  /** The store with its upstreams before it, if there are any. */
  #front: RecordStore | undefined;

  /**
   * Makes a cache on a folder.
   *
   * @throws {TypeError} if an option is not what it must be.
   */
  constructor(options: JobCacheOptions = {}) {
    this.#options = checkOptions(options);
    this.#given = options;
  }

  static {
    openStore = (cache) => cache.#frontStore();
    givenOptions = (cache) => ({ ...cache.#given, path: cache.path });
  }

  /** The folder. */
  get path(): string {
    return this.#path ??= this.#options.path ?? defaultFolder();
  }

  /**
   * Deletes the record of a job. Blobs that no other record refers to go with the next `gc()`.
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
    const key = keyOf(job);
    if (typeof key !== "string" || !/^[0-9a-f]{64}$/.test(key)) {
      throw new TypeError(
        `Cannot delete a record as its key must be 64 hexadecimal digits: current value is ${
          String(key).slice(0, 80)
        }`,
      );
    }
    this.#requireWritable("delete from");
    return this.#frontStore().delete(Uint8Array.fromHex(key));
  }

  /**
   * Lists the records, the latest first, read as they are asked for. What is stored or
   * deleted meanwhile may or may not be seen.
   *
   * @param filter Which records; all by default.
   * @returns The records, without their values.
   * @throws {TypeError} if the filter is not what it must be.
   *
   * @example
   * ```ts
   * import * as hi from "@hither/hither";
   *
   * const add = hi.func("job_cache_records", "1", (a: number, b: number) => a + b);
   * const path = await Deno.makeTempDir();
   * {
   *   await using jobCache = new hi.JobCache({ path });
   *   await hi.config({ jobCache }, () => add.run(1, 2));
   *   for (const { fn, preview } of jobCache.records({ name: "job_cache_records" })) {
   *     console.assert(`${fn.name}(${preview})` === "job_cache_records(1, 2)");
   *   }
   * }
   * await Deno.remove(path, { recursive: true });
   * ```
   */
  records(filter: RecordFilter = {}): Iterable<RecordSummary> {
    return this.#recordStore().list(checkFilter(filter));
  }

  /**
   * Tells all that is known of a record but its value.
   *
   * @param job The job, its key, or at least the first 4 digits of it.
   * @returns What is known; `undefined` if there is no such record.
   * @throws {TypeError} if it is no key, or several keys begin so.
   *
   * @example
   * ```ts
   * import * as hi from "@hither/hither";
   *
   * const add = hi.func("job_cache_describe", "1", (a: number, b: number) => a + b);
   * const path = await Deno.makeTempDir();
   * {
   *   await using jobCache = new hi.JobCache({ path });
   *   await hi.config({ jobCache }, async () => {
   *     const job = add.run(1, 2);
   *     await job;
   *     console.assert(jobCache.describe(job)?.preview === "1, 2");
   *     console.assert(jobCache.describe(job.key!.slice(0, 12))?.status === "finished");
   *   });
   * }
   * await Deno.remove(path, { recursive: true });
   * ```
   */
  describe(
    job: { readonly key: string | undefined } | string,
  ): RecordDescription | undefined {
    const given = keyOf(job);
    const key = resolveKey(given, (filter) => this.#recordStore().list(filter));
    return key === undefined
      ? undefined
      : this.#recordStore().describe(Uint8Array.fromHex(key));
  }

  /**
   * Reads every record and blob and compares them with their checks, blobs with their
   * SHA-256. What is wrong is moved to `quarantine/`, with a warning, and its job runs
   * again when it is asked for. Other programs may use the cache meanwhile.
   *
   * @param options How to end it, and who is told how far it is.
   * @returns What was looked at, and what was wrong.
   * @throws {CacheError} if the cache is read-only or cannot be used.
   * @throws {TypeError} if an option is not what it must be.
   *
   * @example
   * ```ts
   * import * as hi from "@hither/hither";
   *
   * const path = await Deno.makeTempDir();
   * {
   *   await using jobCache = new hi.JobCache({ path });
   *   const { badRecords, badBlobs } = await jobCache.verify();
   *   console.assert(badRecords === 0 && badBlobs === 0);
   * }
   * await Deno.remove(path, { recursive: true });
   * ```
   */
  async verify(options: WorkOptions = {}): Promise<VerifyReport> {
    this.#requireWritable("verify");
    return await this.#recordStore().verify(checkWorkOptions(options));
  }

  /**
   * Deletes what is over the limits, blobs that no record refers to, and what programs
   * left behind that died. Other programs may use the cache meanwhile: blobs that no
   * record has named yet may be theirs, and are spared for `grace`, an hour by default.
   * Warns if a limit cannot be kept, as too much is pinned.
   *
   * @param options Limits other than those of this cache, how to end it, and who is told how far it is.
   * @returns What was deleted, and how much is left.
   * @throws {CacheError} if the cache is read-only or cannot be used.
   * @throws {TypeError} if an option is not what it must be.
   *
   * @example
   * ```ts
   * import * as hi from "@hither/hither";
   *
   * const path = await Deno.makeTempDir();
   * {
   *   await using jobCache = new hi.JobCache({ path });
   *   const { records, left } = await jobCache.gc({ maxSize: 1_000_000_000 });
   *   console.assert(records === 0 && left < 1_000_000_000);
   * }
   * await Deno.remove(path, { recursive: true });
   * ```
   */
  async gc(options: CollectOptions = {}): Promise<CollectReport> {
    this.#requireWritable("collect garbage in");
    return await this.#recordStore().collect(checkCollectOptions(options));
  }

  /**
   * Keeps a record, or those of a function or a label, whatever the limits.
   *
   * @param pin What to keep.
   * @returns Whether that is new.
   * @throws {CacheError} if the cache is read-only or cannot be used.
   * @throws {TypeError} if the pin is not what it must be.
   *
   * @example
   * ```ts
   * import * as hi from "@hither/hither";
   *
   * const path = await Deno.makeTempDir();
   * {
   *   await using jobCache = new hi.JobCache({ path });
   *   console.assert(jobCache.pin({ kind: "function", value: "train" }));
   *   console.assert(jobCache.pins().length === 1);
   *   console.assert(jobCache.unpin({ kind: "function", value: "train" }));
   * }
   * await Deno.remove(path, { recursive: true });
   * ```
   */
  pin(pin: Pin): boolean {
    const checked = checkPin(pin, "Cannot pin");
    this.#requireWritable("pin in");
    return this.#recordStore().pin(checked);
  }

  /**
   * Takes a pin away.
   *
   * @param pin As it was given to `pin`.
   * @returns Whether there was one.
   * @throws {CacheError} if the cache is read-only or cannot be used.
   * @throws {TypeError} if the pin is not what it must be.
   *
   * @example
   * ```ts
   * import * as hi from "@hither/hither";
   *
   * const path = await Deno.makeTempDir();
   * {
   *   await using jobCache = new hi.JobCache({ path });
   *   console.assert(!jobCache.unpin({ kind: "label", value: "nightly" }));
   * }
   * await Deno.remove(path, { recursive: true });
   * ```
   */
  unpin(pin: Pin): boolean {
    const checked = checkPin(pin, "Cannot unpin");
    this.#requireWritable("unpin in");
    return this.#recordStore().unpin(checked);
  }

  /**
   * Tells what `pin` was called with; not what the option `keep` says.
   *
   * @returns The pins.
   *
   * @example
   * ```ts
   * import * as hi from "@hither/hither";
   *
   * const path = await Deno.makeTempDir();
   * {
   *   await using jobCache = new hi.JobCache({ path });
   *   jobCache.pin({ kind: "label", value: "paper" });
   *   console.assert(jobCache.pins()[0]?.value === "paper");
   * }
   * await Deno.remove(path, { recursive: true });
   * ```
   */
  pins(): readonly Pin[] {
    return this.#recordStore().pins();
  }

  /**
   * Puts records into another folder, which can be published: in the layout `"files"`,
   * with the blobs and the code that they need. What is there already is not written
   * again, and nothing there is deleted. The folder is a cache like others, and an upstream for them.
   *
   * @param folder The folder, made if need be.
   * @param options Which records, who signs them, how to end it, and who is told how far it is.
   * @returns What was written.
   * @throws {CacheError} if the folder cannot be written to, or has another layout.
   * @throws {TypeError} if an option is not what it must be.
   *
   * @example
   * ```ts
   * import * as hi from "@hither/hither";
   *
   * const add = hi.func("job_cache_export", "1", (a: number, b: number) => a + b);
   * const path = await Deno.makeTempDir();
   * {
   *   await using jobCache = new hi.JobCache({ path: `${path}/mine` });
   *   await hi.config({ jobCache }, () => add.run(1, 2));
   *   const { written } = await jobCache.export(`${path}/public`);
   *   console.assert(written === 1);
   *
   *   await using other = new hi.JobCache({
   *     path: `${path}/other`,
   *     upstream: [`${path}/public`],
   *   });
   *   await hi.config({ jobCache: other }, async () => {
   *     const job = add.run(1, 2);
   *     await job;
   *     console.assert(job.cached);
   *   });
   * }
   * await Deno.remove(path, { recursive: true });
   * ```
   */
  async export(
    folder: string | URL,
    options: ExportOptions = {},
  ): Promise<ExportReport> {
    const to = folderOf(folder, "Cannot export");
    await this.#store?.settled();
    const { exportRecords } = await import("./transfer.ts");
    return await exportRecords(this.path, to, options);
  }

  /**
   * Takes in the records of another folder, of either layout, which stays as it is. All are
   * checked; those that are here already stay as they are.
   *
   * @param folder The folder.
   * @param options Which records, whose signatures count, how to end it, and who is told how far it is.
   * @returns What was imported.
   * @throws {CacheError} if there is no cache, or this one is read-only or cannot be used.
   * @throws {TypeError} if an option is not what it must be.
   *
   * @example
   * ```ts
   * import * as hi from "@hither/hither";
   *
   * const add = hi.func("job_cache_import", "1", (a: number, b: number) => a + b);
   * const path = await Deno.makeTempDir();
   * {
   *   await using theirs = new hi.JobCache({ path: `${path}/theirs` });
   *   await hi.config({ jobCache: theirs }, () => add.run(1, 2));
   *   await using mine = new hi.JobCache({ path: `${path}/mine` });
   *   const { imported } = await mine.import(`${path}/theirs`);
   *   console.assert(imported === 1);
   * }
   * await Deno.remove(path, { recursive: true });
   * ```
   */
  async import(
    folder: string | URL,
    options: ImportOptions = {},
  ): Promise<ImportReport> {
    this.#requireWritable("import into");
    const from = folderOf(folder, "Cannot import");
    const { importRecords } = await import("./transfer.ts");
    return await importRecords(this.#recordStore(), this.path, from, options);
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
    this.#frontStore().clear();
  }

  /**
   * Counts what the folder holds, and the hits and misses of this cache object. Walks nothing.
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
    return this.#frontStore().stats();
  }

  /**
   * Waits for what is being stored, then closes the database. A cache that is used
   * again afterwards opens it again, and wants to be disposed of again.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    const store = this.#front ?? this.#store;
    await store?.settled();
    store?.close();
  }

  #requireWritable(verb: string): void {
    if (!this.#options.readonly) return;
    throw new CacheError(
      `Cannot ${verb} the cache in ${this.path} as it must be writable: it was made with readonly: true`,
    );
  }

  #recordStore(): LocalStore {
    return this.#store ??= this.#makeStore();
  }

  #frontStore(): RecordStore {
    const { upstream } = this.#options;
    if (upstream.length === 0) return this.#recordStore();
    const same = upstream.find(({ place }) => place === this.path);
    if (same !== undefined) {
      throw new TypeError(
        `Cannot use the cache in ${this.path} as an upstream must be another folder: it is the same`,
      );
    }
    return this.#front ??= new layers.LayeredStore(
      this.#recordStore(),
      layers.layersOf(upstream),
    );
  }

  #makeStore(): LocalStore {
    const { path: _, layout, upstream: __, ...given } = this.#options;
    const options = isDryRun
      ? { ...given, readonly: true, mayBeAbsent: true }
      : given;
    return layoutOf(this.path, layout, options.readonly) === "sqlite"
      ? new SqliteStore(this.path, options)
      : new fileStore.FileStore(this.path, options);
  }
}

/** What it takes to make the same cache in another isolate. */
export function cacheOptionsOf(cache: JobCache): JobCacheOptions {
  return givenOptions(cache);
}

/** The store of a cache, for the scheduler. */
export function recordStoreOf(cache: JobCache): RecordStore {
  return openStore(cache);
}

/** The key of a job, or what was given in its place. */
function keyOf(job: unknown): unknown {
  return typeof job === "object" && job !== null && "key" in job
    ? job.key
    : job;
}
