/**
 * Leases as rows of the database: a claim is one statement, and a lease ends in
 * the transaction that stores its record.
 *
 * @module
 */

import type { StatementSync } from "node:sqlite";
import type { CacheDatabase } from "./database.ts";
import { failureOf } from "./failure.ts";
import type { CacheFolder } from "./folder.ts";
import { HEARTBEAT_MS } from "./heartbeat.ts";
import type { Claim, Lease, Leases } from "./lease.ts";
import { LeaseWaits } from "./lease_waits.ts";
import { Owners } from "./owner.ts";
import { Tokens } from "./tokens.ts";
import { Waiters, wakeOthers } from "./wake.ts";

type Key = Uint8Array<ArrayBuffer>;

/** For how long a busy database is let alone, at first and at most, in ms. */
const BUSY_MS = { first: 20, last: HEARTBEAT_MS / 2 } as const;

/** Claims on one key that others may foil before it counts as busy. */
const MAX_FOILED = 5;

/** How leases get at the database of their store. */
export interface DatabaseAccess {
  /** The database, open for writing; `undefined` if there is none. */
  open(): CacheDatabase | "busy" | undefined;
  /** Whether results wait to be stored until others let go of the database. */
  isBehind(): boolean;
  /** Replaces a database that is damaged, as the error shows; whether there is another one now. */
  replace(database: CacheDatabase, error: unknown): boolean;
}

/** How a lease ended: it counted and nobody waits, it counted and somebody does, or it did not count any more. */
type LeaseEnd = "quiet" | "wanted" | "lost";

