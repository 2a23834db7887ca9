/**
 * What the cache keeps for a key, and the small interface of a store of it.
 *
 * @module
 */

import type { Outcome } from "../task.ts";
import type { KeyPart } from "../value/parts.ts";

export type { KeyPart } from "../value/parts.ts";

/** The function that made a record. */
export interface FunctionInfo {
  readonly name: string;
  readonly version: string;
  /** SHA-256 of the function's source text, 64 hexadecimal digits. */
  readonly source: string;
  /** URL of the module that defines it; empty if there is none. */
  readonly module: string;
}

/** What goes into the cache. */
export interface NewRecord {
  /** The job's key, 32 bytes. */
  readonly key: Uint8Array<ArrayBuffer>;
  readonly fn: FunctionInfo;
  /** A finished outcome carries its contribution. */
  readonly outcome: Outcome;
  /** The arguments, as one would write them, at most 80 bytes. */
  readonly preview: string;
  readonly parts: readonly KeyPart[];
  /** The keys of the jobs among the arguments, 64 hexadecimal digits each. */
  readonly upstream: readonly string[];
}

/** What a record tells besides its outcome. */
export interface RecordDetails {
  readonly preview: string;
  readonly parts: readonly KeyPart[];
  readonly upstream: readonly string[];
  /** When it was stored, in ms since the epoch. */
  readonly storedAt: number;
  /** Bytes of the result or error, leaves included. */
  readonly bytes: number;
  /** The machine that ran the job. */
  readonly host: string;
  /** The Deno and hither that ran it, as `deno 2.9.6, hither 0.1.0`. */
  readonly versions: string;
}

/** A record as read: checked against its digest. */
export interface StoredRecord {
  /** Whether some of the outcome is in blobs: it is read later, and may then turn out to be lost. */
  readonly hasBlobs: boolean;
  /** One object per function, version, source and module: compare by identity first. */
  readonly fn: FunctionInfo;
  /**
   * Console and timing are read when asked for; leaves when their bytes are. An
   * encoded value of more than 64 KiB is a blob too: its `bytes` are read at each
   * use and throw as a leaf's do.
   */
  readonly outcome: Outcome;
  /** Reads the rest; `undefined` if that part is damaged. */
  details(): RecordDetails | undefined;
}

/** How much a cache holds. */
export interface CacheStats {
  /** Number of records. */
  readonly records: number;
  /** Number of blobs. */
  readonly blobs: number;
  /** Bytes on disk: database and blobs. */
  readonly bytes: number;
  /** Lookups of this process that found a record. */
  readonly hits: number;
  /** Lookups of this process that found none. */
  readonly misses: number;
}

/** The nearest record of a function to a key that missed. */
export interface NearestRecord {
  readonly key: string;
  readonly fn: FunctionInfo;
  readonly details: RecordDetails;
}

/** What a cache folder must be able to do, whatever its layout. */
export interface RecordStore {
  /** The record of a key, read and verified in the same turn; never throws. */
  lookup(key: Uint8Array<ArrayBuffer>): StoredRecord | undefined;
  /** What must be loaded before the leaves of a record can be read; `undefined` if nothing. */
  prepare(record: StoredRecord): Promise<void> | undefined;
  /**
   * Stores a record. `undefined` when that is done already, else a promise of it;
   * never throws or rejects: a cache that cannot store warns once. Resolves with the record as a
   * lookup would give it where the leaves are now on disk.
   */
  store(
    record: NewRecord,
  ): StoredRecord | undefined | Promise<StoredRecord | undefined>;
  /** Deletes the record of a key; whether there was one. */
  delete(key: Uint8Array<ArrayBuffer>): boolean;
  /** The record of the same function that shares the most parts, of those stored lately and not after `before` (ms since the epoch); never that of the key `except`. */
  nearest(
    name: string,
    parts: readonly KeyPart[],
    except: string,
    before: number,
  ): NearestRecord | undefined;
  /** Deletes all records and blobs. */
  clear(): void;
  stats(): CacheStats;
  /** Resolves when nothing is being stored any more. */
  settled(): Promise<void>;
  /** Lets go of files; the next lookup opens them again. */
  close(): void;
}
