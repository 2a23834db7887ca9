/** What the tests of leases and their child share. */

import type { Lease, Leases } from "../../lib/cache/lease.ts";
import { keyOf, openStore, recordOf } from "./support.ts";

/** How a cache is kept; `alone`: in SQLite, by programs that think that they are alone when they claim their first key. */
export type Layout = "sqlite" | "alone" | "files";

/** A cache with leases. */
export interface LeasedCache extends Disposable {
  readonly leases: Leases;
  /** Stores the nth record under a lease, unless that was taken over; without one in any case. */
  store(n: number, lease?: Lease): Promise<void>;
  isStored(n: number): boolean;
}

/** Opens a cache. */
export function openLeased(layout: Layout, path: string): LeasedCache {
  const store = openStore(path, {
    layout: layout === "alone" ? "sqlite" : layout,
  });
  const leases = store.leases!;
  if (layout === "alone") claimManyFirst(leases);
  return {
    leases,
    store: async (n, lease) =>
      void await store.store({ ...recordOf(n), ...(lease && { lease }) }),
    isStored: (n) => store.lookup(keyOf(n)) !== undefined,
    [Symbol.dispose]: () => store.close(),
  };
}

/** As many claims as it takes until leases are written to the program's own file, just before its first one. */
function claimManyFirst(leases: Leases): void {
  const { claim } = leases;
  leases.claim = (...args) => {
    leases.claim = claim;
    for (let i = 0; i < 8; i++) {
      const key = crypto.getRandomValues(new Uint8Array(32));
      const first = leases.claim(key);
      if (first.kind === "granted") leases.release(first.lease);
    }
    return leases.claim(...args);
  };
}
