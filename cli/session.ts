/**
 * What every command has: its output, and the cache that its options name.
 *
 * @module
 */

import type { CommandUnknownOpts } from "npm:@commander-js/extra-typings@^15";
import { join } from "../lib/value/paths.ts";
import type { JobCache } from "../mod.ts";
import { Failure } from "./errors.ts";
import { Output } from "./output.ts";

/** One run of a command. */
export class Session implements AsyncDisposable {
  readonly out: Output = new Output();
  /** Whether to answer in JSON. */
  readonly json: boolean;
  /** The folder that `--cache` names. */
  readonly named: string | undefined;
  readonly #caches: JobCache[] = [];

  constructor(command: CommandUnknownOpts) {
    const { json, cache } = command.optsWithGlobals();
    this.json = json === true;
    this.named = typeof cache === "string" ? cache : undefined;
  }

  /**
   * The cache that was named, to look at.
   *
   * @throws {Failure} if there is none.
   */
  read(named = this.named): Promise<JobCache> {
    return this.#open(named, { readonly: true, create: false });
  }

  /**
   * The cache that was named, to change.
   *
   * @param create Whether to make one if there is none.
   * @throws {Failure} if there is none and none is to be made.
   */
  write({ create = false } = {}): Promise<JobCache> {
    return this.#open(this.named, { readonly: false, create });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const cache of this.#caches) await cache[Symbol.asyncDispose]();
    this.out.flush();
  }

  /**
   * Says that an answer is not to be relied on where a cache turned out to be of no use.
   *
   * @throws {Failure} if one did; why has been said.
   */
  async requireUsable(): Promise<void> {
    if (this.#caches.length === 0) return;
    const { recordStoreOf } = await import("../lib/cache/job_cache.ts");
    if (this.#caches.every((cache) => recordStoreOf(cache).isUsable)) return;
    this.out.flush();
    throw new Failure("");
  }

  async #open(
    named: string | undefined,
    { readonly, create }: { readonly: boolean; create: boolean },
  ): Promise<JobCache> {
    const { JobCache } = await import("../lib/cache/job_cache.ts");
    const { defaultFolder } = await import("../lib/cache/default_folder.ts");
    const { layoutIn } = await import("../lib/cache/layout.ts");
    const path = named ?? defaultFolder(Deno.cwd());
    const cache = new JobCache({ path, readonly });
    if (!create && layoutIn(cache.path) === undefined) {
      requireReadable(cache.path);
      throw new Failure(
        `Cannot open the cache in ${cache.path} as there is none: name another folder with --cache, or run a job first`,
      );
    }
    this.#caches.push(cache);
    return cache;
  }
}

/** A folder that nobody may look into is not one without a cache. */
function requireReadable(path: string): void {
  try {
    Deno.lstatSync(join(path, "cache.sqlite"));
  } catch (error) {
    if (!(error instanceof Deno.errors.PermissionDenied)) return;
    throw new Failure(
      `Cannot open the cache in ${path} as you may not read that folder: run it as its owner, or name another folder with --cache`,
      { cause: error },
    );
  }
}

/** Runs a command's work with a session of its own. */
export async function inSession(
  command: CommandUnknownOpts,
  work: (session: Session) => void | Promise<void>,
): Promise<void> {
  await using session = new Session(command);
  await work(session);
  await session.requireUsable();
}