/** The leases of a cache in a SQLite file. */
export class SqliteLeases implements Leases {
  readonly waits: LeaseWaits;
  readonly #folder: CacheFolder;
  readonly #access: DatabaseAccess;
  readonly #owners: Owners;
  readonly #waiters: Waiters;
  /** The leases that were granted and have not ended. */
  readonly #held = new Set<Lease>();
  readonly #tokens = new Tokens();
  #statements: Statements | undefined;
  #busyUntil = 0;
  #busyMs: number = BUSY_MS.first;
  /** Leases that could not be given back yet. */
  readonly #late = new Set<Lease>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(folder: CacheFolder, access: DatabaseAccess) {
    this.#folder = folder;
    this.#access = access;
    this.#owners = new Owners(folder, true);
    this.waits = new LeaseWaits(folder, this.#owners);
    this.#waiters = new Waiters(folder, {
      holderOf: (key) =>
        this.#attempt((statements) => statements.holderOf(key)),
      isDead: (owner) => this.#owners.isDead(owner),
    });
  }

  claim(key: Key, evenIfStored = false): Claim {
    if (this.#busyUntil > 0 && performance.now() < this.#busyUntil) {
      return { kind: "busy" };
    }
    // Who computed on meanwhile would lose all of that if it were killed.
    if (this.#access.isBehind()) return this.#busy();
    for (;;) {
      const database = this.#access.open();
      if (database === undefined) return { kind: "none" };
      if (database === "busy") return this.#busy();
      const owner = this.#owners.own();
      if (owner === undefined) return { kind: "none" };
      try {
        const claim = this.#claim(
          this.#statementsOf(database, owner),
          owner,
          key,
          evenIfStored,
        );
        this.#busyUntil = 0;
        this.#busyMs = BUSY_MS.first;
        return claim;
      } catch (error) {
        const failure = failureOf(error);
        if (failure === "busy") return this.#busy();
        if (failure === "unusable" || !this.#access.replace(database, error)) {
          return { kind: "none" };
        }
      }
    }
  }

  release(lease: Lease): void {
    if (!this.#held.has(lease) || this.#tryRelease(lease)) return;
    this.#late.add(lease);
    this.#releaseLater(BUSY_MS.first);
  }

  holds(lease: Lease): boolean {
    return this.#attempt((statements) => statements.holds(lease)) ?? false;
  }

  changed(key: Key, signal: AbortSignal): Promise<void> {
    return this.#waiters.wait(key, signal, this.#busyUntil);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#late.clear();
    for (const lease of this.#held) {
      // What cannot be given back is that of an owner who is gone.
      if (!this.#tryRelease(lease)) this.#ended(lease, "quiet");
    }
    this.#waiters.close();
    this.waits.close();
    this.#owners.close();
    this.#statements = undefined;
  }

  /**
   * Inserts the record of a lease and ends the lease, in one transaction.
   *
   * @returns Whether the lease still counted; if not, nothing is inserted: somebody else computes it, or has done so.
   */
  settle(database: CacheDatabase, lease: Lease, insert: () => void): boolean {
    const { connection } = database;
    const statements = this.#statementsOf(database, lease.owner);
    let end: LeaseEnd;
    statements.begin.run();
    try {
      end = statements.end(lease);
      if (end !== "lost") insert();
      statements.commit.run();
    } catch (error) {
      if (connection.isTransaction) connection.exec("ROLLBACK");
      throw error;
    }
    this.#ended(lease, end);
    return end !== "lost";
  }

  #claim(
    statements: Statements,
    owner: string,
    key: Key,
    evenIfStored: boolean,
  ): Claim {
    for (let foiled = 0; foiled < MAX_FOILED; foiled++) {
      const lease = { key, owner, token: this.#tokens.next() };
      if (statements.claim(lease, evenIfStored)) return this.#grant(lease);
      if (!evenIfStored && statements.isStored(key)) return { kind: "stored" };
      const held = statements.holder.get(key) as HolderRow | undefined;
      // It has just ended.
      if (held === undefined) continue;
      const isStray = held.owner === owner && !this.#knows(held.token);
      if (!isStray && !this.#owners.isDead(held.owner)) {
        return {
          kind: "held",
          by: {
            owner: held.owner,
            description: this.#owners.describe(held.owner),
            since: held.since,
          },
        };
      }
      const heir = { key, owner, token: this.#tokens.next(held.token) };
      if (statements.takeOver(held, heir)) return this.#grant(heir);
    }
    return this.#busy();
  }

  /** What is to be done when a lease has ended and others can see it. */
  #ended(lease: Lease, end: LeaseEnd): void {
    if (this.#held.delete(lease)) this.#owners.letGo();
    if (end === "lost") {
      // Perhaps others believe that this process is dead.
      this.#owners.check();
      this.#dropStray(lease);
    }
    if (end === "wanted") {
      const hex = lease.key.toHex();
      wakeOthers(this.#folder, hex);
      this.#waiters.wake(hex);
    }
  }

  /** A row that names this process, for a lease that it does not know of, is damaged: nobody would ever end it. */
  #dropStray({ key, owner }: Lease): void {
    this.#attempt((statements) => {
      const held = statements.holder.get(key) as HolderRow | undefined;
      if (held?.owner !== owner || this.#knows(held.token)) return;
      statements.end({ key, owner, token: held.token });
    });
  }

  #knows(token: number): boolean {
    return [...this.#held].some((lease) => lease.token === token);
  }

  #grant(lease: Lease): Claim {
    this.#held.add(lease);
    this.#owners.hold();
    return { kind: "granted", lease };
  }

  #busy(): Claim {
    this.#busyUntil = performance.now() + this.#busyMs;
    this.#busyMs = Math.min(2 * this.#busyMs, BUSY_MS.last);
    return { kind: "busy" };
  }

  /** Gives a lease back; `false` if that must be tried again. */
  #tryRelease(lease: Lease): boolean {
    const database = this.#access.open();
    if (database === "busy") return false;
    let end: LeaseEnd = "quiet";
    if (database !== undefined) {
      try {
        end = this.#statementsOf(database, lease.owner).end(lease);
      } catch (error) {
        // With a damaged database its leases are gone.
        if (failureOf(error) !== "damage") return false;
      }
    }
    this.#ended(lease, end);
    return true;
  }

  /** A lease that stays would let others wait as long as this process lives. */
  #releaseLater(delay: number): void {
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      for (const lease of this.#late) {
        // The others would have to wait in the same way.
        if (!this.#tryRelease(lease)) {
          return this.#releaseLater(Math.min(2 * delay, BUSY_MS.last));
        }
        this.#late.delete(lease);
      }
    }, delay);
    Deno.unrefTimer(this.#timer);
  }

  /** The statements of the open database. The rows of dead owners are deleted once. */
  #statementsOf(database: CacheDatabase, owner: string): Statements {
    if (this.#statements?.database !== database) {
      this.#statements = new Statements(database);
      this.#statements.sweep(owner, (other) => this.#owners.isDead(other));
    }
    return this.#statements;
  }

  /** Does something that may fail without harm. */
  #attempt<R>(action: (statements: Statements) => R): R | undefined {
    const database = this.#access.open();
    if (database === undefined || database === "busy") return undefined;
    try {
      return action(this.#statementsOf(database, this.#owners.own() ?? ""));
    } catch {
      return undefined;
    }
  }
}

