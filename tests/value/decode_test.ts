import {
  assert,
  assertEquals,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import * as fc from "npm:fast-check@^4";
import { DecodeError } from "../../lib/errors.ts";
import { decodeValue } from "../../lib/value/decode.ts";
import { encodeValue } from "../../lib/value/encode.ts";
import { MemoryLeaf } from "../../lib/value/encoded.ts";
import { Tag } from "../../lib/value/kinds.ts";
import { Output } from "../../lib/value/output.ts";
import { value } from "./arbitrary.ts";

/** Decodes bytes of any origin: a value or a DecodeError, nothing else. */
function decodesOrSaysWhy(bytes: Uint8Array<ArrayBuffer>): boolean {
  try {
    decodeValue({ bytes, leaves: [new MemoryLeaf(new Uint8Array(16))] });
    return true;
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    return false;
  }
}

Deno.test("random bytes are decoded or refused by name", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      decodesOrSaysWhy(bytes.slice());
    }),
    { numRuns: 5_000 },
  );
});

Deno.test("random bytes behind each tag are decoded or refused by name", () => {
  const tags = Object.values(Tag);
  fc.assert(
    fc.property(
      fc.array(
        fc.tuple(fc.constantFrom(...tags), fc.uint8Array({ maxLength: 12 })),
        {
          minLength: 1,
          maxLength: 6,
        },
      ),
      (pieces) => {
        const out = new Output();
        for (const [tag, bytes] of pieces) {
          out.tag(tag);
          out.raw(bytes);
        }
        decodesOrSaysWhy(out.copy());
      },
    ),
    { numRuns: 5_000 },
  );
});

Deno.test("a flipped bit or a lost end is decoded or refused by name", () => {
  fc.assert(
    fc.property(value, fc.nat(), fc.nat(7), (original, at, bit) => {
      const { bytes } = encodeValue(original);
      bytes[at % bytes.length]! ^= 1 << bit;
      decodesOrSaysWhy(bytes);
    }),
    { numRuns: 3_000 },
  );
  fc.assert(fc.property(value, fc.nat(), (original, length) => {
    const { bytes } = encodeValue(original);
    assert(!decodesOrSaysWhy(bytes.slice(0, length % bytes.length)));
  }));
});

Deno.test("bytes that would cost much more memory than they have are refused", () => {
  const huge = [0x1a, 0xff, 0xff, 0xff, 0xff]; // an argument of 2^32 - 1
  for (const type of [0x40, 0x60, 0x80, 0xa0]) {
    assert(
      !decodesOrSaysWhy(Uint8Array.from([type | huge[0]!, ...huge.slice(1)])),
    );
  }
});

Deno.test("bytes that nest without end are refused", () => {
  const nest = (head: number[]) =>
    Uint8Array.from(Array.from({ length: 200_000 }, () => head).flat());
  const out = new Output();
  out.tag(Tag.CODEC);
  const codec = [...out.copy(), 0x82, 0x61, 0x61];
  for (
    const head of [[0x81], [0xa1, 0x61, 0x61], [0xd8, 28], [0xd8, 28, 0x81], [
      0xc2,
    ], codec]
  ) {
    assert(!decodesOrSaysWhy(nest(head)));
  }
});

Deno.test("what follows a value is refused", () => {
  assertThrows(
    () => decodeValue({ bytes: Uint8Array.of(1, 2), leaves: [] }),
    DecodeError,
    "something follows at byte 1 of 2",
  );
});

Deno.test("a reference to an object that is not there yet is refused", () => {
  // [28([29(0)])]: an array that is in itself
  const bytes = Uint8Array.of(0xd8, 28, 0x81, 0xd8, 29, 0);
  assertThrows(
    () => decodeValue({ bytes, leaves: [] }),
    DecodeError,
    "not there",
  );
});

Deno.test("an unknown tag is named", () => {
  const bytes = Uint8Array.of(0xd9, 0x30, 0x39, 0x01);
  assertThrows(
    () => decodeValue({ bytes, leaves: [] }),
    DecodeError,
    "tag 12345",
  );
});

Deno.test("bytes need not begin where their buffer begins", () => {
  const { bytes } = encodeValue({ a: new Float64Array([1.5]), b: "é" });
  const moved = new Uint8Array(bytes.length + 3);
  moved.set(bytes, 3);
  const copy = decodeValue({ bytes: moved.subarray(3), leaves: [] });
  assertEquals(copy, { a: new Float64Array([1.5]), b: "é" });
});

Deno.test("a job is replaced by its result, and asked for once", () => {
  class FakeJob {}
  const one = new FakeJob();
  const encoded = encodeValue([one, { one }, new FakeJob()], {
    job: (node) => node instanceof FakeJob ? (node === one ? 0 : 1) : undefined,
  });
  const asked: number[] = [];
  const [first, { one: again }, second] = decodeValue(encoded, {
    job: (index) => (asked.push(index), { index }),
  }) as [object, { one: object }, object];
  assertEquals(asked, [0, 1]);
  assertStrictEquals(first, again);
  assertEquals(second, { index: 1 });
  assertThrows(() => decodeValue(encoded), DecodeError, "a job");
});

Deno.test("what the caller's function throws is not taken for broken bytes", () => {
  class FakeJob {}
  const encoded = encodeValue(new FakeJob(), { job: () => 0 });
  assertThrows(
    () =>
      decodeValue(encoded, {
        job: () => {
          throw new RangeError("mine");
        },
      }),
    RangeError,
    "mine",
  );
});
