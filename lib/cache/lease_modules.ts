/**
 * The code of leases, and of storing, which comes with the first miss: a program whose
 * jobs all hit claims nothing and stores nothing.
 *
 * @module
 */

import type { FileLeases } from "./file_leases.ts";
import type { PortableWriter } from "./portable_writer.ts";
import type { SqliteLeases } from "./sqlite_leases.ts";
import type { SqliteWriter } from "./sqlite_writer.ts";

/** The classes of leases, one for each layout, and of what stores. */
export interface LeaseModules {
  readonly FileLeases: typeof FileLeases;
  readonly PortableWriter: typeof PortableWriter;
  readonly SqliteLeases: typeof SqliteLeases;
  readonly SqliteWriter: typeof SqliteWriter;
}

let loading: Promise<void> | undefined;

/** The classes of leases, once they are loaded. */
export let leaseModules: LeaseModules | undefined;

/** Loads them; `undefined` if that is done. */
export function loadLeases(): Promise<void> | undefined {
  return leaseModules === undefined ? loading ??= load() : undefined;
}

async function load(): Promise<void> {
  const [
    { FileLeases },
    { PortableWriter },
    { SqliteLeases },
    { SqliteWriter },
  ] = await Promise.all([
    import("./file_leases.ts"),
    import("./portable_writer.ts"),
    import("./sqlite_leases.ts"),
    import("./sqlite_writer.ts"),
  ]);
  leaseModules = { FileLeases, PortableWriter, SqliteLeases, SqliteWriter };
}
