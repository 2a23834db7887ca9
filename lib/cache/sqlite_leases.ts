/**
 * Leases as rows of the database: a claim is one statement, and a lease ends in
 * the transaction that stores its record.
 *
 * A program that is alone need not write a row for each lease. It takes the bias, as
 * biased locks do (Kawachiya, Koseki, Onodera, 2002): a row says so, and each claim is
 * written to its own file only, see `lease_slot.ts`. In this order, so that no two
 * programs can have one key:
 *
 * 1. Who has the bias writes a key to its slot, then looks whether the bias is still in
 *    force and the key free. If not, it takes that back and claims the key by a row.
 * 2. Who finds that another program has the bias claims nothing. It revokes the bias
 *    first and commits that, then reads the slot, and puts a row in the place of the
 *    bias for what it finds there, unless the record is stored. So whatever is written
 *    to the slot later does not count by 1.
 * 3. A record of a lease in the slot is stored by a statement that also looks whether the
 *    bias is in force; only then is the slot cleared, or written over. If it is not, the lease ends as
 *    others do, by its row.
 * 4. A slot is read and replaced by a row while nobody else can write to the database.
 *
 * @module
 */

import { warnOnce } from "../warn.ts";
import type { CacheDatabase } from "./database.ts";
import { failureOf } from "./failure.ts";
import type { CacheFolder } from "./folder.ts";
import { HEARTBEAT_MS } from "./heartbeat.ts";
import type { Claim, Lease, Leases } from "./lease.ts";
import { LeaseBias, revokeBias } from "./lease_bias.ts";
import { LeaseWaits } from "./lease_waits.ts";
import { Owners } from "./owner.ts";
import { type LeaseEnd, LeaseRows } from "./sqlite_lease_rows.ts";
import { Tokens } from "./tokens.ts";
import { Waiters, wakeOthers } from "./wake.ts";

type Key = Uint8Array<ArrayBuffer>;

/** For how long a busy database is let alone, at first and at most, in ms. */
const BUSY_MS = { first: 20, last: HEARTBEAT_MS / 2 } as const;

/**
 * How often in a row it may be found busy, so spaced, before jobs are computed without
 * leases: for about ten seconds, as stores are tried. By count, as a program that was
 * stopped meanwhile has not waited.
 */
