/**
 * Bytes of CBOR (RFC 8949), read from the first to the last: heads, text, byte
 * strings. Writing them is up to `output.ts`.
 *
 * @module
 */

import { DecodeError } from "../errors.ts";
import { Tag } from "./kinds.ts";
import { Major } from "./output.ts";
import { readUtf16, shortText } from "./text.ts";

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** What has been read so far is `bytes` up to `at`. */
export class Input {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** How much of the bytes is read. */
  at = 0;
  #view: DataView | undefined;

  constructor(bytes: Uint8Array<ArrayBuffer>) {
    this.bytes = bytes;
  }

  /** Made when it is needed: the buffer of a short array does not exist before that. */
  get view(): DataView {
    if (this.#view !== undefined) return this.#view;
    const { buffer, byteOffset, byteLength } = this.bytes;
    return this.#view = new DataView(buffer, byteOffset, byteLength);
  }

  /** One byte. */
  byte(): number {
    return this.bytes[this.take(1)]!;
  }

  /** Moves on by some bytes; where they begin. */
  take(length: number): number {
    const at = this.at;
    if (at + length > this.bytes.length) throw this.broken("too few bytes");
    this.at = at + length;
    return at;
  }

  /** The initial byte of an item that must have this major type. */
  head(major: number): number {
    const initial = this.byte();
    if (initial >> 5 !== major) {
      throw this.broken(`another type than ${major}`);
    }
    return initial;
  }

  /** The argument of an item that must have this major type. */
  count(major: number): number {
    return this.argument(this.head(major));
  }

  /** The argument of an item with this initial byte. */
  argument(initial: number): number {
    const info = initial & 31;
    if (info < 24) return info;
    switch (info) {
      case 24:
        return this.bytes[this.take(1)]!;
      case 25:
        return this.view.getUint16(this.take(2));
      case 26:
        return this.view.getUint32(this.take(4));
      case 27: {
        const at = this.take(8);
        const value = this.view.getUint32(at) * 2 ** 32 +
          this.view.getUint32(at + 4);
        if (!Number.isSafeInteger(value)) {
          throw this.broken("a number too large");
        }
        return value;
      }
      default:
        throw this.broken(`an initial byte of ${initial}`);
    }
  }

  /** The head of an array that must have this length. */
  tuple(length: number): void {
    if (this.count(Major.ARRAY) !== length) {
      throw this.broken("another length");
    }
  }

  /** The content of a byte string with this initial byte, as bytes of their own. */
  rawBytes(initial: number): Uint8Array<ArrayBuffer> {
    const length = this.argument(initial);
    const at = this.take(length);
    return this.bytes.slice(at, at + length);
  }

  /** A byte string that must come next, as bytes of their own. */
  byteString(): Uint8Array<ArrayBuffer> {
    return this.rawBytes(this.head(Major.BYTES));
  }

  /** Text, well-formed or not. */
  text(): string {
    const initial = this.byte();
    if (initial >> 5 === Major.TEXT) return this.textBody(initial);
    if (initial >> 5 !== Major.TAG || this.argument(initial) !== Tag.UTF16) {
      throw this.broken("no text where text must be");
    }
    return this.utf16();
  }

  /** The content of well-formed text with this initial byte. */
  textBody(initial: number): string {
    const length = this.argument(initial);
    const at = this.take(length);
    const short = shortText(this.bytes, at, length);
    if (short !== undefined) return short;
    const body = this.bytes.subarray(at, at + length);
    return this.made("text", () => utf8.decode(body));
  }

  /** The content of text that is not well-formed. */
  utf16(): string {
    const units = this.byteString();
    if (units.length % 2 !== 0) throw this.broken("half a code unit");
    return readUtf16(units);
  }

  /** What a constructor makes of what was read. */
  made<T>(what: string, make: () => T): T {
    try {
      return make();
    } catch (cause) {
      throw new DecodeError(
        `Cannot decode ${what} at byte ${this.at}: ${
          cause instanceof Error ? cause.message : String(cause)
        }`,
        { cause },
      );
    }
  }

  /** What is said of bytes that nobody wrote so. */
  broken(what: string): DecodeError {
    return new DecodeError(
      `Cannot decode a value as its bytes are not whole: there is ${what} at byte ${this.at} of ${this.bytes.length}`,
    );
  }
}
