/**
 * How a record refers to a blob, and to the files of a result.
 *
 * @module
 */

import type { FileContent } from "../value/encoded.ts";

/** Bytes that a reference takes in a row. */
export const REFERENCE_BYTES = 48;

const NO_XXH3 = new Uint8Array(8);

/** A blob's name and what guards it: SHA-256 (32 bytes), XXH3-64 (8), length (8). */
export class BlobReference {
  readonly #bytes: Uint8Array;

  /** Takes the 48 bytes as they stand in a row. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Makes a reference; without an XXH3, reads are verified by SHA-256. */
  static of(
    sha256: string,
    xxh3: Uint8Array | undefined,
    byteLength: number,
  ): BlobReference {
    const bytes = new Uint8Array(REFERENCE_BYTES);
    bytes.setFromHex(sha256);
    bytes.set(xxh3 ?? NO_XXH3, 32);
    new DataView(bytes.buffer).setFloat64(40, byteLength);
    return new BlobReference(bytes);
  }

  /** The reference as it stands in a row. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  /** SHA-256 of the blob, 64 hexadecimal digits. */
  get sha256(): string {
    return this.#bytes.subarray(0, 32).toHex();
  }

  /** XXH3-64 of the blob, or `undefined` where it could not be computed. */
  get xxh3(): Uint8Array | undefined {
    const xxh3 = this.#bytes.subarray(32, 40);
    return xxh3.some((byte) => byte !== 0) ? xxh3 : undefined;
  }

  /** Length of the blob in bytes. */
  get byteLength(): number {
    const { buffer, byteOffset } = this.#bytes;
    return new DataView(buffer, byteOffset).getFloat64(40);
  }
}

/** Where a file was, and the blob that holds its content. */
export class StoredFile implements FileContent {
  readonly path: string;
  /** Its content; `undefined` for a folder. */
  readonly blob: BlobReference | undefined;
  readonly executable: boolean;

  constructor(
    path: string,
    blob: BlobReference | undefined,
    executable: boolean,
  ) {
    this.path = path;
    this.blob = blob;
    this.executable = executable;
  }

  get kind(): "file" | "folder" {
    return this.blob === undefined ? "folder" : "file";
  }

  get digest(): string {
    return this.blob?.sha256 ?? "";
  }

  get size(): number {
    return this.blob?.byteLength ?? 0;
  }
}
