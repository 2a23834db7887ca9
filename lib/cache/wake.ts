/**
 * Those who wait for keys, and how they are woken: whoever ends a lease that
 * somebody waits for makes a file in `wake/` come and go, and the system tells all
 * who watch that folder. One watcher and one timer serve all keys of a process.
 *
 * The timer is the net below: it sees that an owner has died, and whatever the
 * watcher missed. Where a folder cannot be watched it does all of the work.
 *
 * @module
 */

import { join } from "../value/paths.ts";
import type { CacheFolder } from "./folder.ts";
import { HEARTBEAT_MS } from "./heartbeat.ts";

type Key = Uint8Array<ArrayBuffer>;

/** How often the timer looks, in ms; an owner must look unchanged in several looks to be dead. */
const LOOK_MS = HEARTBEAT_MS / 4;

/** Where nothing can be watched, it looks after this time first, then more and more seldom. */
const UNWATCHED_MS = { first: 20, last: HEARTBEAT_MS / 2 } as const;

/** What a waiter can find out. */
export interface Holders {
  /** Who has a key, and is told that somebody waits for it; `undefined` if nobody, or if there is no telling. */
  holderOf(key: Key): string | undefined;
  /** Whether that one is dead. */
  isDead(owner: string): boolean;
}

interface Waiter {
  readonly key: Key;
  /** Until then there is no use in looking, by `performance.now()`. */
  readonly notBefore: number;
  readonly settle: () => void;
  owner: string | undefined;
}

/** The waiters of one process in one cache folder. */
export class Waiters {
  readonly #folder: CacheFolder;
  readonly #holders: Holders;
  /** By the key's hexadecimal digits. */
  readonly #waiting = new Map<string, Set<Waiter>>();
  #watcher: Deno.FsWatcher | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** When the timer looks, by `performance.now()`. */
  #due = 0;
  #unwatchedMs: number = UNWATCHED_MS.first;
  #looks = 0;

  constructor(folder: CacheFolder, holders: Holders) {
    this.#folder = folder;
    this.#holders = holders;
  }

  /**
   * Resolves when nobody living has the key, as far as can be told.
   *
   * @param notBefore A moment by `performance.now()` before which there is no use in looking.
   */
  async wait(key: Key, signal: AbortSignal, notBefore = 0): Promise<void> {
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiter: Waiter = {
      key,
      notBefore,
      settle: resolve,
      owner: undefined,
    };
    const abort = () => reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    this.#add(waiter);
    try {
      // Now that it would be woken: what happened before is seen here.
      this.#look(waiter);
      await promise;
    } finally {
      signal.removeEventListener("abort", abort);
      this.#remove(waiter);
    }
  }

  /** Lets those of this process look at a key again. */
  wake(hex: string): void {
    for (const waiter of this.#waiting.get(hex) ?? []) this.#look(waiter);
  }

  /** Lets everybody go. */
  close(): void {
    for (const waiter of this.#all()) waiter.settle();
    this.#waiting.clear();
    this.#end();
  }

  #add(waiter: Waiter): void {
    if (this.#waiting.size === 0) this.#watch();
    const hex = waiter.key.toHex();
    const others = this.#waiting.get(hex);
    if (others === undefined) this.#waiting.set(hex, new Set([waiter]));
    else others.add(waiter);
    this.#unwatchedMs = UNWATCHED_MS.first;
    const early = Math.max(waiter.notBefore - performance.now(), 0);
    if (early > 0) this.#schedule(early);
    else {
      this.#schedule(this.#watcher === undefined ? this.#unwatchedMs : LOOK_MS);
    }
  }

  #remove(waiter: Waiter): void {
    const hex = waiter.key.toHex();
    const waiters = this.#waiting.get(hex);
    if (waiters?.delete(waiter) && waiters.size === 0) {
      this.#waiting.delete(hex);
      if (this.#waiting.size === 0) this.#end();
    }
  }

  #look(waiter: Waiter): void {
    if (performance.now() < waiter.notBefore) return;
    const owner = waiter.owner = this.#holders.holderOf(waiter.key);
    if (owner === undefined || this.#holders.isDead(owner)) waiter.settle();
  }

  *#all(): Iterable<Waiter> {
    for (const waiters of this.#waiting.values()) yield* waiters;
  }

  /** Looks at each owner, and at each key every other time. */
  #lookAtAll(): void {
    const alsoKeys = ++this.#looks % 2 === 0 || this.#watcher === undefined;
    const now = performance.now();
    const dead = new Map<string, boolean>();
    for (const waiter of this.#all()) {
      if (now < waiter.notBefore) {
        this.#schedule(waiter.notBefore - now);
        continue;
      }
      if (alsoKeys || waiter.owner === undefined) {
        waiter.owner = this.#holders.holderOf(waiter.key);
      }
      const { owner } = waiter;
      if (owner === undefined) {
        waiter.settle();
        continue;
      }
      if (!dead.has(owner)) dead.set(owner, this.#holders.isDead(owner));
      if (dead.get(owner)) waiter.settle();
    }
  }

  /** Sees to it that the timer looks in so many ms, or earlier. */
  #schedule(delay: number): void {
    const due = performance.now() + delay;
    if (this.#timer !== undefined && this.#due <= due) return;
    clearTimeout(this.#timer);
    this.#due = due;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#lookAtAll();
      if (this.#watcher !== undefined) return this.#schedule(LOOK_MS);
      this.#unwatchedMs = Math.min(2 * this.#unwatchedMs, UNWATCHED_MS.last);
      this.#schedule(this.#unwatchedMs);
    }, delay);
  }

  #watch(): void {
    const { wake } = this.#folder;
    try {
      this.#folder.withFolders(() => Deno.mkdirSync(wake, { recursive: true }));
      this.#watcher = Deno.watchFs(wake);
      this.#listen(this.#watcher);
    } catch {
      // Not permitted, or the system has no watcher left.
    }
  }

  async #listen(watcher: Deno.FsWatcher): Promise<void> {
    try {
      for await (const { kind, paths, flag } of watcher) {
        if (flag === "rescan") this.#lookAtAll();
        // To look makes files, which must not make anybody look.
        if (kind === "create" || kind === "modify" || kind === "access") {
          continue;
        }
        for (const path of new Set(paths)) this.wake(path.slice(-64));
      }
    } catch {
      // The folder is gone, or the like.
    }
    if (this.#watcher !== watcher) return;
    this.#watcher = undefined;
    this.#schedule(this.#unwatchedMs);
  }

  #end(): void {
    const watcher = this.#watcher;
    this.#watcher = undefined;
    watcher?.close();
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}

/** Wakes those in other processes that wait for a key. */
export function wakeOthers({ wake }: CacheFolder, hex: string): void {
  const path = join(wake, hex);
  try {
    Deno.writeTextFileSync(path, "");
    Deno.removeSync(path);
  } catch {
    // Those who wait look by themselves.
  }
}
