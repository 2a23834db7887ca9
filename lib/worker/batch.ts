/**
 * Many small Tasks of one function in one message: by columns, since the cost
 * of a message is the number of its objects.
 *
 * @module
 */

import { SmallValue } from "../value/small.ts";
import type { BatchMessage, RunMessage, WireValue } from "./protocol.ts";

/** A message for one Task, whose arguments may still be characters. */
export type UnpackedRun = Omit<RunMessage, "list"> & {
  readonly list: WireValue | SmallValue;
};

/** How many bytes the arguments have, without the leaves. */
export function sizeOf(list: WireValue | SmallValue): number {
  return list instanceof SmallValue ? list.text.length : list.bytes.byteLength;
}

/** The message for one Task. */
export function packOne(run: UnpackedRun): RunMessage {
  const { list } = run;
  if (!(list instanceof SmallValue)) return run as RunMessage;
  return { ...run, list: { bytes: list.bytes, leaves: list.leaves } };
}

/** Whether a Task can travel by columns: its arguments are a few bytes and nothing else. */
export function isPlain(
  { list, upstream, timed }: Pick<UnpackedRun, "list" | "upstream" | "timed">,
): boolean {
  return list.leaves.length === 0 && upstream.length === 0 && !timed;
}

/** One message for Tasks of one function, all of them plain but the last one perhaps; the first may be timed. */
export function packBatch(runs: readonly UnpackedRun[]): BatchMessage {
  const last = isPlain(runs.at(-1)!) ? undefined : packOne(runs.at(-1)!);
  const plain = last === undefined ? runs : runs.slice(0, -1);
  const ends: number[] = [];
  let end = 0;
  for (const { list } of plain) ends.push(end += sizeOf(list));
  const bytes = new Uint8Array(end);
  let at = 0;
  for (const { list } of plain) {
    if (list instanceof SmallValue) {
      const { text } = list;
      for (let i = 0; i < text.length; i++) bytes[at++] = text.charCodeAt(i);
    } else {
      bytes.set(list.bytes, at);
      at += list.bytes.byteLength;
    }
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
    timed: runs[0]!.timed,
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
    // What is JSON on its way has null where a key is missing.
    key: keys?.[i] ?? undefined,
    name,
    version,
    code,
    list: {
      bytes: batch.bytes.subarray(ends[i - 1] ?? 0, ends[i]),
      leaves: [],
    },
    upstream: [],
    digest: digests[i]!,
    timed: i === 0 && batch.timed === true,
    flag: flags[i]!,
  }));
  return batch.last === undefined ? runs : [...runs, batch.last];
}
