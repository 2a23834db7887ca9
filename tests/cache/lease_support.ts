/** What the tests of leases and their child share. */

import type { Lease, Leases } from "../../lib/cache/lease.ts";
import { keyOf, openStore, recordOf } from "./support.ts";

/** How a cache is kept. */
export type Layout = "sqlite" | "files";

/** A cache with leases. */
export interface LeasedCache extends Disposable {
  readonly leases: Leases;
  /** Stores the nth record under a lease, unless that was taken over. */
  store(n: number, lease: Lease): Promise<void>;
  isStored(n: number): boolean;
}

/** Opens a cache. */
export function openLeased(layout: Layout, path: string): LeasedCache {
  const store = openStore(path, { layout });
  return {
    leases: store.leases!,
    store: async (n, lease) =>
      void await store.store({ ...recordOf(n), lease }),
    isStored: (n) => store.lookup(keyOf(n)) !== undefined,
    [Symbol.dispose]: () => store.close(),
  };
}
