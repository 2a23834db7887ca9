/**
 * Leases as files, for folders on network disks: nothing is needed of the file
 * system but that a file is made, and renamed, by one process alone.
 *
 * A key that is claimed has a file `leases/ab/cdef…`. Whoever waits for it makes
 * `wake/abcdef…`, and the owner, when it is done, deletes that: which wakes all who
 * watch that folder on the same machine. Those on others look from time to time.
 *
 * @module
 */

import { isAbsence } from "../value/file_check.ts";
import { requireFile } from "../value/file_digest.ts";
import { dirname, join } from "../value/paths.ts";
import type { CacheFolder } from "./folder.ts";
import type { Claim, Lease, LeaseHolder, Leases } from "./lease.ts";
import { LeaseWaits } from "./lease_waits.ts";
import { isOwnerName, Owners, removeQuietly } from "./owner.ts";
import { Tokens } from "./tokens.ts";
import { Waiters } from "./wake.ts";

type Key = Uint8Array<ArrayBuffer>;

/** For how long a key is let alone that others are about to take over, in ms. */
const BUSY_MS = 20;

/** Claims on one key that others may foil before it counts as busy. */
const MAX_FOILED = 5;

/** A lease as its file tells it. */
interface Held {
  /** Damaged, or being written, if there is no owner. */
  readonly owner: string | undefined;
  readonly token: number;
  readonly since: number;
  readonly text: string;
}

/** The leases of a cache that is files alone. */
export class FileLeases implements Leases {
  readonly waits: LeaseWaits;
  readonly #folder: CacheFolder;
  readonly #isStored: (key: Key) => boolean;
  readonly #owners: Owners;
  readonly #waiters: Waiters;
  readonly #tokens = new Tokens();
  /** The leases that were granted and have not ended. */
  readonly #granted = new Set<Lease>();
  #hasLinks = true;
  #busyUntil = 0;