/** A row as read. */
interface HolderRow {
  readonly owner: string;
  readonly token: number;
  readonly since: number;
  readonly wanted: number;
}

const END = "DELETE FROM leases WHERE key = ? AND owner = ? AND token = ?";

/** The statements on leases. */
class Statements {
  readonly database: CacheDatabase;
  readonly begin: StatementSync;
  readonly commit: StatementSync;
  readonly holder: StatementSync;
  readonly #claim: StatementSync;
  readonly #end: StatementSync;
  readonly #endQuietly: StatementSync;

  constructor(database: CacheDatabase) {
    this.database = database;
    const { connection } = database;
    this.begin = connection.prepare("BEGIN IMMEDIATE");
    this.commit = connection.prepare("COMMIT");
    this.#claim = connection.prepare(
      `INSERT INTO leases (key, owner, token, since, wanted)
      SELECT ?1, ?2, ?3, ?4, 0
      WHERE ?5 OR NOT EXISTS (SELECT 1 FROM records WHERE key = ?1)
      ON CONFLICT DO NOTHING`,
    );
    // Nobody waits as a rule, and RETURNING costs 2 µs.
    this.#end = connection.prepare(END);
    this.#endQuietly = connection.prepare(`${END} AND wanted = 0`);
    this.holder = connection.prepare(
      "SELECT owner, token, since, wanted FROM leases WHERE key = ?",
    );
  }

  /** Takes a key that is free; whether it was. */
  claim({ key, owner, token }: Lease, evenIfStored: boolean): boolean {
    const since = Date.now();
    return this.#claim.run(key, owner, token, since, evenIfStored ? 1 : 0)
      .changes === 1;
  }

  /** Takes the place of a dead owner; whether nobody else was faster. Those who wait go on waiting, for the new one. */
  takeOver(dead: HolderRow, { key, owner, token }: Lease): boolean {
    return this.database.connection.prepare(
      `UPDATE leases SET owner = ?, token = ?, since = ?
      WHERE key = ? AND owner = ? AND token = ?`,
    ).run(owner, token, Date.now(), key, dead.owner, dead.token).changes === 1;
  }

  isStored(key: Key): boolean {
    return this.database.lookup.get(key) !== undefined;
  }

  /** Who has a key; notes that somebody waits for it. */
  holderOf(key: Key): string | undefined {
    const row = this.holder.get(key) as HolderRow | undefined;
    if (row === undefined || row.wanted === 1) return row?.owner;
    const { changes } = this.database.connection.prepare(
      "UPDATE leases SET wanted = 1 WHERE key = ? AND owner = ? AND token = ?",
    ).run(key, row.owner, row.token);
    // If it is another row by now, it is worth to claim the key again.
    return changes > 0 ? row.owner : undefined;
  }

  /** Ends a lease. */
  end({ key, owner, token }: Lease): LeaseEnd {
    if (this.#endQuietly.run(key, owner, token).changes === 1) return "quiet";
    if (this.#end.run(key, owner, token).changes === 1) return "wanted";
    return this.holds({ key, owner, token }) ? "quiet" : "lost";
  }

  /** Whether nobody took a lease over. */
  holds({ key, owner, token }: Lease): boolean {
    const held = this.holder.get(key) as HolderRow | undefined;
    // Its row is lost with a damaged database, or the cache was closed meanwhile: it
    // counts as long as nobody else was at it.
    if (held === undefined) return !this.isStored(key);
    return held.owner === owner && held.token === token;
  }

  /** Deletes the rows of owners who died with leases that nobody has asked for since. */
  sweep(own: string, isDead: (owner: string) => boolean): void {
    const { connection } = this.database;
    const owners = connection.prepare(
      "SELECT DISTINCT owner FROM leases",
    ).all();
    for (const { owner } of owners) {
      if (typeof owner !== "string" || owner === own || !isDead(owner)) {
        continue;
      }
      connection.prepare("DELETE FROM leases WHERE owner = ?").run(owner);
    }
  }
}
