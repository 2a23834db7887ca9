/**
 * How records get into a cache of files: blobs first. Comes with the first miss.
 *
 * @module
 */

import { FileChangedError } from "../errors.ts";
import { isFull } from "./failure.ts";
import { isOfSystem } from "./portable_keeper.ts";
import { type PortableHome, PortableRoom } from "./portable_room.ts";
import { processMemo } from "../value/file_digest.ts";
import { storeBlobs } from "./arrival.ts";
import { hostName, versionsHere } from "./host.ts";
import type { Origin } from "./interned.ts";
import { infoOf } from "./portable_folder.ts";
import type { Arrival, NewRecord, StoredRecord } from "./record.ts";
import { encodeRecordFile } from "./record_file.ts";
import { blobsOf, type Body } from "./row.ts";
import {
  bytesToCome,
  contributionOf,
  expectedBody,
  needsBlobs,
  writeBlobs,
} from "./stored_body.ts";
import { valueBytes } from "./stored_value.ts";
import type { Timing } from "../task.ts";

/** How often blobs that go at once are written again. */
const ATTEMPTS = 3;

/** Stores records in one cache folder. */
export class PortableWriter {
  readonly #home: PortableHome;
  readonly #room: PortableRoom;
  #here: Origin | undefined;
  #storedAt = 0;

  constructor(home: PortableHome) {
    this.#home = home;
    this.#room = new PortableRoom(home);
  }

  get room(): PortableRoom {
    return this.#room;
  }

