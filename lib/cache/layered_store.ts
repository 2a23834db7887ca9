/**
 * A cache that reads through: what is not in its own folder is looked for in
 * others, in their order. What comes from there is checked, used, and stored here.
 *
 * Folders answer a lookup in the same turn where a record has no blobs and nobody's
 * signature is asked for. All else comes with `fetch`: records of servers, records
 * whose signature is to be checked, and blobs.
 *
 * @module
 */

import { ResultLostError } from "../errors.ts";
import type { DigestMemo } from "../value/file_digest.ts";
import { warnOnce } from "../warn.ts";
import { BadArrival, NoAnswer } from "./arrival.ts";
import { CachedRecord } from "./cached_record.ts";
import { causeOf } from "./failure.ts";
import { FolderUpstream } from "./folder_upstream.ts";
import type { Leases } from "./lease.ts";
import type {
  CacheStats,
  Depot,
  NearestRecord,
  NewRecord,
  RecordStore,
  StoredRecord,
} from "./record.ts";
import {
  decodeRecordFile,
  KnownFunctions,
  type RecordFile,
} from "./record_file.ts";
import type { Likeness } from "./resemblance.ts";
import { otherFormat } from "./sealed.ts";
import { ServerUpstream } from "./server_upstream.ts";
import { snapshotIfWhole } from "./snapshots.ts";
import type { CheckedUpstream, Upstream } from "./upstream.ts";
import { UpstreamRecord } from "./upstream_record.ts";

/** Bytes of records that are not stored here but kept in memory. */
const HELD_BYTES = 67_108_864;

/** One upstream, and how it is to be used. */
export interface Layer {
  readonly upstream: Upstream;
  /** Folder or URL. */
  readonly place: string;
  readonly trust: ReadonlySet<string> | undefined;
}

type Key = Uint8Array<ArrayBuffer>;

/** The upstreams of checked options. */
export function layersOf(given: readonly CheckedUpstream[]): Layer[] {
  return given.map(({ kind, place, trust }) => ({
    place,
    trust,
    upstream: kind === "folder"
      ? new FolderUpstream(place)
      : new ServerUpstream(place),
  }));
}

/** A store in front of others. */
export class LayeredStore implements RecordStore {
  readonly #local: RecordStore & Depot;
  readonly #layers: readonly Layer[];
  /** Whether there are folders alone, so that a lookup sees all that there is. */
  readonly #isNear: boolean;
  readonly #functions = new KnownFunctions();
  /** Records that are used but not stored here, the oldest first. */
  readonly #held = new Map<
    string,
    { readonly record: UpstreamRecord; readonly size: number }
  >();
  #heldBytes = 0;
  /** Keys that a folder has a record of that must be fetched. */
  readonly #seen = new Set<string>();
  /** Records that were fetched and stored here, until they are looked up: a limit may have cost them by then. */
  readonly #fetched = new Map<string, UpstreamRecord>();
  /** Snapshots of the code of records that are not stored here. */
  readonly #snapshots = new Map<string, string>();
  #hits = 0;
  #misses = 0;

  constructor(local: RecordStore & Depot, layers: readonly Layer[]) {
    this.#local = local;
    this.#layers = layers;
    this.#isNear = layers.every(isNear);
  }

  get isReadonly(): boolean {
    return this.#local.isReadonly;
  }

  get leases(): Leases | undefined {
    return this.#local.leases;
  }

  get fileDigests(): DigestMemo | undefined {
    return this.#local.fileDigests;
  }

  lookup(key: Key): StoredRecord | undefined {
    const found = this.#find(key);
    if (found === undefined) this.#misses++;
    else this.#hits++;
    return found;
  }

  prepare(record: StoredRecord): Promise<void> | undefined {
    const here = this.#local.prepare(record);
    if (!(record instanceof UpstreamRecord)) return here;
    const there = record.upstream.near()?.prepare(record);
    return here && there ? Promise.all([here, there]).then(() => {}) : here ??
      there;
  }

  store(
    record: NewRecord,
  ): StoredRecord | undefined | Promise<StoredRecord | undefined> {
    this.#drop(record.key.toHex());
    return this.#local.store(record);
  }

