/**
 * Strings: all of them, also those with lone surrogates, which UTF-8 does not have.
 *
 * @module
 */

import { Tag } from "./kinds.ts";
import type { Output } from "./output.ts";

/** Writes any string. */
export function writeText(out: Output, text: string): void {
  if (text.isWellFormed()) {
    out.text(text);
    return;
  }
  const units = new Uint16Array(text.length);
  for (let i = 0; i < text.length; i++) units[i] = text.charCodeAt(i);
  out.tag(Tag.UTF16);
  out.byteString(new Uint8Array(units.buffer));
}

/** Code units that are turned into a string in one call. */
const PIECE = 8_192;

/** The string of these UTF-16 code units; a TextDecoder would replace lone surrogates. */
export function readUtf16(bytes: Uint8Array<ArrayBuffer>): string {
  const units = new Uint16Array(
    bytes.buffer,
    bytes.byteOffset,
    bytes.length / 2,
  );
  let text = "";
  for (let at = 0; at < units.length; at += PIECE) {
    text += String.fromCharCode(...units.subarray(at, at + PIECE));
  }
  return text;
}

/** Text of more bytes than this is left to a TextDecoder. */
const SHORT_BYTES = 24;

// Keys and labels come again and again: what was read last, by a hash of its bytes. Bounded.
const RECENT = 512;
const recent = new Array<string>(RECENT).fill("");

/** The text of a few ASCII bytes; `undefined` if they are many, or not ASCII. */
export function shortText(
  bytes: Uint8Array,
  at: number,
  length: number,
): string | undefined {
  if (length > SHORT_BYTES) return undefined;
  let hash = length;
  for (let i = 0; i < length; i++) {
    const code = bytes[at + i]!;
    if (code > 0x7f) return undefined;
    hash = hash * 31 + code & 0xffff;
  }
  const slot = hash & RECENT - 1;
  const known = recent[slot]!;
  if (isText(known, bytes, at, length)) return known;
  let text = "";
  for (let i = 0; i < length; i++) text += String.fromCharCode(bytes[at + i]!);
  recent[slot] = text;
  return text;
}

function isText(
  text: string,
  bytes: Uint8Array,
  at: number,
  length: number,
): boolean {
  if (text.length !== length) return false;
  for (let i = 0; i < length; i++) {
    if (text.charCodeAt(i) !== bytes[at + i]) return false;
  }
  return true;
}
