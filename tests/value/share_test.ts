import {
  assert,
  assertEquals,
  assertNotEquals,
  assertNotStrictEquals,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { Buffer } from "node:buffer";
import fc from "npm:fast-check@^4";
import * as hi from "../../mod.ts";
import { contributionOf, jobKey } from "../../lib/value/contribution.ts";
import { decodeValue } from "../../lib/value/decode.ts";
import { encodeValue } from "../../lib/value/encode.ts";
import { sampleOf } from "../../lib/value/in_place.ts";

const CLASSES = [
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Float16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
  DataView,
] as const;

type View = ArrayBufferView<ArrayBuffer>;

/** Some bytes seen as any kind of view, of a part of their buffer. */
const view: fc.Arbitrary<View> = fc.record({
  type: fc.constantFrom(...CLASSES),
  before: fc.nat({ max: 3 }),
  elements: fc.oneof(fc.nat({ max: 40 }), fc.constantFrom(1_000, 9_001)),
  seed: fc.nat(),
}).map(({ type, before, elements, seed }) => {
  const size = "BYTES_PER_ELEMENT" in type ? type.BYTES_PER_ELEMENT : 1;
  const buffer = new ArrayBuffer(size * (before + elements + 2));
  new Uint8Array(buffer).forEach((_, i, bytes) => {
    bytes[i] = Math.imul(seed + i, 0x9e37_79b1) >>> 24;
  });
  return new (type as typeof DataView)(buffer, size * before, elements);
});

Deno.test("what is shared has the key of the plain array, whatever it is", () => {
  fc.assert(fc.property(view, fc.boolean(), (plain, isInObject) => {
    const wrap = (it: unknown) => isInObject ? [{ deep: [it] }, 1] : [it];
    const shared = hi.share(plain);
    assert(shared.buffer instanceof SharedArrayBuffer);
    assertStrictEquals(
      Object.getPrototypeOf(shared),
      Object.getPrototypeOf(plain),
    );
    assertEquals(
      jobKey("f", "1", wrap(shared)),
      jobKey("f", "1", wrap(plain)),
    );
    assertEquals(contributionOf(shared), contributionOf(plain));
    // As a result it is the plain array, byte for byte.
    const [one, other] = [encodeValue(wrap(shared)), encodeValue(wrap(plain))];
    assertEquals(one.bytes, other.bytes);
    assertEquals(decodeValue(one), wrap(whole(plain)));
  }));
});

/** The same view in a buffer that holds nothing else. */
function whole(view: View): View {
  const { buffer, byteOffset, byteLength } = view;
  const own = buffer.slice(byteOffset, byteOffset + byteLength);
  return new (view.constructor as new (buffer: ArrayBuffer) => View)(own);
}

Deno.test("a part of what is shared has the key of that part, and its bytes alone count", () => {
  const bytes = new Uint8Array(200_000).map((_, i) => i * 7);
  fc.assert(
    fc.property(
      fc.nat({ max: 100_000 }),
      fc.nat({ max: 100_000 }),
      (start, length) => {
        const shared = hi.share(bytes).subarray(start, start + length);
        const part = bytes.slice(start, start + length);
        assertEquals(jobKey("f", "1", [shared]), jobKey("f", "1", [part]));
      },
    ),
    { numRuns: 20 },
  );
});

Deno.test("buffers are shared as well, and what is in shared memory is not copied", () => {
  const buffer = new Uint8Array([1, 2, 3]).buffer;
  const shared = hi.share(buffer);
  assert(shared instanceof SharedArrayBuffer);
  assertEquals([...new Uint8Array(shared)], [1, 2, 3]);
  assertEquals(jobKey("f", "1", [shared]), jobKey("f", "1", [buffer]));
  assertStrictEquals(hi.share(shared), shared);
  const made = new Float64Array(new SharedArrayBuffer(16));
  assertStrictEquals(hi.share(made), made);
  const copy = hi.share(new Float64Array(2));
  assertNotStrictEquals(copy.buffer, hi.share(new Float64Array(2)).buffer);
});

Deno.test("an argument is decoded as the very view, and any other is one of the same memory", () => {
  const shared = hi.share(new Float64Array(3).fill(2));
  const encoded = encodeValue([shared, { again: shared }], { inPlace: true });
  assertEquals(encoded.leaves.length, 1);
  const [one, { again }] = decodeValue(encoded) as [
    Float64Array,
    { again: Float64Array },
  ];
  assertStrictEquals(one, shared);
  assertStrictEquals(again, shared);
});

Deno.test("shared memory is refused until somebody has said that nobody writes to it, with the cure", () => {
  const memory = new SharedArrayBuffer(64);
  for (
    const value of [memory, new Uint8Array(memory, 8), new DataView(memory)]
  ) {
    const error = assertThrows(
      () => jobKey("f", "1", [{ value }]),
      hi.UnsupportedValueError,
      "hi.share",
    );
    assertEquals(error.path, "args[0].value");
    assertStringIncludes(error.message, "slice()");
  }
  hi.share(new Uint8Array(memory, 8, 16));
  // What was promised, and parts of it; not what is around it.
  jobKey("f", "1", [new Uint16Array(memory, 10, 2)]);
  for (const [offset, length] of [[7, 4], [20, 5], [0, 64]]) {
    const around = new Uint8Array(memory, offset, length);
    assertThrows(() => jobKey("f", "1", [around]), hi.UnsupportedValueError);
  }
  // Two promises about neighbours are one.
  hi.share(new Uint8Array(memory, 24, 40));
  jobKey("f", "1", [new Uint8Array(memory, 20, 44)]);
});

Deno.test("what cannot be shared is refused, with the reason and the cure", () => {
  const detached = new Float64Array(2);
  structuredClone(detached, { transfer: [detached.buffer] });
  const keyed = Object.assign(new Float64Array(2), { unit: "m" });
  const job = hi.func("share_value_one", "1", () => new Float64Array(1))
    .with({ jobCache: null }).run();
  for (
    const [value, what] of [
      [1, "current value is 1"],
      [null, "current value is null"],
      [[new Float64Array(1)], "share each array in it"],
      [{ a: 1 }, "share each array in it"],
      [Buffer.from("a"), "share a plain view"],
      [Promise.resolve(new Float64Array(1)), "await it first"],
      [job, "await it first"],
      [detached, "detached"],
      [new ArrayBuffer(8, { maxByteLength: 16 }), "slice()"],
      [new SharedArrayBuffer(8, { maxByteLength: 16 }), "slice()"],
      [new Uint8Array(new ArrayBuffer(8, { maxByteLength: 16 })), "slice()"],
      [keyed, "unit"],
    ] as const
  ) {
    const error = assertThrows(
      () => hi.share(value as unknown as Float64Array),
      TypeError,
    );
    assertStringIncludes(error.message, "Cannot share");
    assertStringIncludes(error.message, what);
  }
  job.cancel();
});

Deno.test("a view of a buffer that may grow is refused as an argument, shared or not", () => {
  const memory = new SharedArrayBuffer(8, { maxByteLength: 16 });
  assertThrows(
    () => jobKey("f", "1", [new Uint8Array(memory)]),
    hi.UnsupportedValueError,
    "resizable",
  );
});

const CHANGES: Record<string, (array: Float64Array) => void> = {
  scaled: (array) => array.forEach((x, i) => array[i] = 2 * x),
  sorted: (array) => array.sort(),
  filled: (array) => array.fill(0),
  reversed: (array) => array.reverse(),
  "written to in one place of 256": (array) => {
    const start = Math.floor(array.length / 3);
    array.fill(0.5, start, start + Math.ceil(array.length / 256));
  },
};

for (const [how, change] of Object.entries(CHANGES)) {
  Deno.test(`an array that is ${how} looks different, whatever its length`, () => {
    for (const length of [2, 3, 511, 512, 513, 1_000, 100_003, 3_000_000]) {
      const array = new Float64Array(new SharedArrayBuffer(8 * length));
      array.forEach((_, i) => array[i] = 10_007 - (i * 7_919) % 10_007);
      const before = sampleOf(array.buffer, 0, array.byteLength);
      assertEquals(sampleOf(array.buffer, 0, array.byteLength), before);
      change(array);
      assertNotEquals(sampleOf(array.buffer, 0, array.byteLength), before);
    }
  });
}

Deno.test("of 4 KiB each byte is looked at, wherever it begins", () => {
  for (const offset of [0, 1, 4]) {
    for (const length of [1, 7, 9, 4_096]) {
      const memory = new SharedArrayBuffer(offset + length);
      const bytes = new Uint8Array(memory, offset);
      const before = sampleOf(memory, offset, length);
      for (let i = 0; i < length; i += length > 9 ? 97 : 1) {
        bytes[i] = 1;
        assertNotEquals(sampleOf(memory, offset, length), before);
        bytes[i] = 0;
      }
      assertEquals(sampleOf(memory, offset, length), before);
    }
  }
});

Deno.test("what was written to is refused as an argument until it is shared again", () => {
  const shared = hi.share(new Float64Array(100_000).fill(1));
  const before = jobKey("f", "1", [shared]);
  shared.fill(2);
  assertThrows(
    () => jobKey("f", "1", [1, shared]),
    hi.ArgumentChangedError,
    "args[1] was written to after hi.share",
  );
  hi.share(shared);
  const after = jobKey("f", "1", [shared]);
  assertNotEquals(after, before);
  assertEquals(after, jobKey("f", "1", [new Float64Array(100_000).fill(2)]));
});

Deno.test("its bytes are hashed once", () => {
  const shared = hi.share(new Float64Array(100_000).fill(1));
  const before = jobKey("f", "1", [shared]);
  // Between two of the places that are looked at.
  let at = 1;
  const { buffer, byteLength } = shared;
  const seen = sampleOf(buffer, 0, byteLength);
  for (; at < 1_000; at++) {
    shared[at] = 3;
    if (sampleOf(buffer, 0, byteLength) === seen) break;
    shared[at] = 1;
  }
  assertEquals(shared[at], 3);
  assertEquals(jobKey("f", "1", [shared]), before);
  // Whoever says anew what it is has it hashed again.
  hi.share(shared);
  assertNotEquals(jobKey("f", "1", [shared]), before);
});
