/**
 * The stored record that a missed key resembles most, in the portable layout.
 *
 * @module
 */

import type { PortableRecords } from "./portable_records.ts";
import type { KeyPart, NearestRecord } from "./record.ts";
import type { RecordFile } from "./record_file.ts";

/** How many records of a cache are looked through: there is no index here. */
const LOOKED_THROUGH = 4_096;

/** The record of a function that shares the most parts, stored not after `before`; the later one of equals. */
export function nearestPortable(
  records: PortableRecords,
  name: string,
  parts: readonly KeyPart[],
  except: string,
  before: number,
): NearestRecord | undefined {
  const wanted = new Set(parts.map(nameOf));
  let nearest: NearestRecord | undefined;
  let most = -1;
  let looked = 0;
  for (const hex of records.keys()) {
    if (looked++ === LOOKED_THROUGH) break;
    const file = hex === except ? undefined : readable(records, hex);
    if (file?.fn.name !== name || Math.floor(file.storedAt) > before) continue;
    const details = file.details();
    if (details === undefined) continue;
    const shared = details.parts.filter((part) => wanted.has(nameOf(part)))
      .length;
    const isLater = file.storedAt > (nearest?.details.storedAt ?? 0);
    if (shared > most || shared === most && isLater) {
      most = shared;
      nearest = { key: hex, fn: file.fn, details };
    }
  }
  return nearest;
}

/** A record, if it is sound; `lookup` tells of one that is not. */
function readable(
  records: PortableRecords,
  hex: string,
): RecordFile | undefined {
  try {
    return records.read(hex);
  } catch {
    return undefined;
  }
}

function nameOf({ path, digest }: KeyPart): string {
  return `${digest} ${path}`;
}
