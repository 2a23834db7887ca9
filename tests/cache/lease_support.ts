/** Both kinds of leases behind one face, for the tests and their child. */

import { CacheFolder } from "../../lib/cache/folder.ts";
import { FileLeases } from "../../lib/cache/file_leases.ts";
import type { Lease, Leases } from "../../lib/cache/lease.ts";
import { SqliteStore } from "../../lib/cache/sqlite_store.ts";
import { keyOf, recordOf } from "./support.ts";

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
  return layout === "sqlite" ? openSqlite(path) : openFiles(path);
}

function openSqlite(path: string): LeasedCache {
  const store = new SqliteStore(path, false);
  return {
    leases: store.leases!,
    store: async (n, lease) =>
      void await store.store({ ...recordOf(n), lease }),
    isStored: (n) => store.lookup(keyOf(n)) !== undefined,
    [Symbol.dispose]: () => store.close(),
  };
}

/** Records are files that are there or not. */
function openFiles(path: string): LeasedCache {
  const recordOfKey = (key: Uint8Array) => `${path}/record_${key.toHex()}`;
  const isThere = (key: Uint8Array): boolean => {
    try {
      return Deno.statSync(recordOfKey(key)).isFile;
    } catch {
      return false;
    }
  };
  const leases = new FileLeases(new CacheFolder(path), isThere);
  return {
    leases,
    store: async (n, lease) => {
      await Promise.resolve();
      if (leases.holds(lease)) {
        Deno.writeTextFileSync(recordOfKey(keyOf(n)), "");
      }
      leases.release(lease);
    },
    isStored: (n) => isThere(keyOf(n)),
    [Symbol.dispose]: () => leases.close(),
  };
}