  constructor(folder: CacheFolder, isStored: (key: Key) => boolean) {
    this.#folder = folder;
    this.#isStored = isStored;
    this.#owners = new Owners(folder, false);
    this.waits = new LeaseWaits(folder, this.#owners);
    this.#waiters = new Waiters(folder, {
      holderOf: (key) => this.#holderOf(key),
      isDead: (holder) =>
        isOwnerName(holder)
          ? this.#owners.isDead(holder)
          : this.#isDamaged(holder),
    });
  }

  claim(key: Key, evenIfStored = false): Claim {
    const owner = this.#owners.own();
    if (owner === undefined) return { kind: "none" };
    try {
      return this.#claim(key, owner, evenIfStored);
    } catch {
      return { kind: "none" };
    }
  }

  release(lease: Lease): void {
    if (!this.#granted.delete(lease)) return;
    this.#owners.letGo();
    const path = this.#pathOf(lease.key);
    const held = readHeld(path);
    const isOwn = held?.owner === lease.owner &&
      (held.token === lease.token || !this.#knows(held.token));
    if (isOwn) removeQuietly(path);
    else this.#owners.check();
    const hex = lease.key.toHex();
    removeQuietly(join(this.#folder.wake, hex));
    this.#waiters.wake(hex);
  }

  holds({ key, owner, token }: Lease): boolean {
    const held = readHeld(this.#pathOf(key));
    // Where the folder was emptied or the cache closed, it counts as long as nobody else was at it.
    if (held === undefined) return !this.#isStored(key);
    return held.owner === owner && held.token === token;
  }

  changed(key: Key, signal: AbortSignal): Promise<void> {
    return this.#waiters.wait(key, signal, this.#busyUntil);
  }

  close(): void {
    for (const lease of this.#granted) this.release(lease);
    this.#waiters.close();
    this.waits.close();
    this.#owners.close();
  }

  #claim(key: Key, owner: string, evenIfStored: boolean): Claim {
    const path = this.#pathOf(key);
    for (let foiled = 0; foiled < MAX_FOILED; foiled++) {
      const held = readHeld(path);
      if (held === undefined) {
        const lease = { key, owner, token: this.#tokens.next() };
        if (!this.#make(path, lease)) continue;
        if (evenIfStored || !this.#isStored(key)) {
          return { kind: "granted", lease };
        }
        this.release(lease);
        return { kind: "stored" };
      }
      // One that names this process, and that it does not know of, is damaged.
      const isStray = held.owner === owner && !this.#knows(held.token);
      const dead = isStray || this.#isDead(held, path);
      if (!evenIfStored && this.#isStored(key)) {
        // Its owner died between storing and giving it back.
        if (dead) removeQuietly(path);
        return { kind: "stored" };
      }
      if (!dead) return { kind: "held", by: this.#describe(held) };
      const lease = { key, owner, token: this.#tokens.next(held.token) };
      if (this.#takeOver(path, held, lease)) return { kind: "granted", lease };
    }
    this.#busyUntil = performance.now() + BUSY_MS;
    return { kind: "busy" };
  }

  #knows(token: number): boolean {
    return [...this.#granted].some((lease) => lease.token === token);
  }

  /** Makes the file of a lease; `false` if there is one. */
  #make(path: string, lease: Lease): boolean {
    // A living owner must be seen to live before its lease is.
    this.#owners.hold();
    let made = false;
    try {
      made = this.#createWhole(path, textOf(lease));
    } finally {
      if (made) this.#granted.add(lease);
      else this.#owners.letGo();
    }
    return made;
  }

  /**
   * Puts a lease in the place of a dead owner's; whether that came to be.
   *
   * 1. Of all who want to, one makes the file of the heir. There is one name for
   *    the heir of each lease, so it is made once.
   * 2. If the dead lease is still in its place, the heir's file is renamed over it. If
   *    not, somebody came first.
   * 3. Whoever finds an heir whose owner is dead does 2 for it, and begins anew with
   *    its lease.
   */
  #takeOver(path: string, dead: Held, lease: Lease): boolean {
    const { owner = "damaged", token } = dead;
    const hex = lease.key.toHex();
    const heir = join(this.#folder.tmp, `heir-${hex}-${owner}-${token}`);
    const made = this.#make(heir, lease);
    if (!made) {
      const other = readHeld(heir);
      if (other !== undefined && !this.#isDead(other, heir)) return false;
    }
    if (readHeld(path)?.text === dead.text) renameQuietly(heir, path);
    else if (made) removeQuietly(heir);
    if (!made) return false;
    const now = readHeld(path);
    if (now?.owner === lease.owner && now.token === lease.token) return true;
    this.#granted.delete(lease);
    this.#owners.letGo();
    return false;
  }

  /** Makes a file with all that is in it at once; `false` if there is one. */
  #createWhole(path: string, text: string, isRetry = false): boolean {
    const { tmp } = this.#folder;
    try {
      const draft = join(tmp, crypto.randomUUID());
      Deno.writeTextFileSync(draft, text, { createNew: true });
      try {
        this.#link(draft, path, text);
      } finally {
        removeQuietly(draft);
      }
      return true;
    } catch (error) {
      if (error instanceof Deno.errors.AlreadyExists) return false;
      // The folder may be there by now: others miss it at the same time.
      if (!isAbsence(error) || isRetry) throw error;
      for (const folder of [tmp, dirname(dirname(path)), dirname(path)]) {
        this.#folder.evict(folder, "folder");
      }
      makeFolders(tmp, dirname(path));
      return this.#createWhole(path, text, true);
    }
  }

  /** Gives a file its name if that is free. */
  #link(draft: string, path: string, text: string): void {
    if (this.#hasLinks) {
      try {
        return Deno.linkSync(draft, path);
      } catch (error) {
        if (
          error instanceof Deno.errors.AlreadyExists || isAbsence(error)
        ) throw error;
        this.#hasLinks = false;
      }
    }
    // No hard links here: for a moment others see an empty file, and wait.
    Deno.writeTextFileSync(path, text, { createNew: true });
  }

  /** Who has a key, or its path if that cannot be told; notes that somebody waits for it. */
  #holderOf(key: Key): string | undefined {
    const path = this.#pathOf(key);
    if (readHeld(path) === undefined) return undefined;
    const wish = join(this.#folder.wake, key.toHex());
    try {
      Deno.openSync(wish, { write: true, createNew: true }).close();
    } catch {
      // Others have wished the same, or it cannot be told: then it is looked for.
    }
    // It may have ended before the wish could be seen.
    const held = readHeld(path);
    if (held === undefined) removeQuietly(wish);
    return held === undefined ? undefined : held.owner ?? path;
  }

  /** Whether the owner of a lease is dead; a damaged one has none, and does not stay as it is if it is being written. */
  #isDead({ owner, text }: Held, path: string): boolean {
    return owner === undefined
      ? this.#owners.isSilent(path, text)
      : this.#owners.isDead(owner);
  }

  /** Whether a lease is damaged for good. */
  #isDamaged(path: string): boolean {
    const held = readHeld(path);
    return held === undefined || this.#isDead(held, path);
  }

  #describe({ owner, since }: Held): LeaseHolder {
    return {
      owner: owner ?? "",
      description: this.#owners.describe(owner ?? ""),
      since,
    };
  }

  #pathOf(key: Key): string {
    const hex = key.toHex();
    return join(this.#folder.leases, hex.slice(0, 2), hex.slice(2));
  }
}

function textOf({ owner, token }: Lease): string {
  return JSON.stringify({ owner, token, since: Date.now() }) + "\n";
}

function readHeld(path: string): Held | undefined {
  let text = "";
  try {
    requireFile(path);
    text = Deno.readTextFileSync(path);
    const { owner, token, since } = JSON.parse(text);
    if (
      isOwnerName(owner) && Number.isSafeInteger(token) && token >= 0 &&
      Number.isSafeInteger(since)
    ) return { owner, token, since, text };
  } catch (error) {
    if (isAbsence(error)) return undefined;
  }
  return { owner: undefined, token: 0, since: 0, text };
}

function renameQuietly(from: string, to: string): void {
  try {
    Deno.renameSync(from, to);
  } catch {
    // Somebody else has done it.
  }
}

function makeFolders(...paths: string[]): void {
  for (const path of paths) Deno.mkdirSync(path, { recursive: true });
}
