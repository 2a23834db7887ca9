/**
 * Messages as bytes, for workers that are reached through a pipe.
 *
 * A frame is a head of {@linkcode HEAD} bytes and a body. The body of most is as
 * `short_messages.ts` says. That of others is the message as JSON, in which each
 * byte array is a reference by number; the lengths of these arrays, 64 bits wide,
 * and the arrays themselves follow, written and read as they are, each into memory
 * of its own. All numbers are little-endian.
 *
 * Memory that is shared between threads goes through a pipe once: the reader keeps
 * its bytes (see `kept.ts`), and from then on is sent their number, until it is
 * told to forget. So do views of memory that nobody writes to, which the reader puts
 * into shared memory, where jobs look at it.
 *
 * @module
 */

/** What a frame begins with: the mark, the number of arrays, the length of the body, its kind. */
export const HEAD = 16;

/** What the body of a frame is. */
export const Kind = {
  /** Any message, as JSON. */
  ANY: 0,
  /** A short Task, or a chunk. */
  TASK: 1,
  /** A short result, or how far a chunk is. */
  RESULT: 2,
} as const;

/** Bytes of the length of an array. */
export const LENGTH = 8;

/** Is added to the upper half of the length of an array that is to be in shared memory. */
export const IN_PLACE = 2 ** 31;

/** Where nothing but frames is written, whatever does not begin with this is not one. */
export const MARK = 0x52544948;

/** How much is put together, or read ahead: as much as a pipe holds on Linux. */
export const AHEAD = 65_536;

/** Smaller arrays are copied into the first piece of a frame, and need not move between threads. */
export const SMALL = 16_384;

/** Stands for a byte array; no message has a property of this name. */
export const REFERENCE = "\0bytes";

/** A number of four bytes. */
export function readNumber(bytes: Uint8Array, at: number): number {
  // A DataView would be another object for each message.
  return (bytes[at]! | bytes[at + 1]! << 8 | bytes[at + 2]! << 16 |
    bytes[at + 3]! << 24) >>> 0;
}

/** The buffers of the large byte arrays in a message: each holds nothing else. */
export function largeBuffersOf(
  value: unknown,
  found: ArrayBuffer[] = [],
): ArrayBuffer[] {
  if (typeof value !== "object" || value === null) return found;
  if (value instanceof Uint8Array) {
    const { buffer } = value;
    const moves = value.byteLength >= SMALL && buffer instanceof ArrayBuffer;
    if (moves) found.push(buffer);
    return found;
  }
  const parts = value as Record<string, unknown>;
  for (const name in parts) largeBuffersOf(parts[name], found);
  return found;
}
