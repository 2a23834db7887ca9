/**
 * A file that proves itself: what it is, the SHA-256 of all that follows, and
 * that. A byte flipped anywhere in it is found, wherever the file comes from.
 *
 * @module
 */

import { sha256 } from "../value/sha256.ts";

/** What a file holds, its seventh byte: a record, a snapshot, totals. */
export type SealedKind = "R" | "S" | "T";

/** The number of the format, the eighth byte; raised with every change of what is sealed. */
const FORMAT = 1;

const MAGIC_BYTES = 8;
const DIGEST_BYTES = 32;

/** Where the content of a sealed file begins. */
export const SEAL_BYTES = MAGIC_BYTES + DIGEST_BYTES;

const NAME = new TextEncoder().encode("hither");

/** Seals a file in place: its content stands from `SEAL_BYTES` on. */
export function seal(file: Uint8Array, kind: SealedKind): void {
  file.set(NAME);
  file[NAME.length] = kind.charCodeAt(0);
  file[NAME.length + 1] = FORMAT;
  file.set(sha256(file.subarray(SEAL_BYTES)), MAGIC_BYTES);
}

/** Whether a file is what was sealed, byte for byte. */
export function isWhole(file: Uint8Array, kind: SealedKind): boolean {
  if (file.length <= SEAL_BYTES || formatOf(file, kind) !== FORMAT) {
    return false;
  }
  const digest = sha256(file.subarray(SEAL_BYTES));
  for (let i = 0; i < DIGEST_BYTES; i++) {
    if (digest[i] !== file[MAGIC_BYTES + i]) return false;
  }
  return true;
}

/** The format of a file that another version of hither sealed; `undefined` for all else. */
export function otherFormat(
  file: Uint8Array,
  kind: SealedKind,
): number | undefined {
  const format = formatOf(file, kind);
  return format === FORMAT ? undefined : format;
}

/** Whether a file begins as sealed ones do, whatever became of it. */
export function isSealed(file: Uint8Array): boolean {
  return NAME.every((byte, i) => file[i] === byte);
}

function formatOf(file: Uint8Array, kind: SealedKind): number | undefined {
  if (!isSealed(file)) return undefined;
  return file[NAME.length] === kind.charCodeAt(0)
    ? file[NAME.length + 1]
    : undefined;
}
