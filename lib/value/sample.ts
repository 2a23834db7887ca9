/**
 * A look at a few places of memory, by which most changes to it are seen in
 * microseconds, however large it is.
 *
 * @module
 */

/** In how many places it is looked at, each of 8 bytes: all of what has no more than that. */
const PLACES = 512;
const BYTES = 8;

/** The part of the golden ratio behind the point: its multiples are spread most evenly. */
const GOLDEN = 0.6180339887498949;

// A job must not change what it is known by.
const { floor, imul } = Math;

/**
 * A number of 52 bits, another one for most other bytes. In each of as many equal pieces as there are
 * places, 8 bytes are looked at which stand at a multiple of 8, so that they are whole elements; where in
 * the piece is another place each time, so that they are not all in one column of a table.
 */
export function sampleOf(
  memory: ArrayBufferLike,
  byteOffset: number,
  byteLength: number,
): number {
  const whole = byteLength - byteLength % BYTES;
  const isAll = whole <= PLACES * BYTES;
  const places = isAll ? whole / BYTES : PLACES;
  const step = (whole - BYTES) / PLACES;
  const words = byteOffset % 4 === 0
    ? new Int32Array(memory, byteOffset, whole / 4)
    : undefined;
  const view = new DataView(memory, byteOffset, byteLength);
  let one = 0x9e37_79b1 ^ byteLength;
  let two = 0x85eb_ca77;
  for (let i = 0; i < places; i++) {
    const turn = i * GOLDEN;
    const at = isAll
      ? i * BYTES
      : floor((i + turn - floor(turn)) * step / BYTES) * BYTES;
    let low: number, high: number;
    if (words === undefined) {
      low = view.getInt32(at, true);
      high = view.getInt32(at + 4, true);
    } else {
      low = words[at / 4]!;
      high = words[at / 4 + 1]!;
    }
    one = imul(one ^ low, 0x9e37_79b1);
    one = imul(one ^ one >>> 15 ^ high, 0x85eb_ca77);
    two = imul(two ^ high, 0xc2b2_ae3d);
    two = imul(two ^ two >>> 13 ^ low, 0x27d4_eb2f);
  }
  for (let at = whole; at < byteLength; at++) {
    one = imul(one ^ view.getUint8(at), 0x9e37_79b1);
    two = imul(two ^ one, 0xc2b2_ae3d);
  }
  one ^= one >>> 16;
  return (one >>> 0) * 2 ** 20 + (two >>> 12);
}
