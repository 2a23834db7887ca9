/**
 * The stored record that a missed key resembles most, in the portable layout.
 *
 * @module
 */

import type { PortableRecords } from "./portable_records.ts";
import type { NearestRecord } from "./record.ts";
import type { RecordFile } from "./record_file.ts";
import { type Likeness, Resemblance } from "./resemblance.ts";

/** How many records of a cache are looked through: there is no index here. */
const LOOKED_THROUGH = 4_096;

/** The nearest record of a function, stored not after `before`. */
export function nearestPortable(
  records: PortableRecords,
  name: string,
  like: Likeness,
  except: string,
  before: number,
): NearestRecord | undefined {
  const resemblance = new Resemblance(like);
  let looked = 0;
  for (const hex of records.keys()) {
    if (looked++ === LOOKED_THROUGH) break;
    const file = hex === except ? undefined : readable(records, hex);
    if (file?.fn.name !== name || Math.floor(file.storedAt) > before) continue;
    const details = file.details();
    if (details === undefined) continue;
    resemblance.add({ key: hex, fn: file.fn, details });
  }
  return resemblance.nearest;
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
