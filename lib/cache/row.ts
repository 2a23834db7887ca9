/**
 * What a row of `records` holds, as bytes.
 *
 * `body` is what a hit needs: a check (8 bytes), flags (1), the contribution, the
 * references to blobs, the files, the encoded value. `details` is the rest, JSON behind a check
 * of its own. Both checks cover the key and the columns beside them.
 *
 * @module
 */

import type { ConsoleLine, Timing } from "../task.ts";
import {
  BlobReference,
  REFERENCE_BYTES,
  StoredFile,
} from "./blob_reference.ts";
import { type Check, Checker } from "./check.ts";
import type { KeyPart } from "./record.ts";

const CHECK_BYTES = 8;

const IS_ERROR = 1;
/** The last reference is to the encoded value itself, which is a blob. */
const DOCUMENT_IS_BLOB = 2;
const HAS_CONTRIBUTION = 4;
/** The contribution is the encoded value, byte for byte, as for most small results. */
const CONTRIBUTION_IS_DOCUMENT = 8;
const HAS_REFERENCES = 16;
const HAS_FILES = 32;

/** The flags of a body that refers to no blob; they are its ninth byte. */
export const NO_BLOBS: readonly number[] = Array.from(
  { length: 256 },
  (_, flags) => flags,
).filter((flags) =>
  (flags &
    ~(IS_ERROR | HAS_CONTRIBUTION | CONTRIBUTION_IS_DOCUMENT)) === 0
);

/** What a hit needs. */
export interface Body {
  readonly status: "finished" | "error";
  readonly contribution: Uint8Array | undefined;
  readonly leaves: readonly BlobReference[];
  /** The files of the result, and its folders with all that is in them. */
  readonly files?: readonly StoredFile[] | undefined;
  /** The encoded value, or the blob that it is. */
  readonly document: Uint8Array<ArrayBuffer> | BlobReference;
}

/** All blobs that a body refers to, some of them perhaps several times. */
export function blobsOf({ leaves, files, document }: Body): BlobReference[] {
  const blobs = [...leaves];
  for (const { blob } of files ?? []) if (blob !== undefined) blobs.push(blob);
  if (document instanceof BlobReference) blobs.push(document);
  return blobs;
}

/** The columns beside `details`. */
export interface DetailColumns {
  readonly storedAt: number;
  readonly bytes: number;
  readonly duration: number;
  readonly origin: number;
}

/** What `details` holds. */
export interface Details {
  readonly timing: Timing;
  readonly console: readonly ConsoleLine[];
  readonly preview: string;
  readonly parts: readonly KeyPart[];
  readonly upstream: readonly string[];
}

const NO_REFERENCES: readonly BlobReference[] = [];
const NO_FILES: readonly StoredFile[] = [];
const encoder = new TextEncoder();
const decoder = new TextDecoder();
const checker = new Checker();

function putCheck(target: Uint8Array<ArrayBuffer>, check: Check): void {
  const view = new DataView(target.buffer);
  view.setUint32(0, check[0]);
  view.setUint32(4, check[1]);
}

function hasCheck(source: Uint8Array, check: Check): boolean {
  const view = new DataView(source.buffer, source.byteOffset);
  return view.getUint32(0) === check[0] && view.getUint32(4) === check[1];
}

function bodyCheck(key: Uint8Array, fn: number, body: Uint8Array): Check {
  return checker.start().bytes(key).number(fn)
    .bytes(body.subarray(CHECK_BYTES)).finish();
}

