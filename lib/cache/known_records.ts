/**
 * What a program knows of records without a look at their files: of those that it has
 * stored or read lately. To draw one of them by lot costs next to nothing then.
 *
 * @module
 */

import { DAY_MS } from "./portable_records.ts";
import type { FunctionInfo } from "./record.ts";

/** So many are remembered, some 200 bytes each. */
const MOST = 8_192;

/** What is known of a record that has no blobs. */
export interface KnownRecord {
  readonly fn: FunctionInfo;
  /** Bytes of its file. */
  readonly size: number;
  /** In ms since the epoch. */
  readonly storedAt: number;
  /** How long its job took, in ms. */
  readonly duration: number;
}

/** The latest of them. Others may have deleted or replaced them since. */
export class KnownRecords {
  readonly #known = new Map<string, KnownRecord>();

  /** Remembers a record. */
  note(hex: string, record: KnownRecord): void {
    if (this.#known.size >= MOST) {
      this.#known.delete(this.#known.keys().next().value!);
    }
    this.#known.set(hex, record);
  }

  /** What is known of a record, if no use of it can have been noted on its file. */
  find(hex: string): KnownRecord | undefined {
    const known = this.#known.get(hex);
    if (known === undefined) return undefined;
    return Math.abs(Date.now() - known.storedAt) < DAY_MS ? known : undefined;
  }

  /** Forgets what is not so any more. */
  forget(hex: string): void {
    this.#known.delete(hex);
  }
}
