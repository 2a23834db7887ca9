/**
 * What the cache keeps for a key, and the small interface of a store of it.
 *
 * @module
 */

import type { Outcome } from "../task.ts";
import type { DigestMemo } from "../value/file_digest.ts";
import type { KeyPart } from "../value/parts.ts";
import type { BlobReference, StoredFile } from "./blob_reference.ts";
import type { Lease, Leases } from "./lease.ts";
import type { LiveBlob } from "./live_blobs.ts";
import type { RecordFile } from "./record_file.ts";
import type { Likeness } from "./resemblance.ts";
import type {
  CollectOptions,
  CollectReport,
  Pin,
  RecordDescription,
  RecordFilter,
  RecordSummary,
  VerifyReport,
  WorkOptions,
} from "./report.ts";

export type { KeyPart } from "../value/parts.ts";

/** The function that made a record. */
export interface FunctionInfo {
  /** Its name. */
  readonly name: string;
  /** Its version. */
  readonly version: string;
  /** SHA-256 of the function's source text, 64 hexadecimal digits. */
  readonly source: string;
  /** URL of the module that defines it; empty if there is none. */
  readonly module: string;
  /** Digest of the snapshot of its code, 64 hexadecimal digits; empty where none was taken. */
  readonly code: string;
  /** What its user sorts it by; empty if there is none. */
  readonly label: string;
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
  /** The snapshot of the code that `fn.code` is the digest of, as JSON: kept once for all records of it. */
  readonly snapshot?: string | undefined;
  /** The claim under which it was computed: `store` ends it, whatever comes of it. A record whose claim was taken over is not stored. */
  readonly lease?: Lease | undefined;
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
  /** The upstream, folder or URL, that it has just come from; `undefined` if it was in this cache. */
  readonly from?: string | undefined;
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
  /**
   * Bytes on disk, as `maxSize` counts them: pages of the database that are in use, or
   * files of records and code, and blobs. The database file itself may be larger by pages
   * that are free, and by its log of the last changes.
   */
  readonly bytes: number;
  /** Lookups of this process that found a record. */
  readonly hits: number;
  /** Lookups of this process that found none. */
  readonly misses: number;
  /** Time that hits have saved since the cache was made, in ms: what their jobs had taken. Of programs that have saved less than 100 ms, this counts some as 100 ms and the others as none. */
  readonly saved: number;
}

/** The nearest record of a function to a key that missed. */
export interface NearestRecord {
  readonly key: string;
  readonly fn: FunctionInfo;
  readonly details: RecordDetails;
}

/** What a cache folder must be able to do for those who look after it, whatever its layout. */
export interface Catalog {
  /** The records, the latest first. Changes meanwhile may or may not be seen. */
  list(filter: RecordFilter): Iterable<RecordSummary>;
  /** All that is known of a record; `undefined` if there is none, or it is damaged. */
  describe(key: Uint8Array<ArrayBuffer>): RecordDescription | undefined;
  /** Reads everything, quarantines what is wrong. */
  verify(options: WorkOptions): Promise<VerifyReport>;
  /** Deletes what is over the limits, and what nothing refers to. */
  collect(options: CollectOptions): Promise<CollectReport>;
  /** What is kept whatever the limits. */
  pins(): readonly Pin[];
  /** Adds a pin; whether it was new. */
  pin(pin: Pin): boolean;
  /** Takes a pin away; whether there was one. */
  unpin(pin: Pin): boolean;
}

/** What a cache folder must be able to do so that records come and go between caches, whatever its layout. */
export interface Depot {
  /** The record of a key as the file that it is in the portable layout; `undefined` if there is none. */
  take(key: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> | undefined;
  /** Notes that somebody needs a blob, as long as what it gives is no garbage. */
  hold(reference: BlobReference): LiveBlob;
  /** The verified bytes of a blob of a record. Throws `ResultLostError`. */
  readBlob(
    key: Uint8Array<ArrayBuffer>,
    reference: BlobReference,
  ): Uint8Array<ArrayBuffer>;
  /**
   * Makes the cache if there is none.
   *
   * @param verb What somebody is about to do, as "import into".
   * @throws {CacheError} if nothing can be stored.
   */
  requireWritable(verb: string): void;
  /** Puts files back; see `EncodedValue.restoreFiles`. */
  restoreFiles(
    key: Uint8Array<ArrayBuffer>,
    files: readonly StoredFile[],
  ): void;
  /**
   * Stores a record that comes from elsewhere, in the same turn if it has no blobs
   * and nothing is in the way; whether it is stored. Rejects only with what
   * `arrival.blob` throws.
   */
  adopt(arrival: Arrival): boolean | Promise<boolean>;
}

/** A record that comes from elsewhere. */
export interface Arrival {
  readonly file: RecordFile;
  /** The bytes of one of its blobs, checked. */
  readonly blob: (
    reference: BlobReference,
  ) => Promise<Uint8Array<ArrayBuffer>>;
  /** The snapshot of the code that made it, where it can be had. */
  readonly snapshot: string | undefined;
}

/** What a cache folder must be able to do for jobs, whatever its layout. */
export interface RecordStore {
  /** The record of a key, read and verified in the same turn; never throws. */
  lookup(key: Uint8Array<ArrayBuffer>): StoredRecord | undefined;
  /** What must be loaded before the leaves of a record can be read, and its files restored; `undefined` if nothing. */
  prepare(record: StoredRecord): Promise<void> | undefined;
  /**
   * Stores a record. `undefined` when that is done already, else a promise of it;
   * never throws: a cache that cannot store warns once. Resolves with the record as a
   * lookup would give it where the leaves and files are now in the cache; rejects with a
   * `FileChangedError` if a file of the result is not what the result says.
   */
  store(
    record: NewRecord,
  ): StoredRecord | undefined | Promise<StoredRecord | undefined>;
  /**
   * Looks for a record where this cache reads through: whether `lookup` finds it now.
   * `undefined` if there is nothing more than a lookup has seen. Absent where a cache
   * reads through from nowhere. Rejects only if the signal is aborted.
   *
   * @param needsBlobs Whether the blobs are to come as well, asked once the record is there; else they come with `EncodedValue.load`.
   */
  fetch?(
    key: Uint8Array<ArrayBuffer>,
    signal: AbortSignal,
    needsBlobs: () => boolean,
  ): Promise<boolean> | undefined;
  /** Whether nothing is stored here. */
  readonly isReadonly: boolean;
  /** The claims on keys; `undefined` where there can be none (a read-only cache), and before `loadLeases`. */
  readonly leases: Leases | undefined;
  /** Remembers the digests of files on disk; `undefined` where that is not kept. */
  readonly fileDigests?: DigestMemo | undefined;
  /** The snapshot of a digest, as it was given with a record; `undefined` if it is not there or damaged. */
  snapshot(digest: string): string | undefined;
  /** Deletes the record of a key; whether there was one. */
  delete(key: Uint8Array<ArrayBuffer>): boolean;
  /** Whether the folder can be used, as far as was seen. */
  readonly isUsable: boolean;
  /** The record of the same function that differs least, of those stored lately and not after `before` (ms since the epoch); never that of the key `except`. */
  nearest(
    name: string,
    like: Likeness,
    except: string,
    before: number,
  ): NearestRecord | undefined;
  /** Deletes all records and blobs. */
  clear(): void;
  stats(): CacheStats;
  /** Resolves when what is being stored now is stored; `undefined` if that is nothing. */
  storing(): Promise<void> | undefined;
  /** Resolves when nothing is being stored any more. */
  settled(): Promise<void>;
  /** Lets go of files; the next lookup opens them again. */
  close(): void;
}
