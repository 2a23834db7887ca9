/**
 * One lease in a program's file in `owners/`, behind its first line: a claim that
 * costs one small write. Only the program that has the file writes there; what it
 * says counts as long as the bias does, see `sqlite_leases.ts`.
 *
 * @module
 */

import { requireFile } from "../value/file_digest.ts";
import type { Lease } from "./lease.ts";

/**
 * A lease in the file: whether there is one (1 byte), the key (32), the token (8), and
 * last how many were written before it (8), so that one that is half written is not
 * read. There is room for several, as to write on costs half of what it costs to go
 * back first.
 */
const BYTES = 49, ROOM = 64;

const NEWLINE = 10;

/** The slot of this process. */
export class LeaseSlot {
  readonly #file: Deno.FsFile;
  readonly #start: number;
  readonly #bytes = new Uint8Array(BYTES);
  readonly #view = new DataView(this.#bytes.buffer);
  #count = 0;

  /** @param start Where it begins in the file. */
  constructor(file: Deno.FsFile, start: number) {
    this.#file = file;
    this.#start = start;
  }

  /** Writes a lease there; whether that was possible. */
  put({ key, token }: Pick<Lease, "key" | "token">): boolean {
    this.#bytes[0] = 1;
    this.#bytes.set(key, 1);
    this.#view.setFloat64(33, token);
    return this.#write();
  }

  /** Says that there is none; whether that was possible. */
  clear(): boolean {
    this.#bytes[0] = 0;
    return this.#write();
  }

  #write(): boolean {
    try {
      if (this.#count % ROOM === 0) {
        this.#file.seekSync(this.#start, Deno.SeekMode.Start);
      }
      this.#view.setFloat64(41, ++this.#count);
      if (this.#file.writeSync(this.#bytes) === BYTES) return true;
    } catch {
      // Perhaps the disk is full.
    }
    this.#count += ROOM - this.#count % ROOM;
    return false;
  }
}

/**
 * The lease in the slot of a process; `undefined` if there is none.
 *
 * @throws if its file cannot be read.
 */
export function readSlot(
  path: string,
): Pick<Lease, "key" | "token"> | undefined {
  requireFile(path);
  const bytes = Deno.readFileSync(path);
  const view = new DataView(bytes.buffer);
  let last: number | undefined;
  for (
    let at = bytes.indexOf(NEWLINE) + 1;
    at + BYTES <= bytes.length;
    at += BYTES
  ) {
    if (
      last === undefined ||
      view.getFloat64(at + 41) > view.getFloat64(last + 41)
    ) last = at;
  }
  if (last === undefined || bytes[last] !== 1) return undefined;
  const token = view.getFloat64(last + 33);
  // Damaged on disk, it names nobody's lease.
  return Number.isSafeInteger(token)
    ? { key: bytes.slice(last + 1, last + 33), token }
    : undefined;
}
