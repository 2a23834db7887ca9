import {
  assert,
  assertEquals,
  assertNotEquals,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { DecodeError, UnsupportedValueError } from "../../lib/errors.ts";
import { registerCodec } from "../../lib/value/codec.ts";
import { contributionOf } from "../../lib/value/contribution.ts";
import { decodeValue } from "../../lib/value/decode.ts";
import { encodeValue } from "../../lib/value/encode.ts";
import { FileReference } from "../../lib/value/file_reference.ts";
import { Tag } from "../../lib/value/kinds.ts";
import { Output } from "../../lib/value/output.ts";

class Point {
  constructor(readonly x: number, readonly y: unknown) {}
}
registerCodec({
  name: "codec_test_Point",
  type: Point,
  encode: ({ x, y }) => ({ x, y }),
  decode: ({ x, y }) => new Point(x, y),
});

class Secret {
  #text: string;
  private constructor(text: string) {
    this.#text = text;
  }
  static of(text: string): Secret {
    return new Secret(text);
  }
  reveal(): string {
    return this.#text;
  }
}
registerCodec({
  name: "codec_test_Secret",
  type: Secret,
  encode: (secret) => secret.reveal(),
  decode: (text) => Secret.of(text),
});

function roundTrip<T>(value: T): T {
  return decodeValue(encodeValue(value)) as T;
}

Deno.test("an instance of a registered class comes back as one", () => {
  const copy = roundTrip(new Point(1, new Map([[1, new Point(2, null)]])));
  assert(copy instanceof Point);
  assert((copy.y as Map<number, unknown>).get(1) instanceof Point);
  assertEquals(roundTrip([Secret.of("a")])[0]!.reveal(), "a");
});

Deno.test("an instance that stands in several places is one, and so are its parts", () => {
  const part = { a: 1 };
  const point = new Point(1, [part, part]);
  const [one, two] = roundTrip([point, point]);
  assertStrictEquals(one, two);
  const [left, right] = one!.y as object[];
  assertStrictEquals(left, right);
});

Deno.test("what a codec makes anew each time may share parts", () => {
  class Fresh {}
  registerCodec({
    name: "codec_test_Fresh",
    type: Fresh,
    encode: () => {
      const part = {};
      return [part, part];
    },
    decode: ([a, b]) => Object.assign(new Fresh(), { same: a === b }),
  });
  assertEquals((roundTrip(new Fresh()) as { same?: boolean }).same, true);
});

Deno.test("the digest of an instance is its codec's name and what it encodes to", () => {
  const hex = (value: unknown) => contributionOf(value).toHex();
  assertEquals(hex(new Point(1, 2)), hex(new Point(1, 2)));
  assertNotEquals(hex(new Point(1, 2)), hex(new Point(1, 3)));
  assertNotEquals(hex(new Point(1, 2)), hex({ x: 1, y: 2 }));
});

Deno.test("an instance of a subclass is refused", () => {
  class Point3 extends Point {}
  assertThrows(
    () => encodeValue(new Point3(1, 2)),
    UnsupportedValueError,
    "Point3",
  );
});

Deno.test("a path leads into what a codec made", () => {
  const error = assertThrows(
    () => encodeValue([new Point(1, () => 1)]),
    UnsupportedValueError,
  );
  assertEquals(error.path, "value[0] (as codec_test_Point).y");
});

Deno.test("a codec may encode other values meanwhile", () => {
  class Packed {
    constructor(readonly inner: unknown) {}
  }
  registerCodec({
    name: "codec_test_Packed",
    type: Packed,
    encode: ({ inner }) => encodeValue(inner).bytes,
    decode: (bytes) => new Packed(decodeValue({ bytes, leaves: [] })),
  });
  const value = { a: [new Packed({ b: new Packed([1, "two"]) }), 3] };
  assertEquals(roundTrip(value), value);
});

Deno.test("a codec that throws is named, with its error as cause", () => {
  class Broken {}
  registerCodec({
    name: "codec_test_Broken",
    type: Broken,
    encode: (): number => {
      throw new RangeError("no");
    },
    decode: () => new Broken(),
  });
  const error = assertThrows(
    () => encodeValue([new Broken()]),
    UnsupportedValueError,
  );
  assertEquals(
    error.message,
    "value[0] cannot be encoded as codec codec_test_Broken failed: no",
  );
  assert(error.cause instanceof RangeError);
});

Deno.test("a codec that cannot decode is named, with its error as cause", () => {
  class Picky {}
  registerCodec({
    name: "codec_test_Picky",
    type: Picky,
    encode: () => 1,
    decode: () => {
      throw new RangeError("no");
    },
  });
  const picky = new Picky();
  const cases: [unknown, string][] = [
    [picky, "value"],
    [[{ a: { b: 1 } }, { c: picky, d: 2 }], "value[1].c"],
    [[1, , , picky], "value[3]"],
    [new Map([["k", { a: picky }]]), 'value.get("k").a'],
    [new Map([[1, 2], [picky, 1]] as [unknown, number][]), "value (key 1)"],
    [new Set([1, picky]), "value (member 1)"],
    [new Point(1, [picky]), "value (as codec_test_Point).y[0]"],
    [[picky, [picky]], "value[0]"],
    [new Error("a", { cause: picky }), "value.cause"],
  ];
  for (const [value, path] of cases) {
    const encoded = encodeValue(value);
    const error = assertThrows(() => decodeValue(encoded), DecodeError);
    assertEquals(
      error.message,
      `${path} cannot be decoded as codec codec_test_Picky failed: no`,
    );
    assert(error.cause instanceof RangeError);
  }
  assertThrows(
    () => decodeValue(encodeValue([picky]), { root: "result" }),
    DecodeError,
    "result[0] cannot",
  );
});

Deno.test("bytes that need a codec that is not registered say so", () => {
  const out = new Output();
  out.tag(Tag.CODEC);
  out.raw(Uint8Array.of(0x82, 0x64, ...new TextEncoder().encode("Gone"), 1));
  assertThrows(
    () => decodeValue({ bytes: out.copy(), leaves: [] }),
    DecodeError,
    "no codec named Gone is registered",
  );
});

Deno.test("a codec that is not right is refused", () => {
  class Fine {}
  class Later {
    then(): void {}
  }
  const codec = {
    name: "codec_test_Fine",
    type: Fine,
    encode: () => 1,
    decode: () => new Fine(),
  };
  const wrong: [object, string][] = [
    [{ name: "" }, 'current value is ""'],
    [{ name: 5 }, "current value is 5"],
    [{ type: {} }, "must be a class"],
    [{ type: () => 1 }, "must be a class"],
    [
      { encode: undefined, decode: 5 },
      "must be functions: current values are undefined and 5",
    ],
    [{ type: Map }, "Map is data without one"],
    [{ type: FileReference }, "FileReference is data without one"],
    [
      { type: Promise },
      "current value is a function (Promise), and await would take",
    ],
    [{ type: Later }, "current value is a class (Later), and await would take"],
    [{ encoder: () => 1 }, "unknown key encoder: its keys are name, type"],
    [{ type: RangeError }, "RangeError is data without one"],
    [{ name: "codec_test_Point" }, "give it another name"],
    [{ type: Point }, "it is named codec_test_Point"],
  ];
  for (const [change, says] of wrong) {
    assertThrows(
      () => registerCodec({ ...codec, ...change } as typeof codec),
      TypeError,
      says,
    );
  }
  for (
    const [none, says] of [
      [undefined, "current value is undefined"],
      [null, "current value is null"],
      [Fine, "current value is a class (Fine)"],
      ["Fine", 'current value is "Fine"'],
    ] as const
  ) {
    assertThrows(
      () => registerCodec(none as unknown as typeof codec),
      TypeError,
      `must be an object of name, type, encode and decode: ${says}`,
    );
  }
  registerCodec(codec);
});
