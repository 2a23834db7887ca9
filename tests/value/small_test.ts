import { assertEquals } from "@std/assert";
import * as fc from "npm:fast-check@^4";
import { contributionOf, jobKey } from "../../lib/value/contribution.ts";
import { decodeValue } from "../../lib/value/decode.ts";
import { encodeValue } from "../../lib/value/encode.ts";
import {
  decodeSmall,
  readSmallArguments,
  smallArguments,
  smallKey,
  smallResult,
  SmallValue,
  textOf,
} from "../../lib/value/small.ts";
import { text, value } from "./arbitrary.ts";

const part = fc.oneof(value, text, fc.integer(), fc.double());
const list = fc.array(part, { maxLength: 6 });

Deno.test("small arguments have the bytes and the key that they have as any value", () => {
  let small = 0;
  fc.assert(
    fc.property(list, (args) => {
      const characters = smallArguments(args);
      if (characters === undefined) return;
      small++;
      const { bytes } = new SmallValue(characters);
      assertEquals(bytes, encodeValue(args).bytes);
      assertEquals(bytes, contributionOf(args));
      assertEquals(smallKey("f", "1", characters), jobKey("f", "1", args));
    }),
    { numRuns: 2_000 },
  );
  // Otherwise nothing was seen.
  assertEquals(small > 100, true);
});

Deno.test("a small result is decoded to what it is as any value", () => {
  fc.assert(
    fc.property(part, (result) => {
      const { bytes, leaves } = encodeValue(result);
      if (leaves.length > 0) return;
      const small = new SmallValue(textOf(bytes, 0, bytes.length));
      assertEquals(small.bytes, bytes);
      const again = encodeValue(decodeSmall(small, "result"));
      assertEquals(again, encodeValue(decodeValue({ bytes, leaves })));
    }),
    { numRuns: 2_000 },
  );
});

Deno.test("a small result has the bytes that it has as any value, and contributes them", () => {
  let small = 0;
  fc.assert(
    fc.property(part, (result) => {
      const characters = smallResult(result);
      if (characters === undefined) return;
      small++;
      const { bytes } = new SmallValue(characters);
      assertEquals(bytes, encodeValue(result).bytes);
      assertEquals(bytes, contributionOf(result));
    }),
    { numRuns: 2_000 },
  );
  assertEquals(small > 100, true);
});

Deno.test("arguments are read quickly as what they are as any value, or not at all", () => {
  let read = 0;
  fc.assert(
    fc.property(list, fc.nat(9), (args, before) => {
      const { bytes, leaves } = encodeValue(args);
      const place = new Uint8Array(before + bytes.length + 3);
      place.set(bytes, before);
      const end = before + bytes.length;
      const values = readSmallArguments(place, before, end);
      if (values === undefined) return;
      read++;
      assertEquals(encodeValue(values), { bytes, leaves: [] });
      assertEquals(decodeValue({ bytes, leaves }), values);
      // What is cut off, or followed by something, is not taken for whole.
      assertEquals(readSmallArguments(place, before, end - 1), undefined);
      assertEquals(readSmallArguments(place, before, end + 1), undefined);
    }),
    { numRuns: 2_000 },
  );
  assertEquals(read > 100, true);
});
