/**
 * The statements on leases in the database.
 *
 * @module
 */

import type { StatementSync } from "node:sqlite";
import type { CacheDatabase } from "./database.ts";
import type { Lease } from "./lease.ts";

type Key = Uint8Array<ArrayBuffer>;

/** A row as read. */
export interface HolderRow {
  readonly owner: string;
  readonly token: number;
  readonly since: number;
  readonly wanted: number;
}

/** How a lease ended: it counted and nobody waits, it counted and somebody does, or it did not count any more. */
export type LeaseEnd = "quiet" | "wanted" | "lost";

/** Who has the bias, and since which token. */
type Bias = Pick<Lease, "owner" | "token">;

/** The key of the row that says who has the bias; `wanted` says that it is taken away. */
const BIAS = "x''";

const IN_FORCE = `key = ${BIAS} AND owner = ?1 AND token = ?2 AND wanted = 0`;

const IS_FREE = `SELECT 1 FROM leases WHERE ${IN_FORCE}
AND NOT EXISTS (SELECT 1 FROM leases WHERE key = ?3)
AND NOT EXISTS (SELECT 1 FROM records WHERE key = ?3)`;

const IS_BIASED = `SELECT 1 FROM leases WHERE ${IN_FORCE}`;

const INSERT = `INSERT INTO records
(key, fn, body, stored_at, bytes, duration, origin, details)
SELECT ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10
WHERE EXISTS (SELECT 1 FROM leases WHERE ${IN_FORCE})
ON CONFLICT (key) DO NOTHING`;

const END = "DELETE FROM leases WHERE key = ? AND owner = ? AND token = ?";

/** The rows of leases of one open database. */
export class LeaseRows {
  readonly database: CacheDatabase;
  readonly begin: StatementSync;
  readonly commit: StatementSync;
  readonly #holder: StatementSync;
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
      WHERE (?5 OR NOT EXISTS (SELECT 1 FROM records WHERE key = ?1))
      AND NOT EXISTS (SELECT 1 FROM leases WHERE key = ${BIAS} AND owner <> ?2)
      ON CONFLICT DO NOTHING`,
    );
    // Nobody waits as a rule, and RETURNING costs 2 µs.
    this.#end = connection.prepare(END);
    this.#endQuietly = connection.prepare(`${END} AND wanted = 0`);
    this.#holder = connection.prepare(
      "SELECT owner, token, since, wanted FROM leases WHERE key = ?",
    );
  }

  /** Takes a key that is free; whether it was, and nobody else has the bias. */
  claim({ key, owner, token }: Lease, evenIfStored: boolean): boolean {
    const since = Date.now();
    return this.#claim.run(key, owner, token, since, evenIfStored ? 1 : 0)
      .changes === 1;
  }

  /** The row of a key. */
  holder(key: Key): HolderRow | undefined {
    return this.#holder.get(key) as HolderRow | undefined;
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
    const row = this.holder(key);
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
    const held = this.holder(key);
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

  /** Takes the bias if no other process has a lease; whether it has it now. */
  takeBias({ owner, token }: Bias): boolean {
    return this.database.connection.prepare(
      `INSERT INTO leases SELECT ${BIAS}, ?1, ?2, ?3, 0
      WHERE NOT EXISTS (SELECT 1 FROM leases WHERE owner <> ?1)
      ON CONFLICT (key) DO UPDATE SET token = ?2, since = ?3, wanted = 0
      WHERE owner = ?1`,
    ).run(owner, token, Date.now()).changes === 1;
  }

  /** Whether a bias is in force, and a key neither stored nor leased. */
  isFreeForBias({ owner, token }: Bias, key: Key): boolean {
    return this.database.rows(IS_FREE).get(owner, token, key) !== undefined;
  }

  /** Whether a bias is in force. */
  isBiased({ owner, token }: Bias): boolean {
    return this.database.rows(IS_BIASED).get(owner, token) !== undefined;
  }

  /** Stores the row of a record while a bias is in force; whether it was, and there was none of that key. */
  insertWithBias(
    { owner, token }: Bias,
    columns: readonly (number | Uint8Array)[],
  ): boolean {
    return this.database.statement(INSERT).run(owner, token, ...columns)
      .changes === 1;
  }

  /** The row of the bias. */
  bias(): HolderRow | undefined {
    return this.holder(new Uint8Array());
  }

  /** Gives the bias of an owner up. */
  dropBias(owner: string): void {
    this.database.statement(
      `DELETE FROM leases WHERE key = ${BIAS} AND owner = ?`,
    ).run(owner);
  }

  /** Says that a bias does not count any more. */
  revokeBias({ owner, token }: Bias): void {
    this.database.statement(
      `UPDATE leases SET wanted = 1
      WHERE key = ${BIAS} AND owner = ? AND token = ?`,
    ).run(owner, token);
  }

  /**
   * Puts a row in the place of a bias that was revoked.
   *
   * @param read What its owner computes by it, read when nobody else can write.
   */
  replaceBias(
    { owner, token }: Bias,
    read: () => Pick<Lease, "key" | "token"> | undefined,
  ): void {
    this.database.transact(() => {
      const { changes } = this.database.statement(
        `DELETE FROM leases WHERE key = ${BIAS} AND owner = ? AND token = ?`,
      ).run(owner, token);
      if (changes === 0) return;
      const lease = read();
      if (lease === undefined) return;
      this.database.statement(
        `INSERT INTO leases SELECT ?1, ?2, ?3, ?4, 1
        WHERE NOT EXISTS (SELECT 1 FROM records WHERE key = ?1)
        ON CONFLICT DO NOTHING`,
      ).run(lease.key, owner, lease.token, Date.now());
    });
  }
}
