import { assertEquals } from "@std/assert";
import { createHash } from "node:crypto";
import { sha256, sha256Hex } from "../../lib/value/sha256.ts";

function expected(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

Deno.test("the digest is SHA-256, for every length around a block and around the native limit", () => {
  const lengths = [
    ...Array(200).keys(),
    4_030,
    4_032,
    4_040,
    4_095,
    4_096,
    4_097,
    10_000,
  ];
  for (const length of lengths) {
    const bytes = crypto.getRandomValues(new Uint8Array(length));
    assertEquals(sha256Hex(bytes), expected(bytes), `${length} bytes`);
  }
});

Deno.test("the digest of parts is the digest of them all", () => {
  const bytes = crypto.getRandomValues(new Uint8Array(9_000));
  for (
    const [end, cut] of [[0, 0], [64, 63], [300, 1], [4_096, 4_000], [
      9_000,
      10,
    ]] as const
  ) {
    const parts = [
      bytes.subarray(0, cut),
      new Uint8Array(),
      bytes.subarray(cut, end),
    ];
    assertEquals(sha256Hex(...parts), expected(bytes.subarray(0, end)));
  }
});

Deno.test("a digest is in a buffer of its own", () => {
  const one = sha256(new Uint8Array(1));
  const kept = one.toHex();
  sha256(new Uint8Array(2));
  assertEquals(one.toHex(), kept);
  assertEquals(one.buffer.byteLength, 32);
});
