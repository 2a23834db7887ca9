/**
 * A record that is still where it comes from: its small part is here, its blobs
 * come when they are needed.
 *
 * @module
 */

import { ResultLostError } from "../errors.ts";
import { processMemo } from "../value/file_digest.ts";
import { checkBlob } from "./arrival.ts";
import type { BlobReference, StoredFile } from "./blob_reference.ts";
import { CachedRecord, type RecordSource } from "./cached_record.ts";
import type { LiveBlob } from "./live_blobs.ts";
import type { Depot, RecordDetails } from "./record.ts";
import type { RecordFile } from "./record_file.ts";
import { restoreFiles } from "./result_files.ts";
import { blobsOf, type Details } from "./row.ts";
import { SharedWork } from "./shared_work.ts";
import type { Upstream } from "./upstream.ts";

/** Where a record comes from, and what goes with it. */
export interface Provenance {
  readonly upstream: Upstream;
  /** Folder or URL. */
  readonly place: string;
  readonly snapshot: string | undefined;
  /** Told why its blobs did not come. */
  readonly refuse: (error: unknown) => void;
  /** Told that they have come later than the record. */
  readonly loaded: () => void;
}

/** Reads what a record needs after its lookup, wherever that is now. */
class UpstreamSource implements RecordSource {
  readonly #file: RecordFile;
  readonly #from: Provenance;
  readonly #local: Depot;
  readonly #work = new SharedWork<void>();
  isStored = false;
  /** Why its blobs did not come, which has been told. */
  #refused: unknown;
  /** The blobs of its files once they are stored here, which come into memory if a limit costs them. */
  #live: readonly LiveBlob[] = [];
  /** The blobs in memory, by digest, where they could not be stored here. */
  #held: Map<string, Uint8Array<ArrayBuffer>> | undefined;

  constructor(file: RecordFile, from: Provenance, local: Depot) {
    this.#file = file;
    this.#from = from;
    this.#local = local;
  }

  /** Bytes of blobs in memory. */
  get heldBytes(): number {
    let bytes = 0;
    for (const { length } of this.#held?.values() ?? []) bytes += length;
    return bytes;
  }

  /** Stores the record with its blobs here, or else keeps them in memory. Rejects if they do not come. */
  fetch(signal: AbortSignal): Promise<void> {
    return this.#work.join(signal, (signal) => this.#fetch(signal));
  }

  async #fetch(signal: AbortSignal): Promise<void> {
    if (this.isStored || this.#held !== undefined) return;
    const { upstream, snapshot } = this.#from;
    const file = this.#file;
    const blob = async (reference: BlobReference) =>
      checkBlob(await upstream.blob(file.key, reference, signal), reference);
    // What a limit costs at once need not come twice.
    const live = blobsOf(file.body).map((blob) => this.#local.hold(blob));
    // An error may not be wanted here: it stays where it is.
    if (file.body.status === "finished") {
      const files = new Set(file.body.files?.map(({ digest }) => digest));
      this.#live = live.filter(({ reference }) => files.has(reference.sha256));
      this.isStored = await this.#local.adopt({ file, blob, snapshot });
    }
    if (this.isStored || upstream.near() !== undefined) return;
    const held = new Map<string, Uint8Array<ArrayBuffer>>();
    for (const { reference, bytes } of live) {
      const { sha256 } = reference;
      if (!held.has(sha256)) held.set(sha256, bytes ?? await blob(reference));
    }
    this.#held = held;
  }

  /** As `fetch`, but what does not come is lost: whoever reads it finds out. */
  load = async (signal: AbortSignal): Promise<void> => {
    try {
      await this.fetch(signal);
      this.#from.loaded();
    } catch (error) {
      signal.throwIfAborted();
      this.#refused = error;
      this.#from.refuse(error);
    }
  };

  /** Once stored here, its blobs are this cache's. */
  hold(reference: BlobReference): LiveBlob {
    return this.#local.hold(reference);
  }

  readBlob(
    key: Uint8Array<ArrayBuffer>,
    reference: BlobReference,
  ): Uint8Array<ArrayBuffer> {
    const held = this.#held?.get(reference.sha256);
    return held?.slice() ?? this.#depot().readBlob(key, reference);
  }

  restoreFiles(
    key: Uint8Array<ArrayBuffer>,
    files: readonly StoredFile[],
  ): void {
    const blobs = this.#held ?? this.#lostBlobs(key);
    if (blobs === undefined) this.#depot().restoreFiles(key, files);
    else restoreFiles(files, blobs, processMemo);
  }

  /** The blobs of its files, where a limit has cost this cache some of them since they were stored. */
  #lostBlobs(
    key: Uint8Array<ArrayBuffer>,
  ): ReadonlyMap<string, Uint8Array<ArrayBuffer>> | undefined {
    return this.#live.some(({ bytes }) => bytes !== undefined)
      ? new Map(this.#live.map(({ reference, bytes }) => [
        reference.sha256,
        bytes ?? this.#local.readBlob(key, reference),
      ]))
      : undefined;
  }

  readDetails(): (RecordDetails & Details) | undefined {
    return this.#file.details();
  }

  /** Where blobs can be read in this turn. */
  #depot(): Depot {
    const depot = this.isStored ? this.#local : this.#from.upstream.near();
    if (depot !== undefined) return depot;
    throw new ResultLostError(
      `Cannot load the result in this turn as its large parts are still at ${this.#from.place}: await the job`,
      { cause: this.#refused },
    );
  }
}

/** A record of an upstream. */
export class UpstreamRecord extends CachedRecord {
  readonly file: RecordFile;
  readonly upstream: Upstream;
  readonly snapshot: string | undefined;
  readonly #source: UpstreamSource;

  constructor(file: RecordFile, from: Provenance, local: Depot) {
    const source = new UpstreamSource(file, from, local);
    super(source, file.key, file.fn, file.body);
    this.from = from.place;
    this.file = file;
    this.upstream = from.upstream;
    this.snapshot = from.snapshot;
    this.#source = source;
  }

  /** Whether it is in this cache now. */
  get isStored(): boolean {
    return this.#source.isStored;
  }

  /** Bytes that it takes in memory. */
  get size(): number {
    return this.file.raw.length + this.#source.heldBytes;
  }

  /** Stores it here with its blobs, or else keeps them in memory. Rejects if they do not come. */
  fetch(signal: AbortSignal): Promise<void> {
    return this.#source.fetch(signal);
  }
}
