import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "npm:fast-check@^4";
import { FrameReader } from "../../lib/worker/frame_reader.ts";
import { FrameWriter } from "../../lib/worker/frame_writer.ts";
import { Kept } from "../../lib/worker/kept.ts";
import type {
  ChunkMessage,
  DoneMessage,
  RunMessage,
} from "../../lib/worker/protocol.ts";
import { QuickResult } from "../../lib/worker/results.ts";
import { ShortTask, TaskReader } from "../../lib/worker/short_messages.ts";
import { SmallValue, smallValueOf } from "../../lib/value/small.ts";

function toFrame(message: object): Uint8Array[] {
  return new FrameWriter().write(message);
}

/** Reads what `bytes` hold, in parts of at most `most` bytes, as a pipe may give them. */
function readAll(bytes: Uint8Array<ArrayBuffer>, most: number): object[] {
  const frames = new FrameReader();
  const messages: object[] = [];
  for (let at = 0;;) {
    const message = frames.next();
    if (message !== undefined) {
      messages.push(kept(message));
      continue;
    }
    if (at === bytes.byteLength) return messages;
    const space = frames.space();
    assert(space.byteLength > 0);
    const part = bytes.subarray(at, at + Math.min(most, space.byteLength));
    space.set(part);
    frames.filled(space.subarray(0, part.byteLength));
    at += part.byteLength;
  }
}

/** What stays of a message when the next is read. */
function kept(message: object): object {
  if (message instanceof ShortTask) return new ShortTask(message.bytes.slice());
  if (!(message instanceof QuickResult)) return message;
  const { task, begins, value, contribution, startedAt, duration } = message;
  if (value === undefined) return { task, stage: begins ? "begins" : "ends" };
  return {
    type: "done",
    task,
    status: "finished",
    value: { bytes: smallValueOf(value).bytes, leaves: [] },
    ...(contribution === undefined ? {} : { contribution }),
    timing: { startedAt, duration },
  };
}

function join(pieces: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(
    pieces.reduce((sum, { byteLength }) => sum + byteLength, 0),
  );
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.byteLength;
  }
  return whole;
}

const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 50 }),
  fc.constantFrom(0, 16_383, 16_384, 65_536, 200_000).map((length) =>
    new Uint8Array(length).map((_, i) => i)
  ),
);
const message = fc.record({
  type: fc.constant("any"),
  text: fc.string({ unit: "binary" }),
  number: fc.double({ noNaN: true, noDefaultInfinity: true }).map((x) =>
    // JSON has one zero.
    x + 0
  ),
  list: fc.array(fc.record({ bytes, is: fc.boolean() }), { maxLength: 4 }),
  nested: fc.record({ value: fc.option(bytes) }),
});

Deno.test("messages come out of frames as they went in, however the pipe parts them", () => {
  fc.assert(
    fc.property(
      fc.array(message, { maxLength: 3 }),
      fc.constantFrom(1, 7, 1_000, 65_536, Infinity),
      (messages, most) => {
        const small = messages.every(({ list, nested }) =>
          [...list.map(({ bytes }) => bytes), nested.value].every((it) =>
            (it?.byteLength ?? 0) < 1_000
          )
        );
        const whole = join(messages.flatMap((it) => toFrame(it)));
        const read = readAll(whole, small ? most : Math.max(most, 1_000));
        assertEquals(read, messages);
      },
    ),
    { numRuns: 60 },
  );
});

Deno.test("lone surrogates, empty arrays and odd names come through", () => {
  const odd = JSON.parse(
    `{ "type": "odd", "imports": { "__proto__": "x", "constructor": "y" } }`,
  );
  const given = [
    { type: "a", text: "\ud800 \udc00 \u{1F600}", bytes: new Uint8Array() },
    odd,
  ];
  const read = readAll(join(given.flatMap((it) => toFrame(it))), 5);
  assertEquals(read, given);
  assert(Object.hasOwn((read[1] as typeof odd).imports, "__proto__"));
});