/** The bytes of a body. */
export function encodeBody(
  key: Uint8Array,
  fn: number,
  { status, contribution, leaves, files = NO_FILES, document }: Body,
): Uint8Array<ArrayBuffer> {
  const inline = document instanceof Uint8Array ? document : undefined;
  const references = document instanceof Uint8Array
    ? leaves
    : [...leaves, document];
  const same = contribution !== undefined && inline !== undefined &&
    sameBytes(contribution, inline);
  const own = same ? undefined : contribution;
  const fileBytes = files.length === 0 ? undefined : encodeFiles(files);
  const size = CHECK_BYTES + 1 + (own === undefined ? 0 : 4 + own.length) +
    (references.length === 0 ? 0 : 4 + references.length * REFERENCE_BYTES) +
    (fileBytes?.length ?? 0) +
    (inline?.length ?? 0);
  const body = new Uint8Array(size);
  const view = new DataView(body.buffer);
  body[CHECK_BYTES] = (status === "error" ? IS_ERROR : 0) |
    (inline === undefined ? DOCUMENT_IS_BLOB : 0) |
    (own === undefined ? 0 : HAS_CONTRIBUTION) |
    (same ? CONTRIBUTION_IS_DOCUMENT : 0) |
    (references.length === 0 ? 0 : HAS_REFERENCES) |
    (fileBytes === undefined ? 0 : HAS_FILES);
  let at = CHECK_BYTES + 1;
  if (own !== undefined) {
    view.setUint32(at, own.length);
    body.set(own, at + 4);
    at += 4 + own.length;
  }
  if (references.length > 0) {
    view.setUint32(at, references.length);
    at += 4;
    for (const reference of references) {
      body.set(reference.bytes, at);
      at += REFERENCE_BYTES;
    }
  }
  if (fileBytes !== undefined) {
    body.set(fileBytes, at);
    at += fileBytes.length;
  }
  if (inline !== undefined) body.set(inline, at);
  putCheck(body, bodyCheck(key, fn, body));
  return body;
}

/** The body as it was encoded for this key and function; `undefined` if it is damaged. */
export function decodeBody(
  key: Uint8Array,
  fn: unknown,
  body: unknown,
): Body | undefined {
  if (
    typeof fn !== "number" || !(body instanceof Uint8Array) ||
    body.length <= CHECK_BYTES || !hasCheck(body, bodyCheck(key, fn, body))
  ) return undefined;
  // From here on the bytes are what we wrote.
  const flags = body[CHECK_BYTES]!;
  let at = CHECK_BYTES + 1;
  let contribution: Uint8Array | undefined;
  let leaves = NO_REFERENCES;
  let files: StoredFile[] | undefined;
  let document: Body["document"] | undefined;
  if (flags & (HAS_CONTRIBUTION | HAS_REFERENCES | HAS_FILES)) {
    const view = new DataView(body.buffer, body.byteOffset, body.length);
    if (flags & HAS_CONTRIBUTION) {
      const length = view.getUint32(at);
      contribution = body.subarray(at + 4, at + 4 + length);
      at += 4 + length;
    }
    if (flags & HAS_REFERENCES) {
      // Who made a record that came from elsewhere may have meant harm.
      if (view.getUint32(at) * REFERENCE_BYTES > body.length) return undefined;
      const references = Array.from(
        { length: view.getUint32(at) },
        (_, i) =>
          new BlobReference(
            body.slice(
              at + 4 + i * REFERENCE_BYTES,
              at + 4 + (i + 1) * REFERENCE_BYTES,
            ),
          ),
      );
      at += 4 + references.length * REFERENCE_BYTES;
      if (flags & DOCUMENT_IS_BLOB) document = references.pop();
      leaves = references;
    }
    if (flags & HAS_FILES) {
      if (view.getUint32(at) * 5 > body.length) return undefined;
      files = [];
      at = decodeFiles(body, view, at, files);
    }
  }
  document ??= body.subarray(at) as Uint8Array<ArrayBuffer>;
  if (flags & CONTRIBUTION_IS_DOCUMENT) contribution = document as Uint8Array;
  return {
    status: flags & IS_ERROR ? "error" : "finished",
    contribution,
    leaves,
    files,
    document,
  };
}

// For each file: what it is (1 byte), its path behind the length (4), its blob.
const IS_FILE = 1;
const IS_EXECUTABLE = 2;

function encodeFiles(files: readonly StoredFile[]): Uint8Array<ArrayBuffer> {
  const paths = files.map(({ path }) => encoder.encode(path));
  let size = 4;
  for (const [i, { blob }] of files.entries()) {
    size += 5 + paths[i]!.length + (blob === undefined ? 0 : REFERENCE_BYTES);
  }
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, files.length);
  let at = 4;
  for (const [i, { blob, executable }] of files.entries()) {
    const path = paths[i]!;
    bytes[at] = (blob === undefined ? 0 : IS_FILE) |
      (executable ? IS_EXECUTABLE : 0);
    view.setUint32(at + 1, path.length);
    bytes.set(path, at + 5);
    at += 5 + path.length;
    if (blob === undefined) continue;
    bytes.set(blob.bytes, at);
    at += REFERENCE_BYTES;
  }
  return bytes;
}

