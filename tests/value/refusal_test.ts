import {
  assert,
  assertEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { Buffer } from "node:buffer";
import { UnsupportedValueError } from "../../lib/errors.ts";
import { contributionOf, jobKey } from "../../lib/value/contribution.ts";
import { encodeValue } from "../../lib/value/encode.ts";

/** The refusal of a value, which must be the same for bytes and for keys. */
function refusalOf(value: unknown, root = "args"): UnsupportedValueError {
  const error = assertThrows(
    () => encodeValue(value, { root }),
    UnsupportedValueError,
  );
  const other = assertThrows(
    () => contributionOf(value, { root }),
    UnsupportedValueError,
  );
  assertEquals([other.message, other.path], [error.message, error.path]);
  assertStringIncludes(error.message, ": ", "there is a cure");
  return error;
}

class Point {
  constructor(readonly x: number) {}
}

class OddError extends RangeError {}

const cases: [name: string, value: unknown, says: string][] = [
  ["a function", () => 1, "a function"],
  ["a named function", Math.sqrt, "a function (sqrt)"],
  ["a class", Point, "a class (Point)"],
  ["a symbol", Symbol("x"), "a symbol (Symbol(x))"],
  ["an instance of a class", new Point(1), "hi.registerCodec"],
  [
    "an instance of an error class",
    new OddError("x"),
    "an instance of OddError",
  ],
  ["a Promise", Promise.resolve(1), "await it"],
  ["what has a method then", { __proto__: { then() {} } }, "await it"],
  ["a boxed number", Object(1), "pass the number itself"],
  ["a boxed string", Object("a"), "pass the string itself"],
  ["a Buffer", Buffer.from("a"), "new Uint8Array(buffer)"],
  ["a SharedArrayBuffer", new SharedArrayBuffer(8), "copy it"],
  ["a view of one", new Uint8Array(new SharedArrayBuffer(8)), "slice()"],
  ["a resizable buffer", new ArrayBuffer(8, { maxByteLength: 16 }), "slice()"],
  [
    "a view of one",
    new Uint8Array(new ArrayBuffer(8, { maxByteLength: 16 })),
    "slice()",
  ],
  ["a Blob", new Blob(["a"]), "blob.bytes()"],
  ["a File", new File(["a"], "a"), "hi.file(path)"],
  ["a WeakMap", new WeakMap(), "pass a Map"],
  ["a generator", (function* () {})(), "as an array"],
  ["URLSearchParams", new URLSearchParams("a=1"), "String(params)"],
  ["Headers", new Headers(), "Object.fromEntries(headers)"],
  ["a Proxy of a Map", new Proxy(new Map(), {}), "an instance of Map"],
  [
    "what only pretends to be a Map",
    Object.create(Map.prototype),
    "an instance of Map",
  ],
  [
    "what only pretends to be a Date",
    Object.create(Date.prototype),
    "an instance of Date",
  ],
  [
    "what only pretends to be an Error",
    Object.create(Error.prototype),
    "an instance of Error",
  ],
  [
    "a Date without its class",
    Object.setPrototypeOf(new Date(), Object.prototype),
    "Object",
  ],
  ["a symbol key", { [Symbol("s")]: 1 }, "symbol as key"],
  [
    "a symbol key on an array",
    Object.assign([], { [Symbol("s")]: 1 }),
    "symbol as key",
  ],
  [
    "a symbol key on an error",
    Object.assign(new Error(), { [Symbol("s")]: 1 }),
    "symbol as key",
  ],
  ["a Date with a key", Object.assign(new Date(0), { a: 1 }), "(a)"],
  ["a Map with a key", Object.assign(new Map(), { a: 1 }), "(a)"],
  ["a Set with a key", Object.assign(new Set(), { a: 1 }), "(a)"],
  ["a RegExp with a key", Object.assign(/a/, { a: 1 }), "(a)"],
  ["a URL with a key", Object.assign(new URL("http://a"), { a: 1 }), "(a)"],
  [
    "a URL with a symbol",
    Object.assign(new URL("http://a"), { [Symbol("s")]: 1 }),
    "Symbol(s)",
  ],
  [
    "an ArrayBuffer with a key",
    Object.assign(new ArrayBuffer(1), { a: 1 }),
    "(a)",
  ],
  [
    "a DataView with a key",
    Object.assign(new DataView(new ArrayBuffer(1)), { a: 1 }),
    "(a)",
  ],
  [
    "a typed array with a key",
    Object.assign(new Int8Array(1), { a: 1 }),
    "(a)",
  ],
  [
    "a long one with a key",
    Object.assign(new Int8Array(100_000), { a: 1 }),
    "(a)",
  ],
  [
    "a Temporal with a key",
    Object.assign(Temporal.PlainDate.from("2020-01-01"), { a: 1 }),
    "(a)",
  ],
  [
    "an object that inherits from another",
    Object.create({ a: 1 }),
    "no known class",
  ],
  ["the global object", globalThis, "Window"],
  ["a WebAssembly.Memory", new WebAssembly.Memory({ initial: 1 }), "Memory"],
  ["an iterator", [].values(), "as an array"],
];

for (const [name, value, says] of cases) {
  Deno.test(`${name} is refused with its path and a cure (${says})`, () => {
    const error = refusalOf([{ opts: { callback: value } }]);
    assertEquals(error.path, "args[0].opts.callback");
    assertStringIncludes(error.message, "args[0].opts.callback ");
    assertStringIncludes(error.message, says);
  });
}

Deno.test("an accessor is refused, and not called", () => {
  let calls = 0;
  const object = {
    get a() {
      return calls++;
    },
  };
  assertEquals(refusalOf(object).path, "args.a");
  const array = Object.defineProperty([1, 2], 1, { get: () => calls++ });
  assertEquals(refusalOf(array).path, "args[1]");
  const error = Object.defineProperty(new Error(), "a", { get: () => calls++ });
  assertEquals(refusalOf(error).path, "args.a");
  assertEquals(
    refusalOf({
      set a(_: unknown) {
        calls++;
      },
    }).path,
    "args.a",
  );
  assertEquals(calls, 0);
});

Deno.test("a property that is not enumerable is refused", () => {
  const object = Object.defineProperty({ a: 1 }, "b", { value: 1 });
  assertEquals(refusalOf(object).path, "args.b");
  const array = Object.defineProperty([1], "b", { value: 1 });
  assertEquals(refusalOf(array).path, "args.b");
  const long = Object.defineProperty(new Array(5_000).fill(1), "b", {
    value: 1,
  });
  assertEquals(refusalOf(long).path, "args.b");
});

Deno.test("a cycle is refused, and both of its ends are named", () => {
  const loop: Record<string, unknown> = { list: [1] };
  (loop.list as unknown[]).push({ loop });
  const error = refusalOf([0, loop]);
  assertEquals(error.path, "args[1].list[1].loop");
  assertStringIncludes(error.message, "is args[1] again");
  const map = new Map();
  map.set("self", map);
  assertEquals(refusalOf(map).path, 'args.get("self")');
  const failure = new Error("a");
  failure.cause = failure;
  assertEquals(refusalOf(failure).path, "args.cause");
  // A shared object before the cycle must not hide it.
  const shared = {};
  assertEquals(refusalOf([shared, shared, loop]).path, "args[2].list[1].loop");
});

Deno.test("more than a thousand levels are refused", () => {
  let nested: unknown = [];
  for (let level = 0; level < 100_000; level++) nested = [nested];
  assertStringIncludes(refusalOf(nested).message, "deeper than 1000 levels");
});

Deno.test("two views of one buffer are refused", () => {
  const buffer = new ArrayBuffer(8);
  const [one, two] = [new Uint8Array(buffer, 0, 4), new Uint8Array(buffer, 4)];
  assertEquals(refusalOf([one, { two }]).path, "args[1].two");
  assertEquals(refusalOf([one, buffer]).path, "args[1]");
  encodeValue([one, one]);
});

Deno.test("a detached buffer is refused", () => {
  for (
    const make of [
      () => new ArrayBuffer(8),
      () => new Uint8Array(8),
      () => new DataView(new ArrayBuffer(8)),
    ]
  ) {
    const value = make();
    structuredClone(value, {
      transfer: ["buffer" in value ? value.buffer : value],
    });
    assertStringIncludes(refusalOf([value]).message, "detached");
  }
});

Deno.test("a path is written as one would write it", () => {
  const bad = () => 1;
  const paths: [unknown, string][] = [
    [{ "odd key": bad }, 'args["odd key"]'],
    [{ a: [bad] }, "args.a[0]"],
    [new Map([["k", bad]]), 'args.get("k")'],
    [new Map<unknown, unknown>([[1, 1], [2, { a: bad }]]), "args.get(2).a"],
    [new Map([[{}, bad]]), "args.get(an object)"],
    [new Map<unknown, unknown>([[1, 1], [bad, 1]]), "args (key 1)"],
    [new Set<unknown>([0, 1, 2, [bad]]), "args (member 3)[0]"],
    [Object.assign([1], { a: bad }), "args.a"],
    [[1, , , bad], "args[3]"],
    [new Error("x", { cause: { bad } }), "args.cause.bad"],
  ];
  for (const [value, path] of paths) assertEquals(refusalOf(value).path, path);
});

Deno.test("after a refusal the next value is as good as ever", () => {
  const expected = encodeValue([1, { a: 2 }]).bytes;
  for (let i = 0; i < 3; i++) {
    refusalOf([{ a: { b: [() => 1] } }]);
    assertEquals(encodeValue([1, { a: 2 }]).bytes, expected);
  }
});

Deno.test("a job stands in arrays, plain objects and Map values only", () => {
  class FakeJob {}
  const job = (node: object) => node instanceof FakeJob ? 0 : undefined;
  const contribution = (node: object) =>
    node instanceof FakeJob ? Uint8Array.of(1) : undefined;
  for (
    const value of [
      new FakeJob(),
      [new FakeJob()],
      new Map([[1, { a: new FakeJob() }]]),
    ]
  ) {
    encodeValue(value, { job });
    contributionOf(value, { job: contribution });
  }
  for (
    const value of [
      new Set([new FakeJob()]),
      new Set([[new FakeJob()]]),
      new Map([[new FakeJob(), 1]]),
      new Error("a", { cause: new FakeJob() }),
    ]
  ) {
    assertThrows(
      () => encodeValue(value, { job }),
      UnsupportedValueError,
      "is a job in ",
    );
    assertThrows(
      () => jobKey("f", "1", [value], { job: contribution }),
      UnsupportedValueError,
      "await it first",
    );
  }
  // Where there can be none, it is a class like any other.
  assertThrows(
    () => encodeValue([new FakeJob()]),
    UnsupportedValueError,
    "FakeJob",
  );
});

Deno.test("what a proxy shows anew each time is refused, and does not hang", () => {
  const proxy = new Proxy({}, {
    ownKeys: () => ["a", "b"],
    getOwnPropertyDescriptor: () => {
      const value = {};
      return {
        value: [value, value],
        enumerable: true,
        configurable: true,
        writable: true,
      };
    },
  });
  const error = assertThrows(() => encodeValue(proxy), UnsupportedValueError);
  assert(error.message.includes("each time it is read"));
});

Deno.test("what throws while it is read is refused, with its path and its error", () => {
  const traps: [keyof ProxyHandler<object>, object][] = [
    ["getPrototypeOf", {}],
    ["ownKeys", {}],
    ["ownKeys", []],
    ["getOwnPropertyDescriptor", { a: 1 }],
    ["get", [1]],
  ];
  const cause = new RangeError("no way");
  for (const [trap, target] of traps) {
    const proxy = new Proxy(target, {
      [trap]: () => {
        throw cause;
      },
    });
    for (const before of [1, {}, [[[1]]], new Map([[1, { a: 1 }]])]) {
      const error = refusalOf([before, before, { a: proxy, b: 1 }]);
      assertEquals(error.path, "args[2].a");
      assertEquals(error.cause, cause);
      assertStringIncludes(
        error.message,
        "args[2].a cannot be read as a Proxy",
      );
      assertStringIncludes(error.message, "failed: no way: pass a plain copy");
    }
    assertEquals(refusalOf(proxy).path, "args");
    const last = assertThrows(
      () => jobKey("f", "1", [1, proxy], { job: () => undefined }),
      UnsupportedValueError,
    );
    assertEquals(last.path, "args[1]");
    assertEquals(refusalOf(new Map([["k", proxy]])).path, 'args.get("k")');
  }
  const long = Object.defineProperty(new Array(100).fill(0), 99, {
    get: () => {
      throw cause;
    },
  });
  assertEquals(refusalOf({ long }).path, "args.long");
  // What is thrown need be no error.
  const odd = new Proxy({}, {
    ownKeys: () => {
      throw Object.create(null);
    },
  });
  assertEquals(refusalOf([odd]).path, "args[0]");
});
