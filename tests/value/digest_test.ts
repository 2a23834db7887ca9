import { assert, assertEquals, assertNotEquals } from "@std/assert";
import * as fc from "npm:fast-check@^4";
import {
  contributionOf,
  digestOf,
  jobKey,
} from "../../lib/value/contribution.ts";
import { decodeValue } from "../../lib/value/decode.ts";
import { encodeValue } from "../../lib/value/encode.ts";
import type { LeafDigests } from "../../lib/value/encoded.ts";
import { sha256, sha256Hex } from "../../lib/value/sha256.ts";
import { unshared, value } from "./arbitrary.ts";
import { rebuild } from "./rebuild.ts";
import { meansTheSame } from "./same.ts";

function digest(value: unknown): string {
  return digestOf(contributionOf(value)).toHex();
}

class FakeJob {
  constructor(readonly result: unknown) {}
}

function contributionOfJob(node: object): Uint8Array | undefined {
  return node instanceof FakeJob ? contributionOf(node.result) : undefined;
}

Deno.test("values have one digest exactly if they mean the same", () => {
  fc.assert(
    fc.property(unshared, unshared, (a, b) => {
      assertEquals(digest(a) === digest(b), meansTheSame(a, b));
    }),
    { numRuns: 1_000 },
  );
});

Deno.test("the order of keys and what is shared do not count", () => {
  fc.assert(
    fc.property(value, (original) => {
      const copy = rebuild(original, { reorder: (names) => names.reverse() });
      assert(meansTheSame(original, copy));
      assertEquals(digest(copy), digest(original));
    }),
    { numRuns: 1_000 },
  );
});

Deno.test("a change of any one part changes the digest", () => {
  fc.assert(
    fc.property(value, fc.nat(), (original, at) => {
      let parts = 0;
      rebuild(original, { replace: (part) => (parts++, part) });
      const changed = rebuild(original, {
        replace: (part, position) =>
          position === at % parts ? other(part) : part,
      });
      if (meansTheSame(original, changed)) return; // a key of a Map became one that it had
      assertNotEquals(digest(changed), digest(original));
    }),
    { numRuns: 2_000 },
  );
});

/** Something close to a part, and not the same. */
function other(part: unknown): unknown {
  switch (typeof part) {
    case "number":
      return part === 0 ? (Object.is(part, -0) ? 0 : -0) : [part];
    case "bigint":
      return -part - 1n;
    case "string":
      return `${part}\ud800`;
    case "undefined":
      return null;
    case "object":
      return part === null ? undefined : [part];
    default:
      return !part;
  }
}

Deno.test("a value that was stored and loaded has the digest that it had", () => {
  fc.assert(
    fc.property(value, (original) => {
      assertEquals(
        digest(decodeValue(encodeValue(original))),
        digest(original),
      );
    }),
    { numRuns: 1_000 },
  );
});

Deno.test("what looks alike is told apart", () => {
  const values = [
    undefined,
    null,
    false,
    0,
    -0,
    0n,
    "",
    "0",
    [],
    [undefined],
    [,],
    [null],
    {},
    { a: undefined },
    { a: null },
    Object.create(null),
    new Map(),
    new Map([["a", undefined]]),
    new Set(),
    new Set([undefined]),
    new Date(0),
    new Date(NaN),
    NaN,
    new ArrayBuffer(0),
    new Uint8Array(0),
    new Int8Array(0),
    new Uint8ClampedArray(0),
    new DataView(new ArrayBuffer(0)),
    new Error(),
    new Error(""),
    new Error("", { cause: undefined }),
    new RangeError(),
    Object.assign(new Error(), { message: "" }),
    new AggregateError([]),
    /a/,
    /a/g,
    Object.assign(/a/g, { lastIndex: 1 }),
    "http://a/",
    new URL("http://a/"),
    new Map([[1, 2], [3, 4]]),
    new Map([[3, 4], [1, 2]]),
    new Set([1, 2]),
    new Set([2, 1]),
    Object.assign([], { a: 1 }),
    [[], { a: 1 }],
    Temporal.PlainDate.from("2020-01-01"),
    Temporal.PlainDateTime.from("2020-01-01"),
    Temporal.Duration.from({ seconds: 60 }),
    Temporal.Duration.from({ minutes: 1 }),
    "\ud800",
    "\udc00",
    "\ufffd",
  ];
  assertEquals(new Set(values.map(digest)).size, values.length);
});