  fetch(
    key: Key,
    signal: AbortSignal,
    needsBlobs: () => boolean,
  ): Promise<boolean> | undefined {
    const hex = key.toHex();
    if (this.#isNear && !this.#seen.delete(hex)) return undefined;
    return this.#fetch(key, hex, signal, needsBlobs);
  }

  snapshot(digest: string): string | undefined {
    return this.#local.snapshot(digest) ?? this.#snapshots.get(digest);
  }

  get isUsable(): boolean {
    return this.#local.isUsable;
  }

  delete(key: Key): boolean {
    this.#drop(key.toHex());
    return this.#local.delete(key);
  }

  nearest(
    name: string,
    like: Likeness,
    except: string,
    before: number,
  ): NearestRecord | undefined {
    return this.#local.nearest(name, like, except, before);
  }

  clear(): void {
    this.#forget();
    this.#local.clear();
  }

  stats(): CacheStats {
    return { ...this.#local.stats(), hits: this.#hits, misses: this.#misses };
  }

  storing(): Promise<void> | undefined {
    return this.#local.storing();
  }

  settled(): Promise<void> {
    return this.#local.settled();
  }

  close(): void {
    this.#forget();
    for (const { upstream } of this.#layers) upstream.close();
    this.#local.close();
  }

  #find(key: Key): StoredRecord | undefined {
    const stored = this.#local.lookup(key);
    const fetched = this.#fetched.size > 0
      ? this.#takeFetched(key.toHex())
      : undefined;
    if (stored === undefined) {
      return fetched ?? this.#held.get(key.toHex())?.record ??
        this.#arriveAtOnce(key);
    }
    if (fetched !== undefined && stored instanceof CachedRecord) {
      stored.from = fetched.from;
    }
    return stored;
  }

  /** What was fetched for the jobs of a key, which all look it up in one turn. */
  #takeFetched(hex: string): UpstreamRecord | undefined {
    const record = this.#fetched.get(hex);
    if (record !== undefined) queueMicrotask(() => this.#fetched.delete(hex));
    return record;
  }

  /** What folders have, in this turn; `undefined` if it is to be fetched. */
  #arriveAtOnce(key: Key): StoredRecord | undefined {
    for (const layer of this.#layers) {
      if (!isNear(layer)) return undefined;
      const near = layer.upstream.near();
      const bytes = near?.take(key);
      const file = bytes && this.#check(layer, key, bytes);
      if (file === undefined) continue;
      const { code } = file.fn;
      const snapshot = code === ""
        ? undefined
        : this.snapshot(code) ?? snapshotIfWhole(code, near!.snapshot(code));
      const record = this.#recordOf(layer, file, snapshot);
      if (!record.hasBlobs) return this.#keepAtOnce(record);
      this.#seen.add(key.toHex());
      return undefined;
    }
    return undefined;
  }

  /** Stores a record without blobs if that can be done in this turn. */
  #keepAtOnce(record: UpstreamRecord): StoredRecord {
    const { file, snapshot, outcome } = record;
    const isStored = outcome.status === "finished" &&
      this.#local.adopt({ file, snapshot, blob: noBlob }) === true;
    const stored = isStored ? this.#local.lookup(file.key) : undefined;
    if (stored instanceof CachedRecord) {
      stored.from = record.from;
      return stored;
    }
    this.#hold(record);
    return record;
  }

