/**
 * Items of `hi.map` in a worker, many in one message.
 *
 * @module
 */

import { type ChunkMessage, Flag, type RunMessage } from "./protocol.ts";

/** The items of a chunk as Tasks. */
export function* unpackChunk(
  { chunk, name, version, code, flag, ends, bytes }: ChunkMessage,
): Generator<RunMessage, void, void> {
  let start = 0;
  for (let i = 0; i < ends.length; i++) {
    const end = ends[i]!;
    yield {
      type: "run",
      task: chunk + 1 + i,
      key: undefined,
      name,
      version,
      code,
      list: { bytes: bytes.subarray(start, end), leaves: NO_LEAVES },
      upstream: NO_LEAVES,
      digest: false,
      timed: false,
      flag,
    };
    start = end;
  }
}

/** Takes up item `index` of a chunk, unless its sender has taken it back. */
export function beginItem(
  flags: Int32Array,
  flag: number,
  index: number,
): boolean {
  const before = Flag.ITEMS + index;
  return Atomics.compareExchange(flags, flag, before, before + 1) === before;
}

const NO_LEAVES: readonly never[] = [];
