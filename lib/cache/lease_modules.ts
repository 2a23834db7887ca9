/**
 * The code of leases, which comes with the first miss: a program whose jobs all hit
 * claims nothing.
 *
 * @module
 */

import type { FileLeases } from "./file_leases.ts";
import type { SqliteLeases } from "./sqlite_leases.ts";

/** The classes of leases, one for each layout. */
export interface LeaseModules {
  readonly FileLeases: typeof FileLeases;
  readonly SqliteLeases: typeof SqliteLeases;
}

let loading: Promise<void> | undefined;

/** The classes of leases, once they are loaded. */
export let leaseModules: LeaseModules | undefined;

/** Loads them; `undefined` if that is done. */
export function loadLeases(): Promise<void> | undefined {
  return leaseModules === undefined ? loading ??= load() : undefined;
}

async function load(): Promise<void> {
  const [{ FileLeases }, { SqliteLeases }] = await Promise.all([
    import("./file_leases.ts"),
    import("./sqlite_leases.ts"),
  ]);
  leaseModules = { FileLeases, SqliteLeases };
}
