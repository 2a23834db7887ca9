/** Our bytes as an independent decoder of CBOR reads them. */

import { assertEquals } from "@std/assert";
import { cdeDecodeOptions, decode, Tag as TaggedItem } from "npm:cbor2@^2";
import * as fc from "npm:fast-check@^4";
import { contributionOf } from "../../lib/value/contribution.ts";
import { encodeValue } from "../../lib/value/encode.ts";
import { Tag } from "../../lib/value/kinds.ts";
import { text, value } from "./arbitrary.ts";
import { difference } from "./same.ts";

/** Reads without any meaning of tags. */
function read(bytes: Uint8Array): unknown {
  return decode(bytes, { ignoreGlobalTags: true, preferMap: true });
}

/** What a reader who knows the registered tags makes of an item. */
function interpret(item: unknown): unknown {
  if (Array.isArray(item)) return item.map(interpret);
  if (item instanceof Map) {
    return Object.fromEntries(
      [...item].map(([key, part]) => [key, interpret(part)]),
    );
  }
  if (!(item instanceof TaggedItem)) return item;
  const { contents } = item;
  switch (item.tag) {
    case Tag.BIGINT:
    case Tag.NEGATIVE_BIGINT: {
      const magnitude = BigInt(`0x0${(contents as Uint8Array).toHex()}`);
      return item.tag === Tag.BIGINT ? magnitude : -1n - magnitude;
    }
    case Tag.SET:
      return new Set((contents as unknown[]).map(interpret));
    case Tag.MAP:
      return new Map(
        [...contents as Map<unknown, unknown>].map(([key, part]) => [
          interpret(key),
          interpret(part),
        ]),
      );
    case Tag.FLOAT64:
      return new Float64Array((contents as Uint8Array).slice().buffer);
    case Tag.INT16:
      return new Int16Array((contents as Uint8Array).slice().buffer);
    case Tag.UINT8:
      return (contents as Uint8Array).slice();
    default:
      throw new Error(`tag ${item.tag}`);
  }
}

const registered = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom(
      undefined,
      null,
      true,
      false,
      -0,
      NaN,
      Infinity,
      2 ** 53,
      1.5,
      1e300,
    ),
    fc.integer(),
    fc.maxSafeInteger(),
    fc.double(),
    fc.bigInt(),
    fc.string({ unit: "binary" }),
    fc.uint8Array().map((bytes) => bytes.slice()),
    fc.array(fc.integer({ min: -9, max: 9 })).map((list) =>
      Int16Array.from(list)
    ),
    fc.array(fc.double()).map((list) => Float64Array.from(list)),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(
      text.filter((t) => t.isWellFormed() && t !== "__proto__"),
      tie("value"),
      {
        maxKeys: 4,
        noNullPrototype: true,
      },
    ),
    fc.array(fc.tuple(fc.string(), tie("value")), { maxLength: 4 }).map((
      pairs,
    ) => new Map(pairs)),
    fc.array(fc.oneof(fc.integer(), fc.string())).map((members) =>
      new Set(members)
    ),
  ),
})).value;

Deno.test("a decoder that is not ours reads what we wrote", () => {
  fc.assert(
    fc.property(registered, (original) => {
      const { bytes } = encodeValue(original);
      assertEquals(difference(original, interpret(read(bytes))), undefined);
    }),
    { numRuns: 1_000 },
  );
});

Deno.test("bytes and deterministic form of any value are well-formed CBOR", () => {
  fc.assert(
    fc.property(value, (original) => {
      read(encodeValue(original).bytes);
      read(contributionOf(original));
    }),
    { numRuns: 500 },
  );
});

Deno.test("the deterministic form is what a strict decoder accepts", () => {
  // A Map keeps its order, so it is not asked to be sorted.
  const sorted = fc.dictionary(
    text.filter((t) => t.isWellFormed()),
    fc.oneof(fc.double(), fc.maxSafeInteger(), fc.bigInt(), fc.string()),
  );
  fc.assert(
    fc.property(sorted, (original) => {
      const options = { ...cdeDecodeOptions, ignoreGlobalTags: true };
      decode(contributionOf([original]), options);
    }),
    { numRuns: 1_000 },
  );
});
