import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertStringIncludes,
} from "@std/assert";
import * as fc from "npm:fast-check@^4";
import * as errors from "../../lib/errors.ts";
import { decodeThrown, encodeThrown } from "../../lib/value/thrown.ts";
import { value } from "./arbitrary.ts";
import { difference } from "./same.ts";

function rethrown<T = Error>(error: unknown): T {
  return decodeThrown(encodeThrown(error)) as T;
}

Deno.test("data that is thrown comes back as it is", () => {
  fc.assert(fc.property(value, (thrown) => {
    assertEquals(difference(thrown, rethrown(thrown)), undefined);
  }));
  for (const thrown of [undefined, null, 0, "text"]) {
    assertEquals<unknown>(rethrown(thrown), thrown);
  }
});

Deno.test("a built-in error keeps class, message, stack and cause", () => {
  const original = new RangeError("too much", {
    cause: new TypeError("inner"),
  });
  const copy = rethrown(original);
  assertInstanceOf(copy, RangeError);
  assertEquals([copy.message, copy.stack], [original.message, original.stack]);
  assertInstanceOf(copy.cause, TypeError);
});

Deno.test("an error without message or cause has none, and one with an undefined cause has that", () => {
  assertEquals(Object.hasOwn(rethrown(new Error()) as Error, "message"), false);
  assertEquals(
    Object.hasOwn(rethrown(new Error("")) as Error, "message"),
    true,
  );
  assertEquals(
    Object.hasOwn(rethrown(new Error("a")) as Error, "cause"),
    false,
  );
  const copy = rethrown(new Error("a", { cause: undefined })) as Error;
  assertEquals(Object.hasOwn(copy, "cause"), true);
});

Deno.test("errors of hither's own come back as themselves", () => {
  for (const [name, type] of Object.entries(errors)) {
    const original = new (type as new (...args: unknown[]) => Error)(
      "message",
      "detail",
      {
        cause: 1,
      },
    );
    const copy = rethrown(original);
    assertInstanceOf(copy, type);
    assertInstanceOf(copy, errors.HitherError);
    assertEquals(copy.name, name);
    assertEquals(difference(original, copy), undefined);
  }
});

Deno.test("an error that Deno throws comes back as itself", () => {
  let original: unknown;
  try {
    Deno.readFileSync(new URL("no_such_file", import.meta.url));
  } catch (error) {
    original = error;
  }
  const copy = rethrown(original);
  assertInstanceOf(copy, Deno.errors.NotFound);
  assertEquals((copy as Error & { code: string }).code, "ENOENT");
});

Deno.test("a DOMException stays one", () => {
  const copy = rethrown<DOMException>(new DOMException("stop", "AbortError"));
  assertInstanceOf(copy, DOMException);
  assertEquals([copy.name, copy.message, copy.code], [
    "AbortError",
    "stop",
    20,
  ]);
  const signal = AbortSignal.abort();
  assertInstanceOf(rethrown(signal.reason), DOMException);
});

class HttpError extends TypeError {
  override name = "HttpError";
  constructor(message: string, readonly status: number) {
    super(message);
  }
}

Deno.test("an error of an unregistered class becomes the nearest built-in with its name and properties", () => {
  const original = new HttpError("not found", 404);
  const copy = rethrown(original) as HttpError;
  assertEquals(Object.getPrototypeOf(copy), TypeError.prototype);
  assertEquals([copy.name, copy.message, copy.status], [
    "HttpError",
    "not found",
    404,
  ]);
  assertEquals(copy.stack, original.stack);
});

Deno.test("the name of an error is kept also where its class alone knows it", () => {
  class QuietError extends RangeError {
    override get name(): string {
      return "QuietError";
    }
  }
  const copy = rethrown(new QuietError("shh")) as Error;
  assertEquals([copy.name, String(copy)], ["QuietError", "QuietError: shh"]);
  assertInstanceOf(copy, RangeError);
});

