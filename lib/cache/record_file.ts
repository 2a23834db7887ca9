/**
 * A record as one file that needs no other but its blobs: sealed, so that it can
 * come from anywhere. Behind the seal:
 *
 * - lengths of the five parts (4 bytes each);
 * - when it was stored, bytes of the value, duration (8 bytes each, floating point);
 * - the key (32 bytes);
 * - the parts: the function and the origin as JSON, `body` and `details` as in a
 *   row, signatures (96 bytes each: public key, Ed25519 signature).
 *
 * @module
 */

import type { Origin } from "./interned.ts";
import type { FunctionInfo, RecordDetails } from "./record.ts";
import {
  type Body,
  decodeBody,
  decodeDetails,
  type Details,
  encodeBody,
  encodeDetails,
} from "./row.ts";
import { isWhole, seal, SEAL_BYTES } from "./sealed.ts";

const KEY_BYTES = 32;
const PARTS = 5;
const NUMBERS_AT = SEAL_BYTES + PARTS * 4;
const KEY_AT = NUMBERS_AT + 3 * 8;
const PARTS_AT = KEY_AT + KEY_BYTES;

/** A public key of Ed25519 and its signature. */
export const SIGNATURE_BYTES = 96;

/** A row refers to its function and origin by number; a file has them in it. */
const NO_NUMBER = 0;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** What a record file is made of. */
export interface RecordParts {
  readonly key: Uint8Array<ArrayBuffer>;
  readonly fn: FunctionInfo;
  readonly origin: Origin;
  readonly storedAt: number;
  readonly bytes: number;
  readonly body: Body;
  readonly details: Details;
}

/** A record as its file tells it. */
export interface RecordFile {
  /** The whole file. */
  readonly raw: Uint8Array<ArrayBuffer>;
  readonly key: Uint8Array<ArrayBuffer>;
  readonly fn: FunctionInfo;
  readonly storedAt: number;
  readonly bytes: number;
  readonly duration: number;
  readonly body: Body;
  /** What was signed, and the signatures, where there are any. */
  readonly signed: Uint8Array<ArrayBuffer>;
  readonly signatures: Uint8Array<ArrayBuffer>;
  /** The rest, decoded when asked for. */
  details(): (RecordDetails & Details) | undefined;
}

/** The functions of one cache: one object each, so that they can be compared by identity. */
export class KnownFunctions {
  readonly #known = new Map<string, FunctionInfo>();

  /** The function of a text; `undefined` if it is not one. */
  of(text: string): FunctionInfo | undefined {
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    const texts = textsOf(text, 6);
    if (texts === undefined) return undefined;
    const [
      name = "",
      version = "",
      source = "",
      module = "",
      code = "",
      label = "",
    ] = texts;
    const info = { name, version, source, module, code, label };
    this.#known.set(text, info);
    return info;
  }
}

/** The bytes of a record's file. */
export function encodeRecordFile(
  parts: RecordParts,
  signatures: Uint8Array = new Uint8Array(0),
): Uint8Array<ArrayBuffer> {
  const { key, fn, origin, storedAt, bytes, body, details } = parts;
  const { name, version, source, module, code, label } = fn;
  const { duration } = details.timing;
  const columns = { storedAt, bytes, duration, origin: NO_NUMBER };
  return assemble(key, [storedAt, bytes, duration], [
    encoder.encode(
      JSON.stringify([name, version, source, module, code, label]),
    ),
    encoder.encode(JSON.stringify([origin.host, origin.versions])),
    encodeBody(key, NO_NUMBER, body),
    encodeDetails(key, columns, details),
    signatures,
  ]);
}

/** The same record with other signatures. */
export function withSignatures(
  file: RecordFile,
  signatures: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(
    SEAL_BYTES + 4 + file.signed.length + signatures.length,
  );
  const view = new DataView(bytes.buffer);
  // The length of the signatures comes first, as it is not signed.
  view.setUint32(SEAL_BYTES, signatures.length);
  bytes.set(file.signed, SEAL_BYTES + 4);
  bytes.set(signatures, SEAL_BYTES + 4 + file.signed.length);
  seal(bytes, "R");
  return bytes;
}

function assemble(
  key: Uint8Array,
  numbers: readonly number[],
  parts: readonly Uint8Array[],
): Uint8Array<ArrayBuffer> {
  const size = parts.reduce((sum, { length }) => sum + length, PARTS_AT);
  const file = new Uint8Array(size);
  const view = new DataView(file.buffer);
  let at = PARTS_AT;
  for (const [i, part] of parts.entries()) {
    // The length of the last part, the signatures, comes first, as it is not signed.
    view.setUint32(SEAL_BYTES + (i + 1) % PARTS * 4, part.length);
    file.set(part, at);
    at += part.length;
  }
  for (const [i, number] of numbers.entries()) {
    view.setFloat64(NUMBERS_AT + i * 8, number);
  }
  file.set(key, KEY_AT);
  seal(file, "R");
  return file;
}

/**
 * The record of a file; `undefined` if the file is not, byte for byte, what
 * `encodeRecordFile` made.
 */
export function decodeRecordFile(
  file: Uint8Array<ArrayBuffer>,
  functions: KnownFunctions,
): RecordFile | undefined {
  if (file.length < PARTS_AT || !isWhole(file, "R")) return undefined;
  // Who made the file may still have meant harm: nothing in it is taken for granted.
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  const length = (i: number) => view.getUint32(SEAL_BYTES + i * 4);
  const originAt = PARTS_AT + length(1);
  const bodyAt = originAt + length(2);
  const detailsAt = bodyAt + length(3);
  const signaturesAt = detailsAt + length(4);
  if (
    signaturesAt + length(0) !== file.length ||
    length(0) % SIGNATURE_BYTES !== 0
  ) return undefined;
  const key = file.slice(KEY_AT, PARTS_AT);
  const storedAt = view.getFloat64(NUMBERS_AT);
  const bytes = view.getFloat64(NUMBERS_AT + 8);
  const duration = view.getFloat64(NUMBERS_AT + 16);
  try {
    const info = functions.of(
      decoder.decode(file.subarray(PARTS_AT, originAt)),
    );
    const decoded = decodeBody(
      key,
      NO_NUMBER,
      file.subarray(bodyAt, detailsAt),
    );
    if (info === undefined || decoded === undefined) return undefined;
    return {
      raw: file,
      key,
      fn: info,
      storedAt,
      bytes,
      duration,
      body: decoded,
      signed: file.subarray(SEAL_BYTES + 4, signaturesAt),
      signatures: file.subarray(signaturesAt),
      details() {
        try {
          const columns = { storedAt, bytes, duration, origin: NO_NUMBER };
          const details = decodeDetails(
            key,
            columns,
            file.subarray(detailsAt, signaturesAt),
          );
          const texts = textsOf(
            decoder.decode(file.subarray(originAt, bodyAt)),
            2,
          );
          if (details === undefined || texts === undefined) return undefined;
          const [host = "", versions = ""] = texts;
          return { ...details, storedAt, bytes, host, versions };
        } catch {
          return undefined;
        }
      },
    };
  } catch {
    return undefined;
  }
}

function textsOf(json: string, count: number): readonly string[] | undefined {
  const texts: unknown = JSON.parse(json);
  return Array.isArray(texts) && texts.length === count &&
      texts.every((text) => typeof text === "string")
    ? texts
    : undefined;
}
