/**
 * What a record's value is to a cache: its files, and its size.
 *
 * @module
 */

import type { FileContent } from "../value/encoded.ts";
import type { NewRecord } from "./record.ts";

/** The files of a result; those of an error are not kept. */
export function filesOf({ outcome }: NewRecord): readonly FileContent[] {
  return outcome.status === "finished" ? outcome.value.files ?? [] : [];
}

/** Bytes of a value, large leaves and files included. */
export function valueBytes(record: NewRecord): number {
  const { value } = record.outcome;
  let bytes = value.bytes.length;
  for (const leaf of value.leaves) bytes += leaf.byteLength;
  for (const file of filesOf(record)) bytes += file.size;
  return bytes;
}

/**
 * Why a value is not stored: for it all else would have to go, and then it would go as
 * well. `undefined` if it is small enough.
 */
export function refusalOf(
  { fn }: Pick<NewRecord, "fn">,
  bytes: number,
  folder: string,
  maxSize = Infinity,
): string | undefined {
  return bytes <= maxSize
    ? undefined
    : `a result of ${fn.name} is not kept in the cache in ${folder}: it takes ${bytes} bytes and its maxSize is ${maxSize} bytes`;
}