  store(
    record: NewRecord,
  ): StoredRecord | undefined | Promise<StoredRecord | undefined> {
    if (this.#home.keeper.open() !== "writable") {
      this.#release(record);
      return undefined;
    }
    if (this.#room.isTooLarge(record, valueBytes(record))) {
      this.#release(record);
      return undefined;
    }
    if (needsBlobs(record)) {
      return this.#home.keep(this.#storeWithBlobs(record));
    }
    const { status, value } = record.outcome;
    let bytes: Uint8Array<ArrayBuffer>;
    try {
      bytes = this.#encode(record, {
        status,
        contribution: contributionOf(record),
        leaves: [],
        document: value.bytes,
      });
    } catch (error) {
      this.#home.keeper.warnNotStored(error);
      this.#release(record);
      return undefined;
    }
    const taken = bytes.length + this.#snapshotBytes(record);
    const room = this.#room.take(taken, record);
    if (room instanceof Promise) {
      return this.#home.keep(
        room.then((isThere) =>
          isThere ? this.#putSmall(record, bytes, taken) : this.#release(record)
        ).then(() => undefined),
      );
    }
    return this.#putSmall(record, bytes, taken)?.then(() => undefined);
  }

  adopt(arrival: Arrival): boolean | Promise<boolean> {
    if (this.#home.keeper.open() !== "writable") return false;
    const { file } = arrival;
    if (this.#room.isTooLarge(file, file.bytes)) return false;
    let taken = file.raw.length + bytesToCome(file.body, this.#home.blobs);
    if (arrival.snapshot !== undefined) {
      taken += this.#home.snapshots.bytesFor(file.fn.code, arrival.snapshot);
    }
    const adopt = () =>
      blobsOf(file.body).length > 0
        ? this.#home.keep(this.#adoptWithBlobs(arrival, taken))
        : this.#adoptSmall(arrival, taken);
    const room = this.#room.take(taken, file);
    return room instanceof Promise
      ? this.#home.keep(room.then((isThere) => isThere && adopt()))
      : adopt();
  }

  /** Puts a record without blobs in its place, for which there is room. */
  #putSmall(
    record: NewRecord,
    bytes: Uint8Array<ArrayBuffer>,
    taken: number,
  ): Promise<void> | undefined {
    try {
      this.#putKnown(record, bytes);
    } catch (error) {
      if (isFull(error) && this.#room.isLimited) {
        return this.#home.keep(
          this.#putOnFullDisk(record, bytes, taken, error),
        );
      }
      this.#home.keeper.warnNotStored(error);
    }
    this.#release(record);
    return this.#room.give(taken);
  }

  /** Does so once more when others have made way for it on the disk. */
  async #putOnFullDisk(
    record: NewRecord,
    bytes: Uint8Array<ArrayBuffer>,
    taken: number,
    cause: unknown,
  ): Promise<void> {
    try {
      if (!await this.#room.freeDisk(taken)) throw cause;
      this.#putKnown(record, bytes);
    } catch (error) {
      this.#home.keeper.warnNotStored(error);
    }
    this.#release(record);
    await this.#room.give(taken);
  }

  /** Puts a record without blobs in its place, and remembers what is known of it. */
  #putKnown(record: NewRecord, bytes: Uint8Array<ArrayBuffer>): void {
    if (!this.#put(record, bytes) || !this.#room.isLimited) return;
    const { key, fn, outcome: { timing } } = record;
    this.#room.known.note(key.toHex(), {
      fn,
      size: bytes.length,
      storedAt: this.#storedAt,
      duration: durationOf(timing),
    });
  }

  #adoptSmall(arrival: Arrival, taken: number): boolean | Promise<boolean> {
    let isStored = true;
    try {
      this.#adopt(arrival);
    } catch (error) {
      this.#home.keeper.warnNotStored(error);
      isStored = false;
    }
    return this.#room.give(taken)?.then(() => isStored) ?? isStored;
  }

  async #storeWithBlobs(record: NewRecord): Promise<StoredRecord | undefined> {
    let taken = 0, hasFreed = false;
    try {
      const bytes = this.#room.isLimited ? this.#bytesWithBlobs(record) : 0;
      if (!await this.#room.take(bytes, record)) return undefined;
      taken = bytes;
      for (let attempt = 1;; attempt++) {
        let body: Body, bytes: Uint8Array<ArrayBuffer>;
        try {
          body = await writeBlobs(record, this.#home, processMemo);
          bytes = this.#encode(record, body);
          if (!this.#put(record, bytes)) return undefined;
        } catch (error) {
          if (hasFreed || !isFull(error)) throw error;
          hasFreed = await this.#room.freeDisk(taken);
          if (!hasFreed) throw error;
          continue;
        }
        // Counted even if they are gone: who deletes what a record names subtracts it.
        this.#room.countPlaced(body);
        if (this.#hasBlobs(body)) {
          // Made now, so that what goes is still there for it.
          return this.#home.recordOf(
            this.#home.records.decode(record.key.toHex(), bytes),
          );
        }
        if (attempt === ATTEMPTS) {
          throw new Error(
            "its blobs are deleted by others as they are written",
          );
        }
      }
    } catch (error) {
      if (error instanceof FileChangedError) throw error;
      this.#home.keeper.warnNotStored(error);
      return undefined;
    } finally {
      this.#release(record);
      await this.#room.give(taken);
    }
  }

  async #adoptWithBlobs(arrival: Arrival, taken: number): Promise<boolean> {
    try {
      for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
        const isStored = await storeBlobs(
          arrival,
          this.#home.blobs,
          (cause) => this.#home.keeper.warnNotStored(cause),
        );
        if (!isStored) return false;
        this.#adopt(arrival);
        this.#room.countPlaced(arrival.file.body);
        if (this.#hasBlobs(arrival.file.body)) return true;
      }
      return false;
    } catch (error) {
      if (!isOfSystem(error)) throw error;
      this.#home.keeper.warnNotStored(error);
      return false;
    } finally {
      await this.#room.give(taken);
    }
  }

  #adopt({ file, snapshot }: Arrival): void {
    if (snapshot !== undefined) {
      this.#room.count(this.#home.snapshots.put(file.fn.code, snapshot));
    }
    this.#write(file.key.toHex(), file.raw);
  }

  /** Whether the blobs of a record are still there: whoever collects garbage may not have known of it. */
  #hasBlobs(body: Body): boolean {
    return blobsOf(body)
      .every((blob) => infoOf(this.#home.blobs.path(blob)) !== undefined);
  }

  /** Bytes that a record takes on disk with those of its blobs that are not there, at most. */
  #bytesWithBlobs(record: NewRecord): number {
    const { body, bytes } = expectedBody(record, this.#home.blobs);
    return bytes + this.#encode(record, body).length +
      this.#snapshotBytes(record);
  }

  #snapshotBytes({ snapshot, fn }: NewRecord): number {
    return snapshot === undefined
      ? 0
      : this.#home.snapshots.bytesFor(fn.code, snapshot);
  }

  /** The file of a record. */
  #encode(record: NewRecord, body: Body): Uint8Array<ArrayBuffer> {
    const { key, fn, outcome, preview, parts, upstream } = record;
    const { timing, console } = outcome;
    return encodeRecordFile({
      key,
      fn,
      origin: this.#here ??= { host: hostName(), versions: versionsHere() },
      storedAt: this.#now(),
      bytes: valueBytes(record),
      body,
      details: {
        timing: {
          ...timing,
          duration: durationOf(timing),
        },
        console,
        preview,
        parts,
        upstream,
      },
    });
  }

  /** Puts a record in its place; `false` if somebody has taken over its key. */
  #put(record: NewRecord, bytes: Uint8Array<ArrayBuffer>): boolean {
    const { key, fn, snapshot, lease } = record;
    if (snapshot !== undefined) {
      this.#room.count(this.#home.snapshots.put(fn.code, snapshot));
    }
    if (lease !== undefined && this.#home.leases?.holds(lease) === false) {
      return false;
    }
    this.#write(key.toHex(), bytes);
    return true;
  }

  /** Puts the file of a record in its place. */
  #write(hex: string, bytes: Uint8Array): void {
    const path = this.#home.records.path(hex);
    this.#room.known.forget(hex);
    const { files, totals } = this.#home;
    const makeWay = infoOf(path)?.isFile
      ? () => {
        // It goes first, as to rename does not tell what it has replaced.
        totals.beginDelete();
        this.#room.count(-(files.delete(path) ?? 0));
      }
      : undefined;
    try {
      files.write(path, bytes, makeWay);
    } catch (error) {
      // A file may stand where a folder should be.
      if (!files.evictIntruders(path)) throw error;
      files.write(path, bytes);
    }
    this.#room.count(bytes.length);
  }

  /** The time, by which records of this program can be told apart: never twice the same. */
  #now(): number {
    return this.#storedAt = Math.max(Date.now(), this.#storedAt + 0.001);
  }

  #release({ lease }: NewRecord): void {
    if (lease !== undefined) this.#home.leases?.release(lease);
  }
}

function durationOf({ duration }: Timing): number {
  return Math.max(duration, 0) || 0;
}
