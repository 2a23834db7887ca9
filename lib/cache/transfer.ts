/**
 * Records go from one cache folder to another, checked on the way: into a folder
 * that is published, or out of one that came from elsewhere.
 *
 * @module
 */

import { join } from "../value/paths.ts";
import { CacheError, ResultLostError } from "../errors.ts";
import { BadArrival, checkBlob } from "./arrival.ts";
import { FileStore } from "./file_store.ts";
import { CacheFolder } from "./folder.ts";
import { layoutIn, layoutOf } from "./layout.ts";
import { OthersDatabaseError, refuseOthersAside } from "./others_database.ts";
import { infoOf } from "./portable_folder.ts";
import { trustedKeys } from "./public_key.ts";
import type { Arrival, Catalog, Depot, RecordStore } from "./record.ts";
import {
  decodeRecordFile,
  KnownFunctions,
  type RecordFile,
} from "./record_file.ts";
import type {
  ExportOptions,
  ExportReport,
  ImportOptions,
  ImportReport,
} from "./report.ts";
import { checkFilter, checkTransferOptions } from "./requests.ts";
import { blobsOf } from "./row.ts";
import { isSignedBy, sign, type Signer, signerOf } from "./signature.ts";
import { snapshotIfWhole } from "./snapshots.ts";
import { SqliteStore } from "./sqlite_store.ts";
import { Work } from "./work.ts";
import { loadXxh3 } from "./xxh3.ts";

type Store = RecordStore & Catalog & Depot;

/** A store that is closed at the end of its block. */
type Opened = Store & Disposable;

/** Puts records into a folder of the portable layout, where they are not there yet. */
export async function exportRecords(
  from: string,
  to: string,
  options: ExportOptions,
): Promise<ExportReport> {
  const cannot = `Cannot export to ${to}`;
  checkTransferOptions(options, "sign", cannot);
  const filter = checkFilter(options.filter ?? {});
  const signer = options.sign === undefined
    ? undefined
    : await signerOf(options.sign, cannot);
  if (from === to) {
    throw new CacheError(`${cannot} as that is the cache itself`);
  }
  if (infoOf(to)?.isDirectory === false) {
    throw new CacheError(`${cannot} as it must be a folder: it is a file`);
  }
  layoutOf(to, "files", false);
  using source = openToRead(from, cannot);
  // It looks without noting a use, which would be a change.
  using seen = layoutIn(to) === undefined ? undefined : openToRead(to, cannot);
  using target = closing(new FileStore(to, { readonly: false }));
  target.requireWritable("export to");
  await loadXxh3();
  const functions = new KnownFunctions();
  const work = new Work(options, source.stats().records);
  const report = { records: 0, written: 0, blobs: 0, bytes: 0, failed: 0 };
  /** Snapshots that are there. */
  const snapshots = new Set<string>();
  const snapshotOf = snapshotsIn(source);
  for (const { key: hex } of source.list(filter)) {
    await work.step();
    report.records++;
    const key = Uint8Array.fromHex(hex);
    const file = decoded(source.take(key), functions);
    if (file === undefined) {
      report.failed++;
      continue;
    }
    const { code } = file.fn;
    const there = decoded(seen?.take(key), functions);
    const isSame = there !== undefined && isEqual(there.signed, file.signed);
    if (code !== "" && !snapshots.has(code) && seen?.snapshot(code)) {
      snapshots.add(code);
    }
    const isWhole = isSame && (code === "" || snapshots.has(code)) &&
      blobsOf(file.body).every((blob) => isThere(to, blob));
    if (isWhole && await hasSignature(there, signer)) continue;
    const signed = signer === undefined
      ? (isSame ? there : file)
      : decoded(await sign(isSame ? there : file, signer), functions)!;
    const arrival: Arrival = {
      file: signed,
      snapshot: code === "" || snapshots.has(code)
        ? undefined
        : snapshotOf(code),
      blob: (reference) => {
        const bytes = checkBlob(source.readBlob(key, reference), reference);
        report.blobs++;
        report.bytes += bytes.length;
        return Promise.resolve(bytes);
      },
    };
    if (!await adopted(target, arrival, cannot)) {
      report.failed++;
      continue;
    }
    if (arrival.snapshot !== undefined) snapshots.add(code);
    report.written++;
    report.bytes += signed.raw.length;
  }
  await target.settled();
  requireUsable(source, from, cannot);
  work.finish();
  return report;
}

