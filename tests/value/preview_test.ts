import { assert, assertEquals } from "@std/assert";
import * as fc from "npm:fast-check@^4";
import { previewOf } from "../../lib/value/preview.ts";
import { value } from "./arbitrary.ts";

Deno.test("arguments are shown as one would write them", () => {
  class Point {}
  const cases: [unknown[], string][] = [
    [[], ""],
    [
      [1, "a", true, null, undefined, -0, 5n],
      '1, "a", true, null, undefined, -0, 5n',
    ],
    [[{ a: 1, "odd key": [1, 2] }], '{ a: 1, "odd key": [1, 2] }'],
    [[[], {}, Object.create(null)], "[], {}, {}"],
    [
      [new Float64Array(1_000), new ArrayBuffer(8)],
      "Float64Array(1000), ArrayBuffer(8)",
    ],
    [[new Map([[1, 2]]), new Set()], "Map(1), Set(0)"],
    [
      [new Date(0), new Date(NaN)],
      "Date(1970-01-01T00:00:00.000Z), Invalid Date",
    ],
    [[/a/g, new URL("http://a/")], "/a/g, URL(http://a/)"],
    [[new RangeError("no")], 'RangeError("no")'],
    [[new Point(), Math.sqrt, Symbol("s")], "Point, function sqrt, Symbol(s)"],
    [[Temporal.PlainDate.from("2020-01-02")], "2020-01-02"],
    [[[[[[[1]]]]]], "[[[[…]]]]"],
  ];
  for (const [values, expected] of cases) {
    assertEquals(previewOf(values), expected);
  }
});

Deno.test("a job is shown by its name", () => {
  class FakeJob {}
  const name = (node: object) =>
    node instanceof FakeJob ? "load(…)" : undefined;
  assertEquals(
    previewOf([{ a: new FakeJob() }], 80, { name }),
    "{ a: load(…) }",
  );
});

Deno.test("a preview is never longer than it may be, and says that it is cut", () => {
  fc.assert(
    fc.property(
      fc.array(value),
      fc.integer({ min: 3, max: 120 }),
      (values, maxBytes) => {
        const preview = previewOf(values, maxBytes);
        const bytes = new TextEncoder().encode(preview).length;
        assert(bytes <= maxBytes, `${bytes} of ${maxBytes}`);
        const whole = previewOf(values, 1_000_000);
        if (preview !== whole) assert(preview.endsWith("…"));
      },
    ),
  );
  assertEquals(previewOf(["é".repeat(100)], 20), '"éééééééé…');
});

Deno.test("of a large value only the beginning is looked at", () => {
  let looks = 0;
  const counted = new Proxy(new Array(1_000_000).fill(1), {
    get(target, key) {
      looks++;
      return Reflect.get(target, key);
    },
  });
  assert(previewOf([counted]).startsWith("[1, 1, 1"));
  assert(looks < 200);
});

Deno.test("a preview never throws", () => {
  const fail = () => {
    throw new Error("no");
  };
  const hostile = new Proxy({}, {
    get: fail,
    ownKeys: fail,
    getPrototypeOf: fail,
  });
  const loop: unknown[] = [];
  loop.push(loop);
  for (
    const odd of [
      hostile,
      {
        get a() {
          return fail();
        },
      },
      loop,
      2n ** 100_000n,
    ]
  ) {
    assertEquals(typeof previewOf([1, odd]), "string");
    assert(previewOf([1, odd]).startsWith("1, "));
  }
});
