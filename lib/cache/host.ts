/**
 * Where and with what a record is made.
 *
 * @module
 */

/** The version of hither, as in `deno.json`. */
export const HITHER_VERSION = "0.1.0";

/** The machine's name; empty where Deno may not tell (`--allow-sys=hostname`). */
export function hostName(): string {
  const { state } = Deno.permissions.querySync({
    name: "sys",
    kind: "hostname",
  });
  return state === "granted" ? Deno.hostname() : "";
}

/** What runs here, as `deno 2.9.6, hither 0.1.0`. */
export function versionsHere(): string {
  return `deno ${Deno.version.deno}, hither ${HITHER_VERSION}`;
}
