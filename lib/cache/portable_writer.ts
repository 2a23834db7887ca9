/**
 * How records get into a cache of files: blobs first. Comes with the first miss.
 *
 * @module
 */

import { FileChangedError } from "../errors.ts";
import { isOfSystem } from "./portable_keeper.ts";
import { type PortableHome, PortableRoom } from "./portable_room.ts";
import { processMemo } from "../value/file_digest.ts";
import { storeBlobs } from "./arrival.ts";
import { hostName, versionsHere } from "./host.ts";
import type { Origin } from "./interned.ts";
import { infoOf } from "./portable_folder.ts";
import type { Arrival, NewRecord, StoredRecord } from "./record.ts";
import { encodeRecordFile, type RecordFile } from "./record_file.ts";
import { blobsOf, type Body } from "./row.ts";
import { contributionOf, needsBlobs, writeBlobs } from "./stored_body.ts";
import { valueBytes } from "./stored_value.ts";

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
    if (this.#room.isTooLarge(record)) {
      this.#release(record);
      return undefined;
    }
    const { status, value } = record.outcome;
    if (
      needsBlobs(record)
    ) {
      return this.#home.keep(this.#storeWithBlobs(record));
    }
    try {
      this.#put(record, {
        status,
        contribution: contributionOf(record),
        leaves: [],
        document: value.bytes,
      });
      return this.#room.makeRoomIfMuch(record.key)?.then(() => undefined);
    } catch (error) {
      this.#home.keeper.warnNotStored(error);
    } finally {
      this.#release(record);
    }
    return undefined;
  }

  adopt(arrival: Arrival): boolean | Promise<boolean> {
    if (this.#home.keeper.open() !== "writable") return false;
    if (blobsOf(arrival.file.body).length > 0) {
      return this.#home.keep(this.#adoptWithBlobs(arrival));
    }
    try {
      this.#adopt(arrival);
      return this.#room.makeRoomIfMuch(arrival.file.key)?.then(() => true) ??
        true;
    } catch (error) {
      this.#home.keeper.warnNotStored(error);
      return false;
    }
  }

  async #storeWithBlobs(record: NewRecord): Promise<StoredRecord | undefined> {
    try {
      for (let attempt = 1;; attempt++) {
        const body = await writeBlobs(record, this.#home, processMemo);
        const file = this.#put(record, body);
        if (file === undefined) return undefined;
        if (this.#hasBlobs(body)) {
          this.#room.countPlaced(body);
          // Made now, so that what goes is still there for it.
          const stored = this.#home.recordOf(file);
          await this.#room.makeRoomIfMuch(record.key);
          return stored;
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
    }
  }

  async #adoptWithBlobs(arrival: Arrival): Promise<boolean> {
    try {
      for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
        const isStored = await storeBlobs(
          arrival,
          this.#home.blobs,
          (cause) => this.#home.keeper.warnNotStored(cause),
        );
        if (!isStored) return false;
        this.#adopt(arrival);
        if (!this.#hasBlobs(arrival.file.body)) continue;
        this.#room.countPlaced(arrival.file.body);
        await this.#room.makeRoomIfMuch(arrival.file.key);
        return true;
      }
      return false;
    } catch (error) {
      if (!isOfSystem(error)) throw error;
      this.#home.keeper.warnNotStored(error);
      return false;
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

  /** Puts a record in its place; `undefined` if somebody has taken over its key. */
  #put(record: NewRecord, body: Body): RecordFile | undefined {
    const { key, fn, outcome, preview, parts, upstream, lease } = record;
    const { timing, console } = outcome;
    const hex = key.toHex();
    if (record.snapshot !== undefined) {
      this.#room.count(this.#home.snapshots.put(fn.code, record.snapshot));
    }
    const bytes = encodeRecordFile({
      key,
      fn,
      origin: this.#here ??= { host: hostName(), versions: versionsHere() },
      storedAt: this.#now(),
      bytes: valueBytes(record),
      body,
      details: {
        timing: {
          ...timing,
          duration: Math.max(timing.duration, 0) || 0,
        },
        console,
        preview,
        parts,
        upstream,
      },
    });
    if (lease !== undefined && this.#home.leases?.holds(lease) === false) {
      return undefined;
    }
    this.#write(hex, bytes);
    return this.#home.records.decode(hex, bytes);
  }

  /** Puts the file of a record in its place. */
  #write(hex: string, bytes: Uint8Array): void {
    const path = this.#home.records.path(hex);
    const replaced = infoOf(path)?.size ?? 0;
    try {
      this.#home.files.write(path, bytes);
    } catch (error) {
      // A file may stand where a folder should be.
      if (!this.#home.files.evictIntruders(path)) throw error;
      this.#home.files.write(path, bytes);
    }
    this.#room.count(bytes.length - replaced);
    this.#room.noteStore();
  }

  /** The time, by which records of this program can be told apart: never twice the same. */
  #now(): number {
    return this.#storedAt = Math.max(Date.now(), this.#storedAt + 0.001);
  }

  #release({ lease }: NewRecord): void {
    if (lease !== undefined) this.#home.leases?.release(lease);
  }
}
