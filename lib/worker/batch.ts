/**
 * Many small Tasks of one function in one message: by columns, since the cost
 * of a message is the number of its objects.
 *
 * @module
 */

import type { BatchMessage, RunMessage } from "./protocol.ts";

/** Whether a Task can travel by columns: its arguments are a few bytes and nothing else. */
export function isPlain({ list, upstream, timed }: RunMessage): boolean {
  return list.leaves.length === 0 && upstream.length === 0 && !timed;
}

/** One message for Tasks of one function, all of them plain but the last one perhaps. */
export function packBatch(runs: readonly RunMessage[]): BatchMessage {
  const last = isPlain(runs.at(-1)!) ? undefined : runs.at(-1);
  const plain = last === undefined ? runs : runs.slice(0, -1);
  const ends: number[] = [];
  let end = 0;
  for (const { list } of plain) ends.push(end += list.bytes.byteLength);
  const bytes = new Uint8Array(end);
  for (const [i, { list }] of plain.entries()) {
    bytes.set(list.bytes, ends[i - 1] ?? 0);
  }
  const { name, version, code } = runs[0]!;
  return {
    type: "batch",
    name,
    version,
    code,
    tasks: plain.map(({ task }) => task),
    keys: plain.every(({ key }) => key === undefined)
      ? undefined
      : plain.map(({ key }) => key),
    digests: plain.map(({ digest }) => digest),
    flags: plain.map(({ flag }) => flag),
    ends,
    bytes,
    last,
  };
}

/** The Tasks that were packed. */
export function unpackBatch(batch: BatchMessage): RunMessage[] {
  const { name, version, code, tasks, keys, digests, flags, ends } = batch;
  const runs = tasks.map((task, i): RunMessage => ({
    type: "run",
    task,
    key: keys?.[i],
    name,
    version,
    code,
    list: {
      bytes: batch.bytes.subarray(ends[i - 1] ?? 0, ends[i]),
      leaves: [],
    },
    upstream: [],
    digest: digests[i]!,
    timed: false,
    flag: flags[i]!,
  }));
  return batch.last === undefined ? runs : [...runs, batch.last];
}
