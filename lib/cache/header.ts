/**
 * The first 100 bytes of an SQLite file, whose damage SQLite itself would not
 * always notice (https://www.sqlite.org/fileformat2.html#the_database_header).
 *
 * @module
 */

import { PAGE_BYTES } from "./schema.ts";

const MAGIC = new TextEncoder().encode("SQLite format 3\0");

/** What stands at the beginning of the database file. */
export type Header = "absent" | "whole" | "damaged";

/** Reads the header and compares each byte that has only one right value. */
export function readHeader(path: string): Header {
  let file: Deno.FsFile;
  try {
    file = Deno.openSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "absent";
    throw error;
  }
  using _ = file;
  const bytes = new Uint8Array(100);
  const length = file.readSync(bytes);
  if (length === null) return "absent";
  return length === 100 && isWhole(bytes) ? "whole" : "damaged";
}

function isWhole(bytes: Uint8Array<ArrayBuffer>): boolean {
  const view = new DataView(bytes.buffer);
  const zeros = (from: number, to: number): boolean =>
    bytes.subarray(from, to).every((byte) => byte === 0);
  return MAGIC.every((byte, i) => bytes[i] === byte) &&
    view.getUint16(16) === PAGE_BYTES &&
    // Written and read through a write-ahead log; while a new file is made, not yet.
    bytes[18] === bytes[19] && (bytes[18] === 2 || bytes[18] === 1) &&
    // No reserved space; the payload fractions, which are fixed.
    bytes[20] === 0 && bytes[21] === 64 && bytes[22] === 32 &&
    bytes[23] === 32 &&
    // Schema format and text encoding, which a file without tables does not have yet.
    (view.getUint32(44) === 4 || view.getUint32(44) === 0) &&
    (view.getUint32(56) === 1 || view.getUint32(56) === 0) &&
    // No default cache size, no auto-vacuum, nothing in the reserved space.
    zeros(48, 56) && zeros(64, 68) && zeros(72, 92);
}
