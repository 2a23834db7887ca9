/**
 * One lease in a program's file in `owners/`, behind its first line: a claim that
 * costs one small write. Only the program that has the file writes there; what it
 * says counts as long as the bias does, see `sqlite_leases.ts`.
 *
 * @module
 */

import type { Lease } from "./lease.ts";

/** Whether there is one (1 byte), the key (32), the token (8). */
const BYTES = 41;

const NEWLINE = 10;

/** The slot of this process. */
export class LeaseSlot {
  readonly #file: Deno.FsFile;
  readonly #at: number;
  readonly #bytes = new Uint8Array(BYTES);
  readonly #view = new DataView(this.#bytes.buffer);

  /** @param at Where it begins in the file. */
  constructor(file: Deno.FsFile, at: number) {
    this.#file = file;
    this.#at = at;
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
      this.#file.seekSync(this.#at, Deno.SeekMode.Start);
      return this.#file.writeSync(this.#bytes) === BYTES;
    } catch {
      return false;
    }
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
  const bytes = Deno.readFileSync(path);
  const slot = bytes.subarray(bytes.indexOf(NEWLINE) + 1);
  if (slot.length < BYTES || slot[0] !== 1) return undefined;
  const token = new DataView(slot.buffer, slot.byteOffset).getFloat64(33);
  // Damaged on disk, it names nobody's lease.
  return Number.isSafeInteger(token)
    ? { key: slot.slice(1, 33), token }
    : undefined;
}
