/**
 * Large binary arguments that are not copied before their job starts.
 *
 * @module
 */

import { ArgumentChangedError } from "../errors.ts";
import type { Leaf } from "./encoded.ts";
import { sha256Hex } from "./sha256.ts";

/** A leaf whose bytes belong to the caller, who may write to them whenever this turn has ended. */
export class LentLeaf implements Leaf {
  readonly byteLength: number;
  readonly digest: string;
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #path: string;
  #trusted = false;

  /** The bytes must have this digest now. */
  constructor(bytes: Uint8Array<ArrayBuffer>, digest: string, path: string) {
    this.#bytes = bytes;
    this.byteLength = bytes.byteLength;
    this.digest = digest;
    this.#path = path;
    this.#trust();
  }

  peek(): Uint8Array<ArrayBuffer> {
    if (!this.#trusted) {
      if (
        this.#bytes.byteLength !== this.byteLength ||
        sha256Hex(this.#bytes) !== this.digest
      ) {
        throw new ArgumentChangedError(
          `${this.#path} was written to or transferred between run() and the start of its job: pass a copy, or await the job first`,
        );
      }
      this.#trust();
    }
    return this.#bytes;
  }

  read(): Uint8Array<ArrayBuffer> {
    return this.peek().slice();
  }

  // Nothing of the caller's can run before the end of this turn.
  #trust(): void {
    this.#trusted = true;
    queueMicrotask(() => this.#trusted = false);
  }
}