/** Takes in the records of another folder that are not here yet. */
export async function importRecords(
  to: Store,
  path: string,
  from: string,
  options: ImportOptions,
): Promise<ImportReport> {
  const cannot = `Cannot import from ${from}`;
  checkTransferOptions(options, "trust", cannot);
  const filter = checkFilter(options.filter ?? {});
  const trust = options.trust === undefined
    ? undefined
    : trustedKeys(options.trust, cannot);
  if (from === path) {
    throw new CacheError(`${cannot} as that is the cache itself`);
  }
  using source = openToRead(from, cannot);
  to.requireWritable("import into");
  using seen = openToRead(path, cannot);
  await loadXxh3();
  const functions = new KnownFunctions();
  const work = new Work(options, source.stats().records);
  const snapshotOf = snapshotsIn(source);
  const report = { records: 0, imported: 0, untrusted: 0, failed: 0 };
  for (const { key: hex } of source.list(filter)) {
    await work.step();
    report.records++;
    const key = Uint8Array.fromHex(hex);
    if (seen.take(key) !== undefined) continue;
    const file = decoded(source.take(key), functions);
    if (file === undefined || file.key.toHex() !== hex) {
      report.failed++;
    } else if (trust !== undefined && !await isSignedBy(file, trust)) {
      report.untrusted++;
    } else {
      const arrival: Arrival = {
        file,
        snapshot: snapshotOf(file.fn.code),
        blob: (reference) =>
          Promise.resolve(
            checkBlob(source.readBlob(key, reference), reference),
          ),
      };
      if (await adopted(to, arrival, cannot)) report.imported++;
      else report.failed++;
    }
  }
  await to.settled();
  requireUsable(source, from, cannot);
  work.finish();
  return report;
}

/** Opens a folder without changing anything in it. */
function openToRead(path: string, cannot: string): Opened {
  const layout = layoutIn(path);
  if (layout === undefined) {
    throw new CacheError(`${cannot} as there is no cache in ${path}`);
  }
  if (layout === "files") {
    return closing(new FileStore(path, { readonly: true }));
  }
  try {
    refuseOthersAside(new CacheFolder(path), false);
  } catch (error) {
    if (!(error instanceof OthersDatabaseError)) throw error;
    throw new CacheError(`${cannot} as ${error.message}`, { cause: error });
  }
  return closing(new SqliteStore(path, { readonly: true, aside: true }));
}

/** Tells a cache of which nothing can be read from an empty one; why has been said. */
function requireUsable(source: Store, path: string, cannot: string): void {
  if (source.isUsable) return;
  throw new CacheError(`${cannot} as the cache in ${path} cannot be read`);
}

function closing<S extends Store>(store: S): S & Disposable {
  return Object.assign(store, { [Symbol.dispose]: () => store.close() });
}

/** Reads snapshots, each once. */
function snapshotsIn(source: Store): (digest: string) => string | undefined {
  const known = new Map<string, string | undefined>();
  return (digest) => {
    if (digest === "") return undefined;
    if (!known.has(digest)) {
      known.set(digest, snapshotIfWhole(digest, source.snapshot(digest)));
    }
    return known.get(digest);
  };
}

function decoded(
  bytes: Uint8Array<ArrayBuffer> | undefined,
  functions: KnownFunctions,
): RecordFile | undefined {
  return bytes && decodeRecordFile(bytes, functions);
}

/**
 * Stores a record; `false` if what belongs to it is damaged or gone.
 *
 * @throws {CacheError} if it cannot be written.
 */
async function adopted(
  target: Depot,
  arrival: Arrival,
  cannot: string,
): Promise<boolean> {
  try {
    if (await target.adopt(arrival)) return true;
  } catch (error) {
    // The store has named the blob.
    if (error instanceof ResultLostError) return false;
    if (error instanceof BadArrival) return false;
    throw error;
  }
  throw new CacheError(`${cannot} as a record cannot be written`);
}

async function hasSignature(
  file: RecordFile,
  signer: Signer | undefined,
): Promise<boolean> {
  return signer === undefined ||
    await isSignedBy(file, new Set([signer.publicKey.toHex()]));
}

/** Whether the file of a blob is there, as far as its length tells. */
function isThere(
  folder: string,
  { sha256, byteLength }: { sha256: string; byteLength: number },
): boolean {
  const path = join(folder, "blobs", sha256.slice(0, 2), sha256.slice(2));
  return infoOf(path)?.size === byteLength;
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
