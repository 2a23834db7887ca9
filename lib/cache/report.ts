/**
 * What a cache tells those who look after it.
 *
 * @module
 */

import type { ConsoleLine } from "../task.ts";
import type { FunctionInfo, KeyPart } from "./record.ts";

/** How long work tells where it is, and how it is ended. */
export interface WorkOptions {
  /** Ends the work; what was done stays done. */
  readonly signal?: AbortSignal | undefined;
  /** Called now and then with how much is done, from 0 to 1. */
  readonly onProgress?: ((fraction: number) => void) | undefined;
}

/** Which records to list; all that is given must hold. */
export interface RecordFilter {
  /** Name of the function. */
  readonly name?: string | undefined;
  /** Version of the function. */
  readonly version?: string | undefined;
  /** Label of the function. */
  readonly label?: string | undefined;
  /** `finished` or `error`. */
  readonly status?: "finished" | "error" | undefined;
  /** The first digits of the key. */
  readonly keyPrefix?: string | undefined;
  /** The most records; all by default. */
  readonly limit?: number | undefined;
}

/** One record in a list. */
export interface RecordSummary {
  /** 64 hexadecimal digits. */
  readonly key: string;
  /** The function that made it. */
  readonly fn: FunctionInfo;
  /** What became of the job. */
  readonly status: "finished" | "error";
  /** The arguments, as one would write them, at most 80 bytes. */
  readonly preview: string;
  /** When it was stored, in ms since the epoch. */
  readonly storedAt: number;
  /** The day of its last use as far as it is known, in ms since the epoch, to a day. */
  readonly usedAt: number;
  /** How long the job took, in ms. */
  readonly duration: number;
  /** Bytes of the result or error, large leaves and files included. */
  readonly bytes: number;
  /** The machine that ran the job. */
  readonly host: string;
  /** Whether it is kept whatever the limits. */
  readonly pinned: boolean;
}

/** All that is known of one record, but its value. */
export interface RecordDescription extends RecordSummary {
  /** What its key is made of. */
  readonly parts: readonly KeyPart[];
  /** The keys of the jobs among its arguments. */
  readonly upstream: readonly string[];
  /** When the function was called, in ms since the epoch. */
  readonly startedAt: number;
  /** What the job printed. */
  readonly console: readonly ConsoleLine[];
  /** The Deno and hither that ran it. */
  readonly versions: string;
  /** SHA-256 and length of its blobs. */
  readonly blobs: readonly {
    readonly digest: string;
    readonly bytes: number;
  }[];
}

/** What `verify` found. */
export interface VerifyReport {
  /** Records that were looked at. */
  readonly records: number;
  /** Blobs that were looked at. */
  readonly blobs: number;
  /** Bytes that were read. */
  readonly bytes: number;
  /**
   * Databases that were so damaged that a new one stands in their place, since this cache
   * was opened or last verified. They are quarantined; which records were lost with them
   * is told where it can be.
   */
  readonly badDatabases: number;
  /** Records that were damaged, or whose blobs were, and are quarantined or deleted. */
  readonly badRecords: number;
  /** Blobs that were damaged and are quarantined. */
  readonly badBlobs: number;
  /** Blobs that a record names and that are gone; such records are deleted. */
  readonly missingBlobs: number;
  /** Blobs that no record names; `gc` deletes them. */
  readonly unusedBlobs: number;
}

/** What to delete. */
export interface CollectOptions extends WorkOptions {
  /** The most bytes on disk; the cache's own limit by default. */
  readonly maxSize?: number | undefined;
  /** The longest time since the last use, in ms; the cache's own limit by default. */
  readonly maxAge?: number | undefined;
  /**
   * How long nobody may have written a blob that no record names before it is deleted, in
   * ms: a job may be about to be stored with it. An hour by default; 0 if no program uses
   * the cache. Blobs of records that were deleted go at once; in the layout `"files"`,
   * those that several records have named wait as well.
   */
  readonly grace?: number | undefined;
}

/** What `gc` deleted. */
export interface CollectReport {
  /** Records that were deleted. */
  readonly records: number;
  /** Blobs that were deleted. */
  readonly blobs: number;
  /** Bytes that were freed. */
  readonly bytes: number;
  /** Bytes that are left. */
  readonly left: number;
}

/** What to export, and how. */
export interface ExportOptions extends WorkOptions {
  /** Which records; all by default. */
  readonly filter?: RecordFilter | undefined;
  /** The file of a private key of Ed25519 (PKCS #8, in PEM or not) to sign records with; none are signed by default. */
  readonly sign?: string | URL | undefined;
}

/** What `export` did. */
export interface ExportReport {
  /** Records that were to be exported. */
  readonly records: number;
  /** Records that were written: new ones, changed ones, and those that were signed. */
  readonly written: number;
  /** Blobs that were written. */
  readonly blobs: number;
  /** Bytes of what was written. */
  readonly bytes: number;
  /** Records that were not exported, as they, or blobs of theirs, are damaged or gone. */
  readonly failed: number;
}

/** What to import. */
export interface ImportOptions extends WorkOptions {
  /** Which records; all by default. */
  readonly filter?: RecordFilter | undefined;
  /** The public keys, as `ed25519:BASE64…`, of which one must have signed a record for it to be imported; by default all are that are whole. */
  readonly trust?: readonly string[] | undefined;
}

/** What `import` did. */
export interface ImportReport {
  /** Records that were there to be imported; those that this cache had already are among them, and stay as they are. */
  readonly records: number;
  /** Records that are new here. */
  readonly imported: number;
  /** Records that nobody in `trust` has signed. */
  readonly untrusted: number;
  /** Records that were not imported, as they, or blobs of theirs, are damaged or gone. */
  readonly failed: number;
}

/** What is kept whatever the limits: a record by its key, or those of a function or a label. */
export type Pin =
  | { readonly kind: "key"; readonly value: string }
  | { readonly kind: "function"; readonly value: string }
  | { readonly kind: "label"; readonly value: string };