/** Adds the files that begin at a place; where they end. */
function decodeFiles(
  body: Uint8Array,
  view: DataView,
  start: number,
  files: StoredFile[],
): number {
  const count = view.getUint32(start);
  let at = start + 4;
  for (let i = 0; i < count; i++) {
    const what = body[at]!;
    const end = at + 5 + view.getUint32(at + 1);
    const path = decoder.decode(body.subarray(at + 5, end));
    at = what & IS_FILE ? end + REFERENCE_BYTES : end;
    const blob = what & IS_FILE
      ? new BlobReference(body.slice(end, at))
      : undefined;
    files.push(new StoredFile(path, blob, (what & IS_EXECUTABLE) !== 0));
  }
  return at;
}

function detailsCheck(
  key: Uint8Array,
  columns: DetailColumns,
  details: Uint8Array,
): Check {
  return checker.start().bytes(key).number(columns.storedAt)
    .number(columns.bytes).number(columns.duration).number(columns.origin)
    .bytes(details.subarray(CHECK_BYTES)).finish();
}

/** The bytes of the details. */
export function encodeDetails(
  key: Uint8Array,
  columns: DetailColumns,
  { timing, console, preview, parts, upstream }: Details,
): Uint8Array<ArrayBuffer> {
  const json = JSON.stringify([
    timing.startedAt,
    preview,
    parts.map(({ path, digest, text }) =>
      text === undefined ? [path, digest] : [path, digest, text]
    ),
    upstream,
    console.map(({ stream, time, text }) => [
      stream === "stdout" ? 1 : 2,
      time,
      text,
    ]),
  ]);
  const details = new Uint8Array(CHECK_BYTES + putText(json));
  details.set(scratch.subarray(0, details.length - CHECK_BYTES), CHECK_BYTES);
  putCheck(details, detailsCheck(key, columns, details));
  return details;
}

/** Memory for texts, which is kept. */
let scratch = new Uint8Array(4_096);

/** Encodes a text at the beginning of that memory; its length there. */
function putText(text: string): number {
  // No character of UTF-16 takes more than 3 bytes.
  if (3 * text.length > scratch.length) {
    scratch = new Uint8Array(6 * text.length);
  }
  return encoder.encodeInto(text, scratch).written;
}

/** The details as they were encoded; `undefined` if they are damaged. */
export function decodeDetails(
  key: Uint8Array,
  columns: Readonly<Record<keyof DetailColumns, unknown>>,
  details: unknown,
): Details | undefined {
  if (
    !areNumbers(columns) || !(details instanceof Uint8Array) ||
    details.length <= CHECK_BYTES ||
    !hasCheck(details, detailsCheck(key, columns, details))
  ) return undefined;
  const [startedAt, preview, parts, upstream, console] = JSON.parse(
    decoder.decode(details.subarray(CHECK_BYTES)),
  ) as [
    number,
    string,
    [path: string, digest: string, text?: string][],
    string[],
    [stream: 1 | 2, time: number, text: string][],
  ];
  return {
    timing: { startedAt, duration: columns.duration },
    preview,
    parts: parts.map(([path, digest, text]) =>
      text === undefined ? { path, digest } : { path, digest, text }
    ),
    upstream,
    console: console.map(([stream, time, text]) => ({
      stream: stream === 1 ? "stdout" : "stderr",
      text,
      time,
    })),
  };
}

function areNumbers(
  columns: Readonly<Record<keyof DetailColumns, unknown>>,
): columns is DetailColumns {
  const { storedAt, bytes, duration, origin } = columns;
  return typeof storedAt === "number" && typeof bytes === "number" &&
    typeof duration === "number" && typeof origin === "number";
}

/** The digest of an interned row: its id and its texts. */
export function internedDigest(
  id: number,
  texts: readonly string[],
): Uint8Array<ArrayBuffer> {
  const digest = new Uint8Array(CHECK_BYTES);
  checker.start().number(id);
  for (const text of texts) checker.bytes(encoder.encode(text));
  putCheck(digest, checker.finish());
  return digest;
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