Deno.test("each array has memory of its own", () => {
  const sent = { a: new Uint8Array(10), b: new Uint8Array(100_000) };
  const [read] = readAll(join(toFrame(sent)), Infinity) as [typeof sent];
  for (const array of [read.a, read.b]) {
    assertEquals(array.buffer.byteLength, array.byteLength);
  }
});

Deno.test("shared memory comes through once, and again after it was forgotten", () => {
  const shared = new SharedArrayBuffer(100_000);
  new Uint8Array(shared).fill(7);
  const small = new SharedArrayBuffer(5);
  const frames = new FrameWriter();
  const messages = [
    { shared, list: [{ shared: small }], bytes: new Uint8Array(3) },
    { shared, list: [{ shared: small }], bytes: new Uint8Array(20_000) },
    { shared, list: [] },
  ];
  const sent = messages.map((it) => frames.write(it));
  frames.forgotten();
  sent.push(frames.write(messages[2]!));
  assertEquals(
    sent.map((it) => join(it).byteLength > 100_000),
    [true, false, false, true],
  );
  const kept = new Kept();
  const read = readAll(join(sent.flat()), 70_000) as {
    shared: ArrayBuffer;
  }[];
  const resolved = read.slice(0, 3).map((it) => kept.resolve(it));
  assertEquals(
    resolved,
    messages.map((it) => ({
      ...it,
      shared: new Uint8Array(shared).slice().buffer,
      list: it.list.map(() => ({ shared: new ArrayBuffer(5) })),
    })),
  );
  kept.forget();
  assertEquals(resolved[2]!.shared.detached, true);
  const again = kept.resolve(read[3]!);
  assertEquals([...new Uint8Array(again.shared)], [...new Uint8Array(shared)]);
});

const run: RunMessage = {
  type: "run",
  task: 2 ** 32 - 1,
  key: undefined,
  name: "f\u00e4",
  version: "1",
  code: { kind: "module", url: "file:///f.ts" },
  list: { bytes: Uint8Array.of(129, 1), leaves: [] },
  upstream: [],
  digest: false,
  timed: true,
  importTimeout: undefined,
  flag: 262_144,
};

Deno.test("short tasks come out of frames as they went in, also those of several functions", () => {
  const runs: RunMessage[] = [
    run,
    { ...run, importTimeout: Infinity, key: "0".repeat(64) },
    { ...run, version: "2", digest: true, timed: false },
    { ...run, list: { bytes: new Uint8Array(), leaves: [] } },
    { ...run, code: { kind: "module", url: "file:///g.ts" } },
  ];
  const frames = new FrameWriter();
  const read = readAll(join(runs.flatMap((it) => frames.write(it))), 9);
  const tasks = new TaskReader();
  assertEquals(
    read.map((it) => {
      if (!(it instanceof ShortTask)) return it;
      assertEquals([it.task, it.flag], [run.task, run.flag]);
      return tasks.read(it.bytes, 0, it.bytes.length);
    }),
    runs,
  );
});

Deno.test("arguments that are kept as characters come out of frames as their bytes, whatever travels with them", () => {
  const list = new SmallValue("\x82\x01\x18\xff");
  const bytes = Uint8Array.of(130, 1, 24, 255);
  const [short] = readAll(join(toFrame({ ...run, list })), 9);
  const sent = (short as ShortTask).bytes;
  assertEquals(new TaskReader().read(sent, 0, sent.length), {
    ...run,
    list: { bytes, leaves: [] },
  });
  const { key: _, importTimeout: __, ...rest } = run;
  const upstream = [run.list];
  assertEquals(readAll(join(toFrame({ ...rest, list, upstream })), Infinity), [
    { ...rest, list: { bytes, leaves: [] }, upstream },
  ]);
});

for (
  const [what, given] of [
    ["many bytes", { list: { bytes: new Uint8Array(3_000), leaves: [] } }],
    ["a leaf", {
      list: {
        bytes: new Uint8Array(3),
        leaves: [{ bytes: new Uint8Array(70_000) }],
      },
    }],
    ["a job's result", { upstream: [run.list] }],
  ] as const
) {
  Deno.test(`a task with ${what} comes out of a frame as it went in`, () => {
    // What is absent is not there in JSON.
    const { key: _, importTimeout: __, ...sent } = { ...run, ...given };
    assertEquals(readAll(join(toFrame(sent)), Infinity), [sent]);
  });
}