Deno.test("the stack of an error does not count, all else of it does", () => {
  const make = () => new Error("a", { cause: 1 });
  const [one, two] = [make(), Object.assign(make(), { stack: "elsewhere" })];
  assertEquals(digest(one), digest(two));
  assertNotEquals(digest(one), digest(new Error("a", { cause: 2 })));
  assertNotEquals(digest(one), digest(Object.assign(make(), { code: 1 })));
});

Deno.test("a contribution is at most 1,024 bytes", () => {
  for (const length of [1_020, 1_021, 1_022, 1_023, 1_024, 1_025, 100_000]) {
    for (
      const long of [
        "a".repeat(length),
        new Uint8Array(length),
        new Uint8Array(length).buffer,
        Array.from({ length }, () => 1),
        { ["k".repeat(length)]: 1 },
        new Map([["k".repeat(length), 1]]),
        2n ** BigInt(8 * length),
      ]
    ) assert(contributionOf(long).length <= 1_024);
  }
  assertEquals(contributionOf("a".repeat(1_021)).length, 1_024);
  assert(contributionOf("a".repeat(1_022)).length < 50);
});

Deno.test("a long node enters its parent as its own contribution, wherever it stands", () => {
  fc.assert(fc.property(unshared, fc.constantFrom(1, 300), (part, times) => {
    const node = Array.from({ length: times }, () => part);
    const inner = contributionOf(node);
    for (
      const parent of [
        [node],
        { node },
        new Map([[node, 1]]),
        new Map([[1, node]]),
        new Set([node]),
      ]
    ) {
      const contribution = contributionOf(parent);
      if (inner.length > 900) continue; // then the parent is a link itself
      assert(contribution.toHex().includes(inner.toHex()));
    }
  }));
});

Deno.test("the contribution of bytes names the SHA-256 of the bytes, and hands it out", () => {
  const array = Float64Array.from({ length: 10_000 }, Math.sqrt);
  const digests: LeafDigests = new Map();
  const contribution = contributionOf({ array }, { digests });
  const expected = sha256Hex(new Uint8Array(array.buffer));
  assertEquals([...digests], [[array, expected]]);
  assert(contribution.toHex().includes(expected));
  digests.set(array, "00".repeat(32));
  assert(contributionOf(array, { digests }).toHex().includes("00".repeat(32)));
});

Deno.test("a value that is shared many times over costs linear time", () => {
  let node: unknown = ["leaf"];
  for (let level = 0; level < 400; level++) node = [node, node];
  const one = digest(node);
  assertEquals(digest(decodeValue(encodeValue(node))), one);
});

Deno.test("a key is the digest of what it is the key of", () => {
  const key = jobKey("f", "1", [5]);
  // ["job", 1, "f", "1", [5]] in CBOR
  const form = Uint8Array.of(
    0x85,
    0x63,
    0x6a,
    0x6f,
    0x62,
    1,
    0x61,
    0x66,
    0x61,
    0x31,
    0x81,
    5,
  );
  assertEquals(key, sha256(form));
});

Deno.test("a key depends on name, version and arguments", () => {
  const keys = [
    jobKey("f", "1", []),
    jobKey("f", "2", []),
    jobKey("f1", "", []),
    jobKey("g", "1", []),
    jobKey("f", "1", [1]),
    jobKey("f", "1", [[1]]),
    jobKey("f", "1", [1, 2]),
    jobKey("f", "1", [undefined, 1]),
  ].map((key) => key.toHex());
  assertEquals(new Set(keys).size, keys.length);
});

Deno.test("undefined at the end of the arguments does not count", () => {
  const key = jobKey("f", "1", [1]);
  assertEquals(jobKey("f", "1", [1, undefined, undefined]), key);
  const job = new FakeJob(undefined);
  assertEquals(jobKey("f", "1", [1, job], { job: contributionOfJob }), key);
  assertNotEquals(jobKey("f", "1", [undefined, 1]), key);
});

Deno.test("a value gives the same key directly and as the result of a job", () => {
  fc.assert(fc.property(value, (result) => {
    const job = new FakeJob(result);
    const direct = jobKey("f", "1", [
      result,
      { a: [result] },
      new Map([[1, result]]),
    ]);
    const through = jobKey("f", "1", [job, { a: [job] }, new Map([[1, job]])], {
      job: contributionOfJob,
    });
    assertEquals(through, direct);
  }));
});

Deno.test("keys are sorted by their bytes, not by their code units", () => {
  // U+FF61 sorts before U+10000 in UTF-8 and after it in UTF-16.
  const hex = contributionOf({ "\u{10000}": 1, "\uff61": 2, b: 3, aa: 4, a: 5 })
    .toHex();
  assertEquals(
    hex,
    "a5" + "616105" + "616203" + "62616104" + "63efbda102" + "64f090808001",
  );
});