const MAX_BUSY = 15;

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
  readonly #bias: LeaseBias;
  #rows: LeaseRows | undefined;
  #busyUntil = 0;
  #busyMs: number = BUSY_MS.first;
  /** How often in a row it was busy. */
  #busyTimes = 0;
  /** Leases that could not be given back yet. */
  readonly #late = new Set<Lease>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(folder: CacheFolder, access: DatabaseAccess) {
    this.#folder = folder;
    this.#access = access;
    this.#owners = new Owners(folder, true);
    this.#bias = new LeaseBias(
      this.#owners,
      this.#tokens,
      (lease) => this.#giveBack(lease),
    );
    this.waits = new LeaseWaits(folder, this.#owners);
    this.#waiters = new Waiters(folder, {
      holderOf: (key) =>
        this.#attempt((rows) => {
          const owner = rows.holderOf(key);
          if (owner !== undefined) return owner;
          return this.#endBias(rows) ? rows.holderOf(key) : undefined;
        }),
      isDead: (owner) => this.#owners.isDead(owner),
    });
  }

  claim(key: Key, evenIfStored = false): Claim {
    if (this.#busyUntil > 0 && performance.now() < this.#busyUntil) {
      return this.#whileBusy();
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
        const rows = this.#rowsOf(database, owner);
        // That writes nothing to the database, which may be busy still.
        const biased = evenIfStored
          ? undefined
          : this.#claimByBias(rows, owner, key);
        if (biased !== undefined) return biased;
        const claim = this.#claimByRow(rows, owner, key, evenIfStored);
        if (claim === undefined) return this.#busy();
        this.#notBusy();
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
    if (this.#held.has(lease)) this.#giveBack(lease);
  }

  holds(lease: Lease): boolean {
    return this.#attempt((rows) =>
      this.#bias.holds(rows, lease) || rows.holds(lease)
    ) ?? false;
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
    if (this.#rows !== undefined) this.#bias.close(this.#rows);
    this.waits.close();
    this.#owners.close();
    this.#rows = undefined;
  }

  /**
   * Inserts the row of a record and ends its lease, in one statement.
   *
   * @returns Whether that was possible; if not, `settle` tells what is the matter.
   */
  insert(
    database: CacheDatabase,
    lease: Lease,
    columns: readonly (number | Uint8Array)[],
  ): boolean {
    if (!this.#bias.has(lease)) return false;
    const rows = this.#rowsOf(database, lease.owner);
    if (!this.#bias.insert(rows, lease, columns)) return false;
    this.#busyTimes = 0;
    this.#ended(lease, "quiet");
    return true;
  }

  /**
   * Inserts the record of a lease and ends the lease, in one transaction.
   *
   * @returns Whether the lease still counted; if not, nothing is inserted: somebody else computes it, or has done so.
   */
  settle(database: CacheDatabase, lease: Lease, insert: () => void): boolean {
    const { connection } = database;
    const rows = this.#rowsOf(database, lease.owner);
    let end: LeaseEnd;
    rows.begin.run();
    try {
      end = this.#bias.holds(rows, lease) ? "quiet" : rows.end(lease);
      if (end !== "lost") insert();
      rows.commit.run();
      this.#busyTimes = 0;
    } catch (error) {
      if (connection.isTransaction) connection.exec("ROLLBACK");
      throw error;
    }
    this.#ended(lease, end);
    return end !== "lost";
  }

  #claimByBias(rows: LeaseRows, owner: string, key: Key): Claim | undefined {
    const lease = { key, owner, token: this.#tokens.next() };
    return this.#bias.claim(rows, lease) ? this.#grant(lease) : undefined;
  }

  /** `undefined` if others are in the way. */
  #claimByRow(
    rows: LeaseRows,
    owner: string,
    key: Key,
    evenIfStored: boolean,
  ): Claim | undefined {
    for (let foiled = 0; foiled < MAX_FOILED; foiled++) {
      const lease = { key, owner, token: this.#tokens.next() };
      if (rows.claim(lease, evenIfStored)) {
        this.#bias.noteRow(rows, owner);
        return this.#grant(lease);
      }
      if (!evenIfStored && rows.isStored(key)) return { kind: "stored" };
      const held = rows.holder(key);
      if (held === undefined) {
        // If nobody else has the bias, the lease has just ended.
        if (this.#endBias(rows) !== false) continue;
        return undefined;
      }
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
      if (rows.takeOver(held, heir)) return this.#grant(heir);
    }
    return undefined;
  }

  /** Takes the bias of another process away, if one has it; `false` if that must be tried again. */
  #endBias(rows: LeaseRows): boolean | undefined {
    const bias = rows.bias();
    return bias === undefined || bias.owner === this.#owners.own()
      ? undefined
      : revokeBias(rows, this.#owners, bias);
  }

  /** What is to be done when a lease has ended and others can see it. */
  #ended(lease: Lease, end: LeaseEnd): void {
    this.#bias.clear(lease);
    if (this.#held.delete(lease)) this.#owners.letGo();
    if (end === "lost") {
      this.#bias.forget();
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
    this.#attempt((rows) => {
      const held = rows.holder(key);
      if (held?.owner !== owner || this.#knows(held.token)) return;
      rows.end({ key, owner, token: held.token });
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
    this.#busyTimes++;
    this.#busyUntil = performance.now() + this.#busyMs;
    this.#busyMs = Math.min(2 * this.#busyMs, BUSY_MS.last);
    return this.#whileBusy();
  }

  /** Busy, or no leases any more until it is not busy. */
  #whileBusy(): Claim {
    if (this.#busyTimes < MAX_BUSY) return { kind: "busy" };
    const { database } = this.#folder;
    warnOnce(
      `${database} busy`,
      `no lease could be had in ${database} for about ten seconds, so jobs are computed without looking whether other programs compute them: another program keeps it locked, such as one that was stopped in the middle of a change (hither cache gc and Ctrl-Z) or a SQLite shell with an open transaction: let it go on, or end it`,
    );
    return { kind: "none" };
  }

  #notBusy(): void {
    this.#busyUntil = 0;
    this.#busyMs = BUSY_MS.first;
    this.#busyTimes = 0;
  }

  #giveBack(lease: Lease): void {
    if (this.#tryRelease(lease)) return;
    this.#late.add(lease);
    this.#releaseLater(BUSY_MS.first);
  }

  /** Gives a lease back; `false` if that must be tried again. */
  #tryRelease(lease: Lease): boolean {
    const database = this.#access.open();
    if (database === "busy") return false;
    let end: LeaseEnd = "quiet";
    if (database !== undefined) {
      try {
        const rows = this.#rowsOf(database, lease.owner);
        if (!this.#bias.release(rows, lease)) end = rows.end(lease);
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
  #rowsOf(database: CacheDatabase, owner: string): LeaseRows {
    if (this.#rows?.database !== database) {
      if (this.#rows !== undefined) this.#bias.forget();
      this.#rows = new LeaseRows(database);
      this.#rows.sweep(owner, (other) => this.#owners.isDead(other));
    }
    return this.#rows;
  }

  /** Does something that may fail without harm. */
  #attempt<R>(action: (rows: LeaseRows) => R): R | undefined {
    const database = this.#access.open();
    if (database === undefined || database === "busy") return undefined;
    try {
      return action(this.#rowsOf(database, this.#owners.own() ?? ""));
    } catch {
      return undefined;
    }
  }
}
