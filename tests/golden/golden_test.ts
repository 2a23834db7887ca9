import { assertEquals } from "@std/assert";
import { decodeValue } from "../../lib/value/decode.ts";
import { encodeValue } from "../../lib/value/encode.ts";
import { difference } from "../value/same.ts";
import { values } from "./values.ts";
import { computed, pinned } from "./vectors.ts";

Deno.test("bytes and keys are what they have always been in this format", () => {
  assertEquals(computed(), pinned());
});

Deno.test("every pinned value comes back", () => {
  for (const [name, value] of Object.entries(values)) {
    assertEquals(
      difference(value, decodeValue(encodeValue(value))),
      undefined,
      name,
    );
  }
});

Deno.test("every pinned value has a key of its own", () => {
  const { vectors } = computed();
  assertEquals(new Set(vectors.map(({ key }) => key)).size, vectors.length);
});
