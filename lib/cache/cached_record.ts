/**
 * A record as a lookup gives it: what a hit needs at once, the rest when asked for.
 *
 * @module
 */

import type { ConsoleLine, Outcome, Timing } from "../task.ts";
import type { EncodedValue, FileContent, Leaf } from "../value/encoded.ts";
import { BlobReference, type StoredFile } from "./blob_reference.ts";
import type { LiveBlob } from "./live_blobs.ts";
import type { FunctionInfo, RecordDetails, StoredRecord } from "./record.ts";
import type { Body, Details } from "./row.ts";

/** What a record needs of its store after the lookup. */
export interface RecordSource {
  /** Notes that somebody needs a blob, as long as what it gives is no garbage. */
  hold(reference: BlobReference): LiveBlob;
  /** The verified bytes of a blob, in a new buffer; throws `ResultLostError`. */
  readBlob(
    key: Uint8Array<ArrayBuffer>,
    reference: BlobReference,
  ): Uint8Array<ArrayBuffer>;
  /** Puts files back where they are missing or have another content; throws as `EncodedValue.restoreFiles`. */
  restoreFiles(
    key: Uint8Array<ArrayBuffer>,
    files: readonly StoredFile[],
  ): void;
  /** Brings blobs here; absent if they are here. */
  load?(signal: AbortSignal): Promise<void>;
  /** Timing, console and the rest; `undefined` if that part is lost. */
  readDetails(
    key: Uint8Array<ArrayBuffer>,
  ): (RecordDetails & Details) | undefined;
}

const NO_TIMING: Timing = { startedAt: 0, duration: 0 };
const NO_LEAVES: readonly Leaf[] = [];

/** A large binary leaf on disk. Its bytes are read whenever they are asked for, and kept only where the limits have cost its blob. */
class CachedLeaf implements Leaf {
  readonly #source: RecordSource;
  readonly #key: Uint8Array<ArrayBuffer>;
  readonly #live: LiveBlob;
  readonly reference: BlobReference;

  constructor(
    source: RecordSource,
    key: Uint8Array<ArrayBuffer>,
    reference: BlobReference,
  ) {
    this.#source = source;
    this.#key = key;
    this.#live = source.hold(reference);
    this.reference = reference;
  }

  get byteLength(): number {
    return this.reference.byteLength;
  }

  get digest(): string {
    return this.reference.sha256;
  }

  peek(): Uint8Array<ArrayBuffer> {
    return this.#live.bytes ?? this.read();
  }

  read(): Uint8Array<ArrayBuffer> {
    return this.#live.bytes?.slice() ??
      this.#source.readBlob(this.#key, this.reference);
  }
}

/** An encoded value whose bytes are a blob: read when asked for, as a leaf. */
class CachedDocument implements EncodedValue {
  readonly #leaf: CachedLeaf;
  readonly leaves: readonly Leaf[];

  constructor(leaf: CachedLeaf, leaves: readonly Leaf[]) {
    this.#leaf = leaf;
    this.leaves = leaves;
  }

  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#leaf.peek();
  }
}

/** An encoded value with files, which the cache has. */
class CachedFiles implements EncodedValue {
  readonly files: readonly FileContent[];
  readonly #value: EncodedValue;
  readonly #restore: () => void;

  constructor(
    value: EncodedValue,
    files: readonly FileContent[],
    restore: () => void,
  ) {
    this.#value = value;
    this.files = files;
    this.#restore = restore;
  }

  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#value.bytes;
  }

  get leaves(): readonly Leaf[] {
    return this.#value.leaves;
  }

  restoreFiles(): void {
    this.#restore();
  }
}

/** An encoded value whose blobs may have to come first. */
class DistantValue implements EncodedValue {
  readonly #value: EncodedValue;
  readonly load: (signal: AbortSignal) => Promise<void>;
  readonly restoreFiles?: () => void;

  constructor(
    value: EncodedValue,
    load: (signal: AbortSignal) => Promise<void>,
  ) {
    this.#value = value;
    this.load = load;
    if (value.files !== undefined) {
      this.restoreFiles = () => value.restoreFiles?.();
    }
  }

  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#value.bytes;
  }

  get leaves(): readonly Leaf[] {
    return this.#value.leaves;
  }

  get files(): readonly FileContent[] | undefined {
    return this.#value.files;
  }
}

/** The outcome of a record. */
class CachedOutcome {
  readonly status: Outcome["status"];
  readonly value: EncodedValue;
  readonly contribution: Uint8Array | undefined;
  readonly #record: CachedRecord;

  constructor(
    record: CachedRecord,
    status: Outcome["status"],
    value: EncodedValue,
    contribution: Uint8Array | undefined,
  ) {
    this.#record = record;
    this.status = status;
    this.value = value;
    this.contribution = contribution;
  }

  get console(): readonly ConsoleLine[] {
    return this.#record.details()?.console ?? [];
  }

  get timing(): Timing {
    return this.#record.details()?.timing ?? NO_TIMING;
  }
}

/** A record of a cache. */
export class CachedRecord implements StoredRecord {
  readonly fn: FunctionInfo;
  readonly outcome: Outcome;
  /** The upstream that it has just come from. */
  from: string | undefined;
  /** Whether blobs must be read for its value, or may have to be for its files. */
  readonly hasBlobs: boolean;
  /** Whether blobs must be read for its value. */
  readonly readsBlobs: boolean;
  /** Whether its value refers to files. */
  readonly hasFiles: boolean;
  /** What it is made of. */
  readonly body: Body;
  readonly #source: RecordSource;
  readonly #key: Uint8Array<ArrayBuffer>;
  #details: (RecordDetails & Details) | undefined;

  constructor(
    source: RecordSource,
    key: Uint8Array<ArrayBuffer>,
    fn: FunctionInfo,
    body: Body,
  ) {
    const { status, contribution, leaves, files, document } = body;
    this.body = body;
    this.#source = source;
    this.#key = key;
    this.fn = fn;
    const cached = leaves.length === 0
      ? NO_LEAVES
      : leaves.map((leaf) => new CachedLeaf(source, key, leaf));
    const isBlob = document instanceof BlobReference;
    const value = isBlob
      ? new CachedDocument(new CachedLeaf(source, key, document), cached)
      : { bytes: document, leaves: cached };
    this.readsBlobs = isBlob || leaves.length > 0;
    const hasFiles = files !== undefined && files.length > 0;
    this.hasFiles = hasFiles;
    this.hasBlobs = this.readsBlobs || hasFiles;
    const whole = hasFiles
      ? new CachedFiles(value, files, () => source.restoreFiles(key, files))
      : value;
    this.outcome = new CachedOutcome(
      this,
      status,
      this.hasBlobs && source.load !== undefined
        ? new DistantValue(whole, source.load)
        : whole,
      contribution,
    ) as Outcome;
  }

  /** Timing, console and the rest, read at the first call. */
  details(): (RecordDetails & Details) | undefined {
    return this.#details ??= this.#source.readDetails(this.#key);
  }
}
