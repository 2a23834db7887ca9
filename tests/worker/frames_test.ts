import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "npm:fast-check@^4";
import { FrameReader, FrameWriter } from "../../lib/worker/frames.ts";

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
      messages.push(message);
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

Deno.test("what somebody else has written into the pipe is noticed", () => {
  const text = new TextEncoder().encode("Hello, I am a program in between\n");
  assertThrows(() => readAll(text, Infinity), TypeError, "something else");
  const whole = join([...toFrame({ type: "a" }), text]);
  assertThrows(() => readAll(whole, 3), TypeError, "something else");
});
