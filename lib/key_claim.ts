/**
 * The claim of an execution on its key: no other process with the same cache
 * computes what this one does.
 *
 * A key is claimed when its Task has a slot, not when it is submitted: so
 * several programs with the same jobs share the work. A handler knows nothing of
 * it. Where another process was faster, `Task.arguments()` throws, which gives the
 * slot back; the scheduler sees that the claim is blocked, waits until the other
 * has finished, and looks again.
 *
 * @module
 */

import type { Lease, LeaseHolder } from "./cache/lease.ts";
import { loadLeases } from "./cache/lease_modules.ts";
import type { RecordStore } from "./cache/record.ts";
import { warnOnce } from "./warn.ts";

/** After how long a person is told whom a job waits for, in ms. */
const SILENCE_MS = 30_000;

/** Is called when a running job begins to wait for an execution that is under way, or does not wait any more, while one waits for another process. */
export let joined: (() => void) | undefined;

/** Sets what is called then. */
export function whenJoined(hook: typeof joined): void {
  joined = hook;
}

/** Somebody else computes the key, or has just stored it. For handlers it is an error like others. */
export class KeyTakenError extends Error {
  /** The name of the class. */
  override name = "KeyTakenError";
}

/** Why a Task did not start: its outcome is stored already, or another process has the key. */
export type Blocked = "stored" | "elsewhere";

/** The claim of one execution. */
export class KeyClaim {
  /** Whether the record that is there is not what the jobs want. */
  evenIfStored = false;
  readonly #store: RecordStore;
  readonly #key: Uint8Array<ArrayBuffer>;
  #lease: Lease | undefined;
  #blocked: Blocked | undefined;
  #holder: LeaseHolder | undefined;

  constructor(store: RecordStore, key: Uint8Array<ArrayBuffer>) {
    this.#store = store;
    this.#key = key;
  }

  /** Loads what it takes to make it; `undefined` if that is done. */
  load(): Promise<void> | undefined {
    return this.#store.isReadonly ? undefined : loadLeases();
  }

  /**
   * Claims the key unless that is done.
   *
   * @throws {KeyTakenError} if somebody else has it.
   */
  make(): void {
    const { leases } = this.#store;
    if (leases === undefined || this.#lease !== undefined) return;
    const claim = leases.claim(this.#key, this.evenIfStored);
    if (claim.kind === "none") return;
    if (claim.kind === "granted") {
      this.#lease = claim.lease;
      return;
    }
    this.#blocked = claim.kind === "stored" ? "stored" : "elsewhere";
    this.#holder = claim.kind === "held" ? claim.by : undefined;
    throw new KeyTakenError("Another process computes this job, or just has");
  }

  /** Why the Task did not start, once; `undefined` if it was not for the claim. */
  takeBlocked(): Blocked | undefined {
    const blocked = this.#blocked;
    this.#blocked = undefined;
    return blocked;
  }

  /**
   * Resolves when the key may be free; rejects when the signal is aborted.
   *
   * @param what The job, for people.
   * @param look Is called when it takes long: somebody may have seen late that it would take for ever.
   */
  async freed(
    what: string,
    signal: AbortSignal,
    look: () => void,
  ): Promise<void> {
    const holder = this.#holder;
    const timer = holder && setTimeout(() => {
      look();
      if (signal.aborted) return;
      const since = new Date(holder.since).toLocaleTimeString();
      warnOnce(
        `waits ${holder.owner}`,
        `${what} waits for ${holder.description}, which computes it since ${since}`,
      );
    }, SILENCE_MS);
    try {
      await this.#store.leases?.changed(this.#key, signal);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Whether whoever has the key waits, through others, for a key of these executions, which wait for this one. */
  isInCircle(
    executions: Iterable<{ readonly claim: KeyClaim | undefined }>,
  ): boolean {
    const leases: Lease[] = [];
    for (const { claim } of executions) {
      if (claim === undefined || claim.#store !== this.#store) continue;
      if (claim.#lease !== undefined) leases.push(claim.#lease);
    }
    const { waits } = this.#store.leases ?? {};
    return waits?.begin(this, this.#key, leases) ?? false;
  }

  /** It does not wait any more. */
  endWait(): void {
    this.#store.leases?.waits.end(this);
  }

  /** Hands the lease over to whoever stores the outcome there. */
  takeLease(store: RecordStore): Lease | undefined {
    if (store !== this.#store) return undefined;
    const lease = this.#lease;
    this.#lease = undefined;
    return lease;
  }

  /** Gives the lease back where nothing was stored. */
  release(): void {
    if (this.#lease === undefined) return;
    this.#store.leases?.release(this.#lease);
    this.#lease = undefined;
  }
}