Deno.test("an unregistered class is replaced also in causes and in errors", () => {
  const inner = new HttpError("inner", 500);
  const cause = rethrown(new Error("outer", { cause: inner })) as Error;
  assertEquals((cause.cause as HttpError).status, 500);
  const many = rethrown(
    new AggregateError([inner, new Error("b")], "all"),
  ) as AggregateError;
  assertInstanceOf(many, AggregateError);
  assertEquals(many.errors.map((error) => error.message), ["inner", "b"]);
  assertInstanceOf(many.errors[0], TypeError);
});

Deno.test("what is not data in an error becomes a text that says what it was", () => {
  const original = Object.assign(new Error("failed"), {
    response: new Response("body"),
    retry: function retry() {},
    status: 500,
    list: [1, Symbol("s")],
  });
  original.cause = Promise.resolve(1);
  const copy = rethrown(original) as Error & Record<string, unknown>;
  assertEquals(copy.message, "failed");
  assertEquals(copy.response, "[an instance of Response]");
  assertEquals(copy.retry, "[a function (retry)]");
  assertEquals(copy.status, 500);
  assertEquals(copy.list, [1, "[a symbol (Symbol(s))]"]);
  assertEquals(copy.cause, "[an instance of Promise]");
});

Deno.test("an error that is its own cause comes back", () => {
  const original = new Error("round");
  original.cause = new HttpError("and round", 1);
  (original.cause as Error).cause = original;
  const copy = rethrown(original) as Error;
  assertEquals((copy.cause as Error).cause, "[an instance of Error, again]");
  const list: unknown[] = [];
  list.push(list);
  const odd = rethrown(Object.assign(new Error("x"), { list })) as Error & {
    list: unknown;
  };
  assertEquals(odd.list, ["[an instance of Array]"]);
});

Deno.test("a long chain of causes is cut", () => {
  let original: Error = new HttpError("0", 0);
  for (let i = 1; i < 5_000; i++) original = new HttpError(`${i}`, i);
  for (let i = 1; i < 5_000; i++) {
    original = Object.assign(new HttpError(`${i}`, i), { cause: original });
  }
  const copy = rethrown(original) as Error;
  assertEquals(copy.message, "4999");
  assertInstanceOf(copy.cause, TypeError);
});

Deno.test("anything may be thrown", () => {
  class Odd {}
  const hostile = new Proxy(new Error("a"), {
    get() {
      throw new Error("b");
    },
    getOwnPropertyDescriptor() {
      throw new Error("c");
    },
    ownKeys() {
      throw new Error("d");
    },
  });
  const getter = Object.defineProperty(new Error("a"), "message", {
    get() {
      throw new Error("b");
    },
  });
  const detached = new Uint8Array(8);
  structuredClone(detached, { transfer: [detached.buffer] });
  const thrown = [
    () => 1,
    Symbol("s"),
    new Odd(),
    Promise.resolve(),
    hostile,
    getter,
    Object.create(null, { a: { get: () => 1 } }),
    Object.setPrototypeOf(new Error("x"), null),
    Object.assign(new Error("x"), { detached }),
    Object.assign(new Error("x"), { stack: 5 }),
    Object.assign(new Error("x"), { [Symbol("s")]: 1 }),
  ];
  for (const error of thrown) assertInstanceOf(rethrown(error), Error);
  assertStringIncludes(
    (rethrown(new Odd()) as Error).message,
    "an instance of Odd",
  );
});

Deno.test("two views of one buffer in an error do not lose the error", () => {
  const buffer = new ArrayBuffer(8);
  const original = Object.assign(new RangeError("views"), {
    a: new Uint8Array(buffer),
    b: new Int8Array(buffer),
  });
  const copy = rethrown(original) as Error;
  assertEquals(copy.message, "views");
  assertEquals(copy.name, "RangeError");
  assert(copy.stack?.includes("views"));
});
