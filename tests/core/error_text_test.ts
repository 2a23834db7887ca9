import { assertEquals, assertStringIncludes } from "@std/assert";
import { errorText } from "../../lib/error_text.ts";

Deno.test("an error says its message, a string itself, another value how it looks", () => {
  assertEquals(errorText(new RangeError("too far")), "too far");
  assertEquals(errorText("just text"), "just text");
  assertEquals(errorText({ message: "like an error" }), "like an error");
  for (const value of [undefined, null, 5, Symbol("s"), { code: 5 }]) {
    assertEquals(errorText(value), Deno.inspect(value));
  }
});

const BAD: Record<string, () => unknown> = {
  "an object without a prototype": () => Object.create(null),
  "an error whose toString is no function": () =>
    Object.assign(new Error("known"), { toString: 1 }),
  "an error whose message is no text": () =>
    Object.assign(new Error(), { message: Symbol("m") }),
  "an object whose message throws": () => ({
    get message(): string {
      throw new Error("hidden");
    },
  }),
  "an object whose inspection throws": () => ({
    [Symbol.for("Deno.customInspect")](): string {
      throw new Error("hidden");
    },
  }),
  "a revoked proxy": () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    return proxy;
  },
};

for (const [what, make] of Object.entries(BAD)) {
  Deno.test(`what was thrown has a text: ${what}`, () => {
    const text = errorText(make());
    assertEquals(typeof text, "string");
    assertEquals(text.length > 0, true);
  });
}

Deno.test("what cannot be shown is named by its type", () => {
  assertStringIncludes(
    errorText(BAD["an object whose message throws"]!()),
    "type object",
  );
});
