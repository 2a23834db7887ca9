import {
  assert,
  assertEquals,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { ArgumentChangedError, DecodeError } from "../../lib/errors.ts";
import { contributionOf } from "../../lib/value/contribution.ts";
import { decodeValue } from "../../lib/value/decode.ts";
import { encodeValue } from "../../lib/value/encode.ts";
import {
  LEAF_BYTES,
  type LeafDigests,
  MemoryLeaf,
} from "../../lib/value/encoded.ts";
import { sha256Hex } from "../../lib/value/sha256.ts";

const LENGTH = LEAF_BYTES / 8;

function table(fill = 1.5): Float64Array<ArrayBuffer> {
  return new Float64Array(LENGTH).fill(fill);
}

function digestOfBytes(array: Float64Array<ArrayBuffer>): string {
  return sha256Hex(
    new Uint8Array(array.buffer, array.byteOffset, array.byteLength),
  );
}

Deno.test("binary values of 64 KiB and more are leaves of their own", () => {
  const { bytes, leaves } = encodeValue([
    table(),
    new Float64Array(LENGTH - 1),
  ]);
  assertEquals(leaves.map((leaf) => leaf.byteLength), [LEAF_BYTES]);
  assert(bytes.length > LEAF_BYTES - 8 && bytes.length < LEAF_BYTES + 64);
});

Deno.test("every binary kind comes back from a leaf", () => {
  const original = [
    table(),
    new Uint8Array(LEAF_BYTES).fill(3),
    new Uint8Array(LEAF_BYTES + 5).fill(4).buffer,
    new DataView(new Uint8Array(LEAF_BYTES).fill(5).buffer),
    new Uint16Array(new ArrayBuffer(LEAF_BYTES + 8), 8),
  ];
  const encoded = encodeValue(original);
  assertEquals(encoded.leaves.length, 5);
  assertEquals(decodeValue(encoded), original);
  assertEquals(decodeValue(encoded, { lend: true }), original);
});

Deno.test("a leaf is a copy, so what the caller writes later does not show", () => {
  const array = table();
  const encoded = encodeValue(array);
  array[0] = 9;
  assertEquals((decodeValue(encoded) as Float64Array)[0], 1.5);
});

Deno.test("each decoding has its own bytes, and a lent one looks at the leaf's", () => {
  const encoded = encodeValue(table());
  const [one, two] = [
    decodeValue(encoded),
    decodeValue(encoded),
  ] as Float64Array[];
  one![0] = 9;
  assertEquals(two![0], 1.5);
  const [lent, same] = [1, 2].map(() =>
    decodeValue(encoded, { lend: true })
  ) as Float64Array[];
  assertStrictEquals(lent!.buffer, same!.buffer);
});

Deno.test("a leaf may take the value's own buffer, if the value is all of it", () => {
  const [whole, part] = [
    table(),
    new Float64Array(new ArrayBuffer(LEAF_BYTES + 8), 8),
  ];
  const { leaves } = encodeValue([whole, part], { leaves: "take" });
  assertStrictEquals(leaves[0]!.peek().buffer, whole.buffer);
  assert(leaves[1]!.peek().buffer !== part.buffer);
  assertEquals(leaves[1]!.peek().buffer.byteLength, LEAF_BYTES);
});

Deno.test("digests go from key to bytes and from bytes to the value", () => {
  const array = table();
  const digests: LeafDigests = new Map();
  contributionOf([array], { digests });
  const encoded = encodeValue([array], { digests });
  assertEquals(encoded.leaves[0]!.digest, digestOfBytes(array));
  const decoded: LeafDigests = new Map();
  const [copy] = decodeValue(encoded, { digests: decoded }) as [Float64Array];
  assertEquals([...decoded], [[copy, digestOfBytes(array)]]);
});

Deno.test("a lent leaf that did not change is read", () => {
  const array = table();
  const { leaves } = encodeValue([array], { leaves: "lend" });
  assertStrictEquals(leaves[0]!.peek().buffer, array.buffer);
  assertEquals(leaves[0]!.read(), new Uint8Array(array.buffer));
  assertEquals(leaves[0]!.digest, digestOfBytes(array));
});

Deno.test("a lent leaf that was written to is named", () => {
  const array = table();
  const encoded = encodeValue([{ table: array }], {
    leaves: "lend",
    root: "args",
  });
  array[7] = 0;
  const leaf = encoded.leaves[0]!;
  for (
    const use of [
      () => leaf.peek(),
      () => leaf.read(),
      () => decodeValue(encoded),
    ]
  ) {
    assertThrows(use, ArgumentChangedError, "args[0].table was written to");
  }
  array[7] = 1.5;
  leaf.peek();
});

Deno.test("a lent leaf is looked at again each time, as its caller can write to it in between", () => {
  const array = table();
  const { leaves } = encodeValue([array], { leaves: "lend" });
  leaves[0]!.peek();
  array[0] = 2;
  assertThrows(() => leaves[0]!.peek(), ArgumentChangedError);
});

Deno.test("a lent leaf that was transferred is named", () => {
  const array = table();
  const { leaves } = encodeValue([array], { leaves: "lend" });
  structuredClone(array, { transfer: [array.buffer] });
  assertThrows(() => leaves[0]!.peek(), ArgumentChangedError, "transferred");
});

Deno.test("an array that stands in two places is one leaf", () => {
  const array = table();
  const encoded = encodeValue([array, { array }]);
  assertEquals(encoded.leaves.length, 1);
  const [one, { array: two }] = decodeValue(encoded) as [
    object,
    { array: object },
  ];
  assertStrictEquals(one, two);
});

Deno.test("a leaf that is missing or has another length is refused", () => {
  const { bytes } = encodeValue(table());
  assertThrows(
    () => decodeValue({ bytes, leaves: [] }),
    DecodeError,
    "no leaf 0",
  );
  const short = new MemoryLeaf(new Uint8Array(8));
  assertThrows(
    () => decodeValue({ bytes, leaves: [short] }),
    DecodeError,
    "leaf 0 with 8 bytes",
  );
});
