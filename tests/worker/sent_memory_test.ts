import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import * as hi from "../../mod.ts";
import { collector } from "../../lib/garbage.ts";
import { encodeValue } from "../../lib/value/encode.ts";
import { Kept } from "../../lib/worker/kept.ts";
import type { RunMessage, WireLeaf } from "../../lib/worker/protocol.ts";
import { SentMemory } from "../../lib/worker/sent_memory.ts";
import { toWire } from "../../lib/worker/wire.ts";

/** A worker that is sent messages, and what was sent to it. */
class Reader {
  readonly forgotten: number[] = [];
  /** How many bytes of memory went along with each message. */
  readonly sent: number[] = [];
  readonly #kept = new Kept();
  readonly #memory: SentMemory;

  constructor(copies: boolean, keeps = true) {
    this.#memory = new SentMemory({ copies, keeps }, (views, bytes) => {
      this.forgotten.push(...views);
      this.#kept.forgetViews({ type: "forget", views, bytes });
    });
  }

  /** What a job gets that has these views as arguments. */
  take(...views: Uint8Array[]): Uint8Array<SharedArrayBuffer>[] {
    const list = toWire(encodeValue(views, { inPlace: true }), []);
    const message = this.#memory.pack({ type: "run", list } as RunMessage);
    const { leaves } = (message as RunMessage).list;
    const bytes = leaves.map((leaf) => bytesIn(leaf));
    this.sent.push(bytes.reduce((a, b) => a + b, 0));
    const { list: read } = this.#kept.resolve(copied(message) as RunMessage);
    return read.leaves.map((leaf) => "view" in leaf ? leaf.view : NOTHING);
  }
}

const NOTHING = new Uint8Array(new SharedArrayBuffer(0));

function bytesIn(leaf: WireLeaf): number {
  const { bytes } = (leaf as unknown as { view: { bytes?: Uint8Array } }).view;
  return bytes?.byteLength ?? 0;
}

/** As it comes out of a pipe: with other memory. */
function copied(message: unknown): unknown {
  if (message instanceof Uint8Array) {
    if (message.buffer instanceof ArrayBuffer) return message.slice();
    const copy = new Uint8Array(new SharedArrayBuffer(message.byteLength));
    copy.set(message);
    return copy;
  }
  if (Array.isArray(message)) return message.map(copied);
  if (typeof message !== "object" || message === null) return message;
  return Object.fromEntries(
    Object.entries(message).map(([name, value]) => [name, copied(value)]),
  );
}

function bytes(length: number): Uint8Array<SharedArrayBuffer> {
  return hi.share(new Uint8Array(length).map((_, i) => i * 7));
}

Deno.test("memory goes to a worker once, and its views are on one memory there", () => {
  const reader = new Reader(true);
  const [one, other] = [bytes(1_000), bytes(500)];
  for (let i = 0; i < 3; i++) {
    const read = reader.take(one, one.subarray(3), other);
    assertEquals(read, [one, one.subarray(3), other]);
    assertStrictEquals(read[0]!.buffer, read[1]!.buffer);
  }
  assertEquals(reader.sent, [1_500, 0, 0]);
});

Deno.test("small parts go alone, until they would be half of all together", () => {
  const reader = new Reader(true);
  const whole = bytes(8_000);
  for (let i = 0; i < 100; i++) {
    const part = whole.subarray(80 * i + 1, 80 * i + 41);
    assertEquals(reader.take(part, part.subarray(1)), [
      part,
      part.subarray(1),
    ]);
  }
  const total = reader.sent.reduce((a, b) => a + b);
  assert(total > 8_000 && total < 13_000, String(total));
  assertEquals(reader.sent.at(-1), 0);
});

Deno.test("where memory is no copy, all of it is there at once", () => {
  const reader = new Reader(false);
  const whole = bytes(8_000);
  const [read] = reader.take(whole.subarray(10, 20));
  assertEquals(read, whole.subarray(10, 20));
  assertEquals(reader.sent, [8_000]);
});

Deno.test("an element stands at a multiple of its size, wherever its part began", () => {
  const reader = new Reader(true);
  const memory = new SharedArrayBuffer(4_000);
  hi.share(new Uint8Array(memory, 3));
  for (const offset of [3, 5, 8, 24, 1_001]) {
    const view = new Uint8Array(memory, offset, 64);
    const [read] = reader.take(view);
    assertEquals(read!.byteOffset % 8, offset % 8);
  }
});

Deno.test("what is shared anew goes anew, and the old bytes are let go", () => {
  const reader = new Reader(true);
  const view = bytes(1_000);
  reader.take(view);
  view.fill(1);
  hi.share(view);
  assertEquals(reader.take(view), [view]);
  assertEquals(reader.sent, [1_000, 1_000]);
});

Deno.test("where nothing is kept, it stays for the next job that has it too, and for no other", () => {
  const reader = new Reader(true, false);
  const [one, other] = [bytes(1_000), bytes(500)];
  reader.take(one);
  reader.take(one, other);
  reader.take(other);
  reader.take();
  reader.take(one);
  assertEquals(reader.sent, [1_000, 500, 0, 0, 1_000]);
  assertEquals(reader.forgotten, [1, 2]);
});

Deno.test("a worker is told to forget what the program has no more", async () => {
  const reader = new Reader(true);
  const kept = bytes(100);
  reader.take(kept);
  (() => reader.take(bytes(1_000)))();
  // The engine tells of it in a turn of its own.
  for (let turn = 0; turn < 100 && reader.forgotten.length === 0; turn++) {
    collector()!({ type: "major" });
    await new Promise((resolve) => setTimeout(resolve));
  }
  assertEquals(reader.forgotten, [2]);
  reader.take(kept);
  assertEquals(reader.sent, [100, 1_000, 0]);
});
