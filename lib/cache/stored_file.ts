/**
 * A file of a result, or a folder, as a record knows it.
 *
 * @module
 */

import type { FileContent } from "../value/encoded.ts";
import type { BlobReference } from "./blob_reference.ts";

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
