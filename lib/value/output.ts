/**
 * A growing buffer of CBOR (RFC 8949): each number, length and float in its
 * shortest form (section 4.2).
 *
 * @module
 */

const INITIAL_BYTES = 4_096;

/** A buffer that has grown beyond this is not kept for the next value. */
const KEPT_BYTES = 1_048_576;

/** Text up to this length is tried as ASCII first. */
const SHORT_TEXT = 96;

const textEncoder = new TextEncoder();

/** The major types of CBOR. */
export const Major = {
  UINT: 0,
  NEGATIVE: 1,
  BYTES: 2,
  TEXT: 3,
  ARRAY: 4,
  MAP: 5,
  TAG: 6,
  SIMPLE: 7,
} as const;

/** The initial bytes of simple values and floats. */
export const Initial = {
  FALSE: 0xf4,
  TRUE: 0xf5,
  NULL: 0xf6,
  UNDEFINED: 0xf7,
  FLOAT16: 0xf9,
  FLOAT32: 0xfa,
  FLOAT64: 0xfb,
} as const;

/** How many bytes the head of so many bytes has. */
function headLength(count: number): number {
  if (count < 24) return 1;
  if (count <= 0xff) return 2;
  if (count <= 0xffff) return 3;
  return count <= 0xffff_ffff ? 5 : 9;
}

/** What has been written so far is `bytes` up to `length`. */
export class Output {
  /** The buffer; another one after it has grown. */
  bytes: Uint8Array<ArrayBuffer> = new Uint8Array(INITIAL_BYTES);
  /** How much of the buffer is written. */
  length = 0;
  #view = new DataView(this.bytes.buffer);

  /** Makes it empty. */
  clear(): void {
    this.length = 0;
    if (this.bytes.length > KEPT_BYTES) this.#replace(INITIAL_BYTES);
  }

  /** What was written from `start` on, as bytes of their own. */
  copy(start = 0): Uint8Array<ArrayBuffer> {
    const length = this.length - start;
    if (length > 64) return this.bytes.slice(start, this.length);
    // A loop of our own is faster than a call for so few.
    const { bytes } = this;
    const copy = new Uint8Array(length);
    for (let i = 0; i < length; i++) copy[i] = bytes[start + i]!;
    return copy;
  }

  /** One byte. */
  byte(value: number): void {
    if (this.length === this.bytes.length) this.#grow(1);
    this.bytes[this.length++] = value;
  }

  /** The head of an item: its major type and its argument, a safe integer. */
  head(major: number, argument: number): void {
    if (this.length + 9 > this.bytes.length) this.#grow(9);
    const { bytes } = this;
    const type = major << 5;
    if (argument < 24) {
      bytes[this.length++] = type | argument;
    } else if (argument <= 0xff) {
      bytes[this.length++] = type | 24;
      bytes[this.length++] = argument;
    } else if (argument <= 0xffff) {
      bytes[this.length++] = type | 25;
      bytes[this.length++] = argument >>> 8;
      bytes[this.length++] = argument;
    } else if (argument <= 0xffff_ffff) {
      bytes[this.length++] = type | 26;
      this.#view.setUint32(this.length, argument);
      this.length += 4;
    } else {
      bytes[this.length++] = type | 27;
      this.#view.setUint32(this.length, argument / 2 ** 32);
      this.#view.setUint32(this.length + 4, argument % 2 ** 32);
      this.length += 8;
    }
  }

  /** A tag; its content must follow. */
  tag(tag: number): void {
    this.head(Major.TAG, tag);
  }

  /** A number: safe integers as such, everything else as the shortest float that holds it. */
  number(value: number): void {
    if (Number.isSafeInteger(value) && !Object.is(value, -0)) {
      if (value >= 0) this.head(Major.UINT, value);
      else this.head(Major.NEGATIVE, -1 - value);
      return;
    }
    if (this.length + 9 > this.bytes.length) this.#grow(9);
    const view = this.#view;
    const at = this.length;
    if (value !== value) {
      view.setUint8(at, Initial.FLOAT16);
      view.setUint16(at + 1, 0x7e00); // the one NaN
      this.length = at + 3;
    } else if (Math.fround(value) !== value) {
      view.setUint8(at, Initial.FLOAT64);
      view.setFloat64(at + 1, value);
      this.length = at + 9;
    } else if (Math.f16round(value) !== value) {
      view.setUint8(at, Initial.FLOAT32);
      view.setFloat32(at + 1, value);
      this.length = at + 5;
    } else {
      view.setUint8(at, Initial.FLOAT16);
      view.setFloat16(at + 1, value);
      this.length = at + 3;
    }
  }

  /** Well-formed text. */
  text(value: string): void {
    const { length } = value;
    if (length <= SHORT_TEXT && this.#ascii(value)) return;
    // The head is as long as the one for `length` bytes, unless many are not ASCII. Long text
    // is first given as much room as ASCII needs, as the worst case needs three times as much.
    const start = this.length;
    let room = length > KEPT_BYTES ? length : length * 3;
    let guess: number;
    let written: number;
    while (true) {
      if (start + room + 9 > this.bytes.length) this.#grow(room + 9);
      this.length = start;
      this.head(Major.TEXT, length);
      guess = this.length;
      const result = textEncoder.encodeInto(
        value,
        this.bytes.subarray(guess, guess + room),
      );
      written = result.written;
      if (result.read === length) break;
      room = length * 3;
    }
    if (written !== length) {
      // The longer head would stand where the text begins.
      this.bytes.copyWithin(
        start + headLength(written),
        guess,
        guess + written,
      );
      this.length = start;
      this.head(Major.TEXT, written);
    }
    this.length += written;
  }

  /** A byte string. */
  byteString(value: Uint8Array): void {
    this.head(Major.BYTES, value.length);
    this.raw(value);
  }

  /** Bytes that are CBOR already. */
  raw(value: Uint8Array): void {
    const { length } = value;
    if (this.length + length > this.bytes.length) this.#grow(length);
    if (length <= 32) {
      // A loop of our own is faster than a call for so few.
      const { bytes } = this;
      for (let i = 0, at = this.length; i < length; i++, at++) {
        bytes[at] = value[i]!;
      }
    } else {
      this.bytes.set(value, this.length);
    }
    this.length += length;
  }

  /** Short text, if all of it is ASCII. */
  #ascii(value: string): boolean {
    const { length } = value;
    if (this.length + length + 2 > this.bytes.length) this.#grow(length + 2);
    const { bytes } = this;
    let at = this.length + (length < 24 ? 1 : 2);
    for (let i = 0; i < length; i++) {
      const code = value.charCodeAt(i);
      if (code > 0x7f) return false;
      bytes[at++] = code;
    }
    if (length < 24) {
      bytes[this.length] = Major.TEXT << 5 | length;
    } else {
      bytes[this.length] = Major.TEXT << 5 | 24;
      bytes[this.length + 1] = length;
    }
    this.length = at;
    return true;
  }

  #grow(more: number): void {
    this.#replace(Math.max(this.length + more, this.bytes.length * 2));
  }

  #replace(size: number): void {
    const bytes = new Uint8Array(size);
    if (this.length > 0) bytes.set(this.bytes.subarray(0, this.length));
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer);
  }
}
