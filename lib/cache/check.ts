/**
 * The check of a row: 64 bits, mixed as MurmurHash3_x86_128 does (Austin Appleby,
 * 2011), over whole blocks. It guards against damage, not against intent: damage
 * goes unseen with odds of 1 to 2^64, and on a few hundred bytes it costs a
 * tenth of what SHA-256 would.
 *
 * @module
 */

const C1 = 0x239b961b;
const C2 = 0xab0e9789;
const C3 = 0x38b34ae5;
const C4 = 0xa1e38b93;

function avalanche(h: number): number {
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return h ^ (h >>> 16);
}

function rotate(x: number, by: number): number {
  return (x << by) | (x >>> (32 - by));
}

/** The two halves of a check. */
export type Check = readonly [number, number];

/**
 * Bytes to be checked, gathered from their parts in memory that is kept: a
 * hit allocates nothing for its check.
 */
export class Checker {
  #bytes = new Uint8Array(4_096);
  #words = new Uint32Array(this.#bytes.buffer);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  /** Begins anew. */
  start(): this {
    this.#length = 0;
    return this;
  }

  /** Adds bytes, with their length, so that no two lists of parts look alike. */
  bytes(part: Uint8Array): this {
    const length = part.length;
    this.#reserve(length + 8);
    this.#view.setFloat64(this.#length, length);
    this.#bytes.set(part, this.#length + 8);
    this.#length += length + 8;
    return this;
  }

  /** Adds a number. */
  number(part: number): this {
    this.#reserve(8);
    this.#view.setFloat64(this.#length, part);
    this.#length += 8;
    return this;
  }

  /** The check of all that was added. */
  finish(): Check {
    const length = this.#length;
    const blocks = (length + 15) >>> 4;
    this.#reserve(16);
    // The tail is padded with zeros to a whole block; the length tells it from real zeros.
    this.#bytes.fill(0, length, blocks << 4);
    const words = this.#words;
    let h1 = 0, h2 = 0, h3 = 0, h4 = 0;
    for (let i = 0, end = blocks << 2; i < end; i += 4) {
      h1 ^= Math.imul(rotate(Math.imul(words[i]!, C1), 15), C2);
      h1 = Math.imul(rotate(h1, 19) + h2, 5) + 0x561ccd1b | 0;
      h2 ^= Math.imul(rotate(Math.imul(words[i + 1]!, C2), 16), C3);
      h2 = Math.imul(rotate(h2, 17) + h3, 5) + 0x0bcaa747 | 0;
      h3 ^= Math.imul(rotate(Math.imul(words[i + 2]!, C3), 17), C4);
      h3 = Math.imul(rotate(h3, 15) + h4, 5) + 0x96cd1c35 | 0;
      h4 ^= Math.imul(rotate(Math.imul(words[i + 3]!, C4), 18), C1);
      h4 = Math.imul(rotate(h4, 13) + h1, 5) + 0x32ac3b17 | 0;
    }
    h1 ^= length;
    h2 ^= length;
    h3 ^= length;
    h4 ^= length;
    h1 = h1 + h2 + h3 + h4 | 0;
    h2 = avalanche(h2 + h1 | 0);
    h3 = avalanche(h3 + h1 | 0);
    h4 = avalanche(h4 + h1 | 0);
    h1 = avalanche(h1) + h2 + h3 + h4 | 0;
    return [h1 >>> 0, h2 + h1 >>> 0];
  }

  #reserve(more: number): void {
    const needed = this.#length + more;
    if (needed <= this.#bytes.length) return;
    const bytes = new Uint8Array(needed * 2 + 15 & ~15);
    bytes.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = bytes;
    this.#words = new Uint32Array(bytes.buffer);
    this.#view = new DataView(bytes.buffer);
  }
}
