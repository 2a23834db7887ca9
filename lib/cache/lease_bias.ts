/**
 * The bias of this process in one cache: while it is alone there, a lease is written to
 * its own file and not to the database. What makes that safe is told in
 * `sqlite_leases.ts`.
 *
 * @module
 */

import type { Lease } from "./lease.ts";
import type { Owners } from "./owner.ts";
import type { HolderRow, LeaseRows } from "./sqlite_lease_rows.ts";
import type { Tokens } from "./tokens.ts";

/** Leases granted by rows before the bias is taken: it is not worth it for a few. */
const ROWS_BEFORE = 8;

/** The same where there were others, or it was revoked. */
const ROWS_AGAIN = 256;

/** The bias of one process. */
export class LeaseBias {
  readonly #owners: Owners;
  readonly #tokens: Tokens;
  /** Its row, as long as it is believed to be in force. */
  #row: Pick<Lease, "owner" | "token"> | undefined;
  /** The lease in the slot. */
  #lease: Lease | undefined;
  /** One that has ended, its record stored, and stands in the slot still. */
  #ended: Lease | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #giveBack: (lease: Lease) => void;
  /** Rows until it is tried to take it. */
  #rowsLeft: number = ROWS_BEFORE;

  /** @param giveBack Ends the row that others may have made for a lease. */
  constructor(
    owners: Owners,
    tokens: Tokens,
    giveBack: (lease: Lease) => void,
  ) {
    this.#owners = owners;
    this.#tokens = tokens;
    this.#giveBack = giveBack;
  }

  /** Whether a lease is the one in the slot. */
  has(lease: Lease): boolean {
    return this.#lease === lease;
  }

  /** Takes a key that is free; whether that could be done by the bias. */
  claim(rows: LeaseRows, lease: Lease): boolean {
    const { slot } = this.#owners;
    if (
      this.#row === undefined || this.#lease !== undefined ||
      slot === undefined
    ) return false;
    const before = this.#ended;
    this.#ended = undefined;
    let isGranted = false;
    try {
      isGranted = slot.put(lease) &&
        rows.isFreeForBias(this.#row, lease.key);
      if (isGranted) this.#lease = lease;
    } finally {
      if (!isGranted) slot.clear();
    }
    if (isGranted || rows.isBiased(this.#row)) return isGranted;
    this.giveUp(rows);
    if (before !== undefined) this.#giveBack(before);
    return false;
  }

  /** Counts a lease that was granted by a row, and takes the bias if nobody else is there. */
  noteRow(rows: LeaseRows, owner: string): void {
    if (
      this.#row !== undefined || this.#lease !== undefined ||
      this.#ended !== undefined
    ) return;
    if (--this.#rowsLeft > 0) return;
    this.#rowsLeft = ROWS_AGAIN;
    if (this.#owners.slot?.clear() !== true || this.#owners.hasCompany()) {
      return;
    }
    const row = { owner, token: this.#tokens.next() };
    try {
      if (rows.takeBias(row)) this.#row = row;
    } catch {
      // Others are at the database: rows will do.
    }
  }

  /** Whether a lease is in the slot and counts. */
  holds(rows: LeaseRows, lease: Lease): boolean {
    return this.#lease === lease && this.#row !== undefined &&
      rows.isBiased(this.#row);
  }

  /** Stores the row of the record of a lease in the slot; whether it counted, and there was none of its key. */
  insert(
    rows: LeaseRows,
    lease: Lease,
    columns: readonly (number | Uint8Array)[],
  ): boolean {
    if (
      this.#lease !== lease || this.#row === undefined ||
      !rows.insertWithBias(this.#row, columns)
    ) return false;
    this.#lease = undefined;
    // The next claim writes over it, in this turn as a rule.
    this.#ended = lease;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#clearEnded(rows);
    });
    return true;
  }

  /** Takes the lease that has ended out of the slot, and ends the row that others have made of it, if they have read it after its record was deleted. */
  #clearEnded(rows: LeaseRows): void {
    const lease = this.#ended;
    if (lease === undefined) return;
    this.#ended = undefined;
    this.#owners.slot?.clear();
    if (!this.#isInForce(rows)) this.#giveBack(lease);
  }

  #isInForce(rows: LeaseRows): boolean {
    try {
      return this.#row !== undefined && rows.isBiased(this.#row);
    } catch {
      // The database was closed, or is damaged.
      return false;
    }
  }

  /** Leaves nothing in the slot, and the bias to others. */
  close(rows: LeaseRows): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#clearEnded(rows);
    this.giveUp(rows);
  }

  /** Takes a lease out of the slot; whether it was there, and nobody else can have read it. */
  release(rows: LeaseRows, lease: Lease): boolean {
    if (this.#lease !== lease) return false;
    this.clear(lease);
    return this.#row !== undefined && rows.isBiased(this.#row);
  }

  /** Takes a lease out of the slot if it is there. */
  clear(lease: Lease): void {
    if (this.#lease !== lease) return;
    this.#lease = undefined;
    this.#owners.slot?.clear();
  }

  /** Goes on with rows. A lease in the slot counts until others have taken it over. */
  forget(): void {
    this.#row = undefined;
    this.#rowsLeft = ROWS_AGAIN;
  }

  /** Goes on with rows, and tells the others. */
  giveUp(rows: LeaseRows): void {
    if (this.#row === undefined) return;
    const { owner } = this.#row;
    this.forget();
    try {
      rows.dropBias(owner);
    } catch {
      // Then they find an empty slot.
    }
  }
}

/** Takes the bias of another process away; `false` if that must be tried again. */
export function revokeBias(
  rows: LeaseRows,
  owners: Owners,
  bias: HolderRow,
): boolean {
  if (owners.isDead(bias.owner)) {
    rows.dropBias(bias.owner);
    return true;
  }
  if (bias.wanted === 0) rows.revokeBias(bias);
  let isReadable = true;
  try {
    rows.replaceBias(bias, () => {
      isReadable = false;
      const lease = owners.readSlot(bias.owner);
      isReadable = true;
      return lease;
    });
    return true;
  } catch (error) {
    if (isReadable) throw error;
    return false;
  }
}
