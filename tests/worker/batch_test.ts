import { assertEquals } from "@std/assert";
import { isPlain, packBatch, unpackBatch } from "../../lib/worker/batch.ts";
import type { RunMessage } from "../../lib/worker/protocol.ts";

function run(task: number, bytes: number[], given: object = {}): RunMessage {
  return {
    type: "run",
    task,
    key: String(task % 10).repeat(64),
    name: "f",
    version: "1",
    code: { kind: "module", url: "file:///f.ts" },
    list: { bytes: Uint8Array.from(bytes), leaves: [] },
    upstream: [],
    digest: task % 2 === 0,
    timed: false,
    flag: 100 + task,
    ...given,
  };
}

const LEAF = { bytes: new Uint8Array(3) };
const NOT_PLAIN = [
  { upstream: [{ bytes: new Uint8Array(1), leaves: [] }] },
  { list: { bytes: new Uint8Array(1), leaves: [LEAF] } },
  { timed: true },
];

Deno.test("tasks come out of a batch as they went in, also by structured clone", () => {
  const runs = [run(1, [1, 2]), run(2, []), run(3, [3]), run(44, [4, 5, 6])];
  assertEquals(unpackBatch(structuredClone(packBatch(runs))), runs);
});

for (const [i, given] of NOT_PLAIN.entries()) {
  Deno.test(`a last task that is not plain (${i}) travels beside the others`, () => {
    const runs = [run(1, [1]), run(2, [2]), run(3, [3], given)];
    assertEquals(runs.map(isPlain), [true, true, false]);
    assertEquals(unpackBatch(structuredClone(packBatch(runs))), runs);
  });
}
