/**
 * Claims on keys: so that of several processes with one cache one computes, and
 * the others wait.
 *
 * @module
 */

import type { LeaseWaits } from "./lease_waits.ts";

/** The right to compute and store the outcome of one key. */
export interface Lease {
  readonly key: Uint8Array<ArrayBuffer>;
  /** The process that has it: the name of its file in `owners/`. */
  readonly owner: string;
  /**
   * A fencing token: no owner has the same one twice, and a store whose owner and token
   * are not those in force is refused. Grows with each claim, unless the clock is set back.
   */
  readonly token: number;
}

/** Who computes a key that somebody else would like to have. */
export interface LeaseHolder {
  /** As in {@linkcode Lease}. */
  readonly owner: string;
  /** The machine and the process, for people: `HOST, process 123`. */
  readonly description: string;
  /** When it was claimed, in ms since the epoch. */
  readonly since: number;
}

/** What came of a claim. */
export type Claim =
  /** Compute it; then `store` it with the lease, or `release` it. */
  | { readonly kind: "granted"; readonly lease: Lease }
  /** Another process has stored it meanwhile: look it up again. */
  | { readonly kind: "stored" }
  /** Another process computes it: wait for `changed`, then look it up, or claim it again. */
  | { readonly kind: "held"; readonly by: LeaseHolder }
  /** The store is busy for the moment: `changed` tells when to try again. */
  | { readonly kind: "busy" }
  /** There are no leases here (a read-only cache, a full disk, a database that others keep locked): compute it without one. */
  | { readonly kind: "none" };

/** The leases of one cache folder. Nothing here throws. */
export interface Leases {
  /** Which of them wait for others. */
  readonly waits: LeaseWaits;
  /**
   * Claims a key, in the same turn.
   *
   * @param evenIfStored Whether the claimant has seen the record that is there and wants another.
   */
  claim(key: Uint8Array<ArrayBuffer>, evenIfStored?: boolean): Claim;
  /** Gives a lease back without an outcome. */
  release(lease: Lease): void;
  /** Whether a lease still counts: nobody took it over. */
  holds(lease: Lease): boolean;
  /**
   * Resolves when it is worth to look a key up and to claim it again: its outcome
   * was stored, its lease given back, or its owner is dead. Rejects with the reason
   * of the signal if that is aborted first.
   */
  changed(key: Uint8Array<ArrayBuffer>, signal: AbortSignal): Promise<void>;
  /** Gives everything back and ends the heartbeat. */
  close(): void;
}