Deno.test("results come out of frames as they went in, short or not", () => {
  const done: DoneMessage = {
    type: "done",
    task: 7,
    status: "finished",
    value: { bytes: Uint8Array.of(1, 2, 3), leaves: [] },
    timing: { startedAt: 1_700_000_000_000, duration: 0.25 },
  };
  const given: DoneMessage[] = [
    done,
    { ...done, contribution: new Uint8Array() },
    { ...done, contribution: Uint8Array.of(9) },
    { ...done, value: { bytes: new Uint8Array(), leaves: [] } },
    { ...done, value: { bytes: new Uint8Array(100_000), leaves: [] } },
    { ...done, status: "error" },
    { ...done, status: "error", lost: true, retire: true },
    { ...done, retire: true },
    {
      ...done,
      value: {
        ...done.value,
        files: [{ kind: "file", path: "a", digest: "b", size: 1 }],
      },
    },
  ];
  const read = readAll(join(given.flatMap((it) => toFrame(it))), 7_000);
  assertEquals(
    read,
    given,
  );
});

Deno.test("chunks, and how far they are, come out of frames as they went in", () => {
  const items = Array.from({ length: 512 }, (_, i) => new Uint8Array(i % 300));
  const chunk: ChunkMessage = {
    type: "chunk",
    chunk: 70_000,
    after: undefined,
    name: "f",
    version: "1",
    code: { kind: "module", url: "file:///f.ts" },
    flag: 3,
    measured: false,
    ends: Uint32Array.of(1, 3, 3, 7),
    bytes: Uint8Array.of(1, 2, 3, 4, 5, 6, 7),
  };
  let end = 0;
  const large: ChunkMessage = {
    ...chunk,
    after: 70_000,
    measured: true,
    ends: Uint32Array.from(items, ({ length }) => end += length),
    bytes: new Uint8Array(end).fill(9),
  };
  const frames = [chunk, large].flatMap((it) => toFrame(it));
  const reader = new TaskReader();
  const read = readAll(join(frames), 7_000) as ShortTask[];
  assertEquals(
    read.map(({ bytes }) => reader.read(bytes, 0, bytes.length)),
    [chunk, large],
  );
  assertEquals(
    read.map(({ task, flag, isChunk, after }) => [task, flag, isChunk, after]),
    [[70_000, 3, true, 0], [70_000, 3, true, 70_000]],
  );
  const writer = new FrameWriter();
  const stages = (["begins", "ends"] as const).map((stage) =>
    writer.stage(70_000, stage).slice()
  );
  assertEquals(readAll(join(stages), Infinity), [
    { task: 70_000, stage: "begins" },
    { task: 70_000, stage: "ends" },
  ]);
});

Deno.test("what somebody else has written into the pipe is noticed", () => {
  const text = new TextEncoder().encode("Hello, I am a program in between\n");
  assertThrows(() => readAll(text, Infinity), TypeError, "something else");
  const whole = join([...toFrame({ type: "a" }), text]);
  assertThrows(() => readAll(whole, 3), TypeError, "something else");
});

Deno.test("an array in shared memory comes through as one, each time", () => {
  const shared = new Uint8Array(new SharedArrayBuffer(200_001)).fill(7);
  const given = {
    list: [shared.subarray(3), new Uint8Array(70_000).fill(1), shared],
    empty: new Uint8Array(new SharedArrayBuffer(0)),
    text: "x",
  };
  for (const most of [1_000, 70_000]) {
    const [read] = readAll(join(toFrame(given)), most) as [typeof given];
    const isShared = [...read.list, read.empty].map(({ buffer }) =>
      buffer instanceof SharedArrayBuffer
    );
    assertEquals(isShared, [true, false, true, true]);
    assertEquals(
      [...read.list, read.empty].map((it) => it.slice()),
      [...given.list, given.empty].map((it) => it.slice()),
    );
  }
});
