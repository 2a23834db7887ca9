/**
 * `verify` of the portable layout: everything is read, what is wrong is set aside.
 *
 * @module
 */

import defer * as crypto from "node:crypto";
import { requireFile } from "../value/file_digest.ts";
import type { Evictable } from "./portable_eviction.ts";
import { infoOf, remove } from "./portable_folder.ts";
import { blobsOfRecord, RecordDamage } from "./portable_records.ts";
import type { VerifyReport, WorkOptions } from "./report.ts";
import { Work } from "./work.ts";

/** Bytes read and hashed at a time. */
const PIECE_BYTES = 1_048_576;

/** What is known of a blob. */
type BlobState = "whole" | "damaged" | "gone";

/** Reads everything; what is wrong is set aside. */
export async function verifyPortable(
  { files, records, blobs, blobFiles }: Evictable,
  options: WorkOptions,
): Promise<VerifyReport> {
  const report = {
    records: 0,
    blobs: 0,
    bytes: 0,
    badDatabases: 0,
    badRecords: 0,
    badBlobs: 0,
    unusedBlobs: 0,
  };
  blobs.recallAll();
  const keys = [...records.keys()];
  const digests = Array.from(blobFiles.files(), ({ digest }) => digest);
  const work = new Work(options, keys.length + digests.length);
  const states = new Map<string, BlobState>();

  const check = async (digest: string): Promise<BlobState> => {
    const path = blobs.path(digest);
    const { state, bytes } = await stateOf(path, digest);
    states.set(digest, state);
    report.bytes += bytes;
    if (state !== "gone") report.blobs++;
    if (state === "damaged") {
      report.badBlobs++;
      files.folder.setFileAside(path, digest);
    }
    await work.step();
    return state;
  };

  for (const digest of digests) await check(digest);
  const unused = new Set(digests);
  const missing = new Set<string>();
  for (const hex of keys) {
    const path = records.path(hex);
    try {
      const bytes = files.read(path);
      if (bytes === undefined) continue;
      const file = records.decode(hex, bytes);
      report.records++;
      report.bytes += infoOf(path)?.size ?? 0;
      let isBad = file.details() === undefined;
      const gone: string[] = [];
      for (const { sha256 } of blobsOfRecord(file)) {
        unused.delete(sha256);
        // It may have been written since we looked.
        const known = states.get(sha256);
        const state = known === "whole" ? known : await check(sha256);
        if (state === "gone" && known !== "damaged") gone.push(sha256);
        else if (state !== "whole") isBad = true;
      }
      if (!isBad && gone.length === 0) continue;
      // With a record that was deleted or replaced since it was read, its blobs may go.
      const now = files.read(path);
      if (now === undefined || !equal(now, bytes)) continue;
      for (const digest of gone) {
        // Written anew, or moved away by somebody who looks whether it is needed.
        if (infoOf(blobs.path(digest)) ?? blobs.recall(digest)) continue;
        missing.add(digest);
        isBad = true;
      }
      if (!isBad) continue;
      report.badRecords++;
      remove(path);
    } catch (error) {
      if (error instanceof RecordDamage && error.foreign) continue;
      report.records++;
      report.badRecords++;
      files.folder.setFileAside(path, hex);
    }
    await work.step();
  }
  for (const digest of unused) {
    if (states.get(digest) === "whole") report.unusedBlobs++;
  }
  work.finish();
  return { ...report, missingBlobs: missing.size };
}

async function stateOf(
  path: string,
  digest: string,
): Promise<{ state: BlobState; bytes: number }> {
  let bytes = 0;
  try {
    requireFile(path);
    using file = await Deno.open(path);
    const hash = crypto.createHash("sha256");
    const piece = new Uint8Array(PIECE_BYTES);
    for (;;) {
      const count = await file.read(piece);
      if (count === null) break;
      hash.update(piece.subarray(0, count));
      bytes += count;
    }
    const state = hash.digest("hex") === digest ? "whole" : "damaged";
    return { state, bytes };
  } catch (error) {
    const state = error instanceof Deno.errors.NotFound ? "gone" : "damaged";
    return { state, bytes };
  }
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
