/**
 * The part of `@std/crypto` that this project uses, for a network where JSR does
 * not answer.
 *
 * @module
 */

import defer * as crypto from "node:crypto";

/** Whether two byte strings are the same, in a time that does not tell where they differ. */
export function timingSafeEqual(
  a: ArrayBufferView | ArrayBufferLike,
  b: ArrayBufferView | ArrayBufferLike,
): boolean {
  return crypto.timingSafeEqual(bytesOf(a), bytesOf(b));
}

function bytesOf(data: ArrayBufferView | ArrayBufferLike): Uint8Array {
  return ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data);
}
