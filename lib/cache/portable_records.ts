/**
 * The records of a cache in the portable layout, read and checked.
 *
 * @module
 */

import type { BlobReference } from "./blob_reference.ts";
import { infoOf, type PortableFolder } from "./portable_folder.ts";
import {
  decodeRecordFile,
  KnownFunctions,
  type RecordFile,
} from "./record_file.ts";
import type {
  RecordDescription,
  RecordFilter,
  RecordSummary,
} from "./report.ts";
import { blobsOf } from "./row.ts";
import { otherFormat } from "./sealed.ts";
import type { PinSet } from "./victims.ts";

/** Last uses are known to the day. */
export const DAY_MS = 24 * 3_600_000;

/** A file in `jobs/` is not what its name says; the message continues "the record ... ". */
export class RecordDamage extends Error {
  /** Whether another version of hither may read it. */
  readonly foreign: boolean;

  constructor(message: string, foreign: boolean) {
    super(message);
    this.foreign = foreign;
  }
}

/** A record, with what its file on disk tells. */
export interface FoundRecord {
  /** 64 hexadecimal digits. */
  readonly hex: string;
  readonly file: RecordFile;
  /** Bytes of the file. */
  readonly size: number;
  readonly usedAt: number;
}

/** The records of one cache. */
export class PortableRecords {
  readonly #files: PortableFolder;
  readonly #functions = new KnownFunctions();

  constructor(files: PortableFolder) {
    this.#files = files;
  }

  /** Where the record of a key is. */
  path(hex: string): string {
    return this.#files.path("jobs", hex);
  }

  /**
   * The record of a key; `undefined` if there is none.
   *
   * @throws {RecordDamage} if the file is not that record.
   */
  read(hex: string): RecordFile | undefined {
    const bytes = this.#files.read(this.path(hex));
    return bytes && this.decode(hex, bytes);
  }

  /** The record that a file holds. Throws as `read` does. */
  decode(hex: string, bytes: Uint8Array<ArrayBuffer>): RecordFile {
    const file = decodeRecordFile(bytes, this.#functions);
    if (file === undefined) {
      const format = otherFormat(bytes, "R");
      throw format === undefined
        ? new RecordDamage("is damaged", false)
        : new RecordDamage(
          `is of format ${format}, which this version does not read`,
          true,
        );
    }
    if (file.key.toHex() !== hex) {
      throw new RecordDamage("is that of another key", false);
    }
    return file;
  }

  /** A record with size and last use; `undefined` if it is not there or damaged. */
  find(hex: string): FoundRecord | undefined {
    try {
      const file = this.read(hex);
      if (file === undefined) return undefined;
      let usedAt = file.storedAt;
      // No use of a young record is noted, so that is not looked for.
      if (Date.now() - usedAt > DAY_MS) {
        const touched = infoOf(this.path(hex))?.mtime?.getTime() ?? 0;
        usedAt = Math.max(usedAt, touched);
      }
      return { hex, file, size: file.raw.length, usedAt };
    } catch {
      return undefined;
    }
  }

  /** All records whose keys begin with some digits, as far as they are sound. */
  *all(prefix = ""): Iterable<FoundRecord> {
    for (const hex of this.keys(prefix)) {
      const found = this.find(hex);
      if (found !== undefined) yield found;
    }
  }

  /** The keys that begin with some digits. */
  *keys(prefix = ""): Iterable<string> {
    for (const shard of this.#files.shards("jobs")) {
      if (!shard.startsWith(prefix.slice(0, 2))) continue;
      for (const hex of this.#files.digests("jobs", shard)) {
        if (hex.startsWith(prefix)) yield hex;
      }
    }
  }
}

/** The blobs of a record, each once. */
export function blobsOfRecord({ body }: RecordFile): BlobReference[] {
  const blobs = new Map(blobsOf(body).map((blob) => [blob.sha256, blob]));
  return [...blobs.values()];
}

/** A record as a line of a list. */
export function summaryOf(
  { hex, file, usedAt }: FoundRecord,
  pins: PinSet,
): RecordSummary {
  const details = file.details();
  return {
    key: hex,
    fn: file.fn,
    status: file.body.status,
    preview: details?.preview ?? "",
    storedAt: file.storedAt,
    usedAt: Math.max(file.storedAt, Math.floor(usedAt / DAY_MS) * DAY_MS),
    duration: file.duration,
    bytes: file.bytes,
    host: details?.host ?? "",
    pinned: pins.has(hex, file.fn),
  };
}

/** A record with all but its value. */
export function descriptionOf(
  found: FoundRecord,
  pins: PinSet,
): RecordDescription | undefined {
  const details = found.file.details();
  if (details === undefined) return undefined;
  const { timing, parts, upstream, console, versions } = details;
  return {
    ...summaryOf(found, pins),
    parts,
    upstream,
    startedAt: timing.startedAt,
    console,
    versions,
    blobs: blobsOfRecord(found.file)
      .map(({ sha256, byteLength }) => ({
        digest: sha256,
        bytes: byteLength,
      })),
  };
}

/** The records that a filter wants, the latest first. */
export function selectRecords(
  records: PortableRecords,
  { name, version, label, status, keyPrefix }: RecordFilter,
  pins: PinSet,
): RecordSummary[] {
  const found: RecordSummary[] = [];
  for (const record of records.all(keyPrefix)) {
    const { fn, body } = record.file;
    if (
      fn.name === (name ?? fn.name) &&
      fn.version === (version ?? fn.version) &&
      fn.label === (label ?? fn.label) &&
      body.status === (status ?? body.status)
    ) found.push(summaryOf(record, pins));
  }
  return found.sort((a, b) => b.storedAt - a.storedAt);
}
