/**
 * Which keys wait for which, across processes: who computes one key and waits for
 * another that somebody else computes may be waited for by that one.
 *
 * 1. Each process has a file in `waits/` while its leases wait: a line `KEY KEY` for
 *    each lease and what it waits for, in hexadecimal digits.
 * 2. It is written before the others are read. So of several that begin to wait at
 *    once, and so close a circle, at least the last one sees it.
 * 3. The file of an owner that is dead counts for nothing.
 *
 * @module
 */

import { requireFile } from "../value/file_digest.ts";
import { join } from "../value/paths.ts";
import type { CacheFolder } from "./folder.ts";
import type { Lease } from "./lease.ts";
import { isOwnerName, type Owners, removeQuietly } from "./owner.ts";

/** For each key, those that it waits for. */
type Edges = Map<string, Set<string>>;

/** What the leases of a process wait for, in one cache folder. */
export class LeaseWaits {
  readonly #folder: CacheFolder;
  readonly #owners: Owners;
  /** By whoever waits: the key that it waits for, and the leases that it holds up. */
  readonly #waiting = new Map<object, readonly [string, readonly Lease[]]>();
  #written = "";

  constructor(folder: CacheFolder, owners: Owners) {
    this.#folder = folder;
    this.#owners = owners;
  }

  /**
   * Notes that leases of this process wait for a key.
   *
   * @param who Whoever waits, until {@linkcode end}.
   * @returns Whether that key, through others, waits for one of them, so that the wait would never end.
   */
  begin(
    who: object,
    key: Uint8Array<ArrayBuffer>,
    leases: readonly Lease[],
  ): boolean {
    if (leases.length === 0) {
      this.end(who);
      return false;
    }
    const hex = key.toHex();
    this.#waiting.set(who, [hex, leases]);
    this.#write();
    const edges = this.#read();
    const keys = new Set(leases.map((lease) => lease.key.toHex()));
    const seen = new Set([hex]);
    for (const one of seen) {
      if (keys.has(one)) return true;
      for (const next of edges.get(one) ?? []) seen.add(next);
    }
    return false;
  }

  /** Notes the end of a wait. */
  end(who: object): void {
    if (this.#waiting.delete(who)) this.#write();
  }

  /** Notes the end of all waits. */
  close(): void {
    this.#waiting.clear();
    this.#write();
  }

  /** Writes the file anew, or removes it if nothing waits. Without it, nobody else sees a circle. */
  #write(): void {
    const text = Array.from(
      this.#waiting.values(),
      ([hex, leases]) =>
        leases.map((lease) => `${lease.key.toHex()} ${hex}\n`).join(""),
    ).join("");
    if (text === this.#written) return;
    const isFirst = this.#written === "";
    this.#written = text;
    const name = this.#owners.own();
    if (name === undefined) return;
    const { tmp, waits } = this.#folder;
    const path = join(waits, name);
    if (text === "") return removeQuietly(path);
    const draft = join(tmp, crypto.randomUUID());
    try {
      if (isFirst) {
        this.#folder.withFolders(() =>
          Deno.mkdirSync(waits, { recursive: true })
        );
      }
      Deno.writeTextFileSync(draft, text);
      Deno.renameSync(draft, path);
    } catch {
      removeQuietly(draft);
    }
  }

  #read(): Edges {
    const { waits } = this.#folder;
    const edges: Edges = new Map();
    const own = this.#owners.own();
    for (const name of namesIn(waits)) {
      const path = join(waits, name);
      if (name !== own && this.#owners.isDead(name)) {
        removeQuietly(path);
        continue;
      }
      for (const line of linesOf(path)) {
        const [key = "", other = ""] = line.split(" ");
        const others = edges.get(key);
        if (others === undefined) edges.set(key, new Set([other]));
        else others.add(other);
      }
    }
    return edges;
  }
}

function namesIn(folder: string): string[] {
  try {
    return Array.from(Deno.readDirSync(folder), ({ name }) => name)
      .filter(isOwnerName);
  } catch {
    // Nobody has waited here, or it cannot be told.
    return [];
  }
}

function linesOf(path: string): string[] {
  try {
    requireFile(path);
    return Deno.readTextFileSync(path).trimEnd().split("\n");
  } catch {
    // Its process does not wait any more.
    return [];
  }
}