  async #fetch(
    key: Key,
    hex: string,
    signal: AbortSignal,
    needsBlobs: () => boolean,
  ): Promise<boolean> {
    for (const layer of this.#layers) {
      try {
        const record = await this.#arrive(layer, key, signal);
        if (record === undefined) continue;
        if (!record.hasBlobs || needsBlobs()) await record.fetch(signal);
        signal.throwIfAborted();
        if (record.isStored) this.#fetched.set(hex, record);
        this.#settle(record);
        this.#misses--;
        return true;
      } catch (error) {
        signal.throwIfAborted();
        refuse(layer, error);
      }
    }
    return false;
  }

  /** A record of one upstream, checked; `undefined` if there is none that can be used. */
  async #arrive(
    layer: Layer,
    key: Key,
    signal: AbortSignal,
  ): Promise<UpstreamRecord | undefined> {
    const { upstream, trust, place } = layer;
    const bytes = await upstream.record(key, signal);
    signal.throwIfAborted();
    const file = bytes && this.#check(layer, key, bytes);
    if (file === undefined) return undefined;
    if (trust !== undefined) {
      const { isSignedBy } = await import("./signature.ts");
      if (!await isSignedBy(file, trust)) {
        warnOnce(
          `${place} trust`,
          `the upstream cache ${place} has records that no key in trust has signed, which are not used: let its publisher sign them with hither cache export --sign, or add the publisher's key`,
        );
        return undefined;
      }
    }
    const { code } = file.fn;
    const snapshot = code === "" ? undefined : this.snapshot(code) ??
      snapshotIfWhole(code, await upstream.snapshot(code, signal));
    return this.#recordOf(layer, file, snapshot);
  }

  /** The record in some bytes, if it is the one that was asked for. */
  #check(
    layer: Layer,
    key: Key,
    bytes: Uint8Array<ArrayBuffer>,
  ): RecordFile | undefined {
    const file = decodeRecordFile(bytes, this.#functions);
    const format = file === undefined ? otherFormat(bytes, "R") : undefined;
    const problem = format !== undefined
      ? `a record of format ${format}, which this version does not read`
      : file === undefined
      ? "a record that is damaged"
      : file.key.toHex() !== key.toHex()
      ? "the record of another job"
      : undefined;
    if (problem === undefined) return file;
    refuse(layer, new BadArrival(problem));
    return undefined;
  }

  #recordOf(
    layer: Layer,
    file: RecordFile,
    snapshot: string | undefined,
  ): UpstreamRecord {
    const { upstream, place } = layer;
    const record: UpstreamRecord = new UpstreamRecord(file, {
      upstream,
      place,
      snapshot,
      refuse: (error) => refuse(layer, error),
      loaded: () => this.#settle(record),
    }, this.#local);
    return record;
  }

  /** What has its blobs now is either stored here, or takes more memory than before. */
  #settle(record: UpstreamRecord): void {
    if (record.isStored) this.#letGo(record.file.key.toHex());
    else this.#hold(record);
  }

  /** Keeps a record in memory; the oldest make room. */
  #hold(record: UpstreamRecord): void {
    const { file, snapshot, size } = record;
    const hex = file.key.toHex();
    this.#letGo(hex);
    this.#held.set(hex, { record, size });
    this.#heldBytes += size;
    if (snapshot !== undefined) this.#snapshots.set(file.fn.code, snapshot);
    for (const oldest of this.#held.keys()) {
      if (this.#heldBytes <= HELD_BYTES || oldest === hex) break;
      this.#letGo(oldest);
    }
  }

  #letGo(hex: string): void {
    const held = this.#held.get(hex);
    if (held === undefined) return;
    this.#held.delete(hex);
    this.#heldBytes -= held.size;
  }

  /** Forgets what came from an upstream, as there is another record now, or none is wanted. */
  #drop(hex: string): void {
    this.#fetched.delete(hex);
    this.#letGo(hex);
  }

  #forget(): void {
    this.#held.clear();
    this.#heldBytes = 0;
    this.#seen.clear();
    this.#fetched.clear();
    this.#snapshots.clear();
  }
}

/** Whether an upstream can answer in the same turn. */
function isNear({ upstream, trust }: Layer): boolean {
  return upstream instanceof FolderUpstream && trust === undefined;
}

function noBlob(): never {
  throw new BadArrival("no blobs");
}

/** Says what is wrong with what an upstream sent, unless that has been said. */
function refuse({ place }: Layer, error: unknown): void {
  if (error instanceof NoAnswer || error instanceof ResultLostError) return;
  warnOnce(
    `${place} arrival`,
    error instanceof BadArrival
      ? `the upstream cache ${place} sent ${error.message}: the job is run`
      : `a record of the upstream cache ${place} is not used: ${
        causeOf(error)
      }`,
  );
}
