import { assertEquals, assertThrows } from "@std/assert";
import { UnsupportedValueError } from "../../lib/errors.ts";
import { encodeValue } from "../../lib/value/encode.ts";
import type { fileReference } from "../../lib/value/file_reference.ts";

const TWO_COPIES =
  "of another copy of hither, as two copies are loaded: import hither by the same specifier";

/** What a second copy of a module exports: another query is another module. */
async function secondCopy<T>(path: string): Promise<T> {
  const url = new URL(path, import.meta.url);
  url.search = "?second";
  return await import(url.href);
}

Deno.test("a file of another copy of hither says that two are loaded", async () => {
  const other = await secondCopy<{ fileReference: typeof fileReference }>(
    "../../lib/value/file_reference.ts",
  );
  const file = other.fileReference(new URL(import.meta.url));
  const error = assertThrows(
    () => encodeValue([file], { root: "args" }),
    UnsupportedValueError,
    `args[0] is a FileReference ${TWO_COPIES}`,
  );
  assertEquals(error.path, "args[0]");
});

Deno.test("a job of another copy of hither says that two are loaded", () => {
  class Job {
    then(): void {}
    getResult(): void {}
  }
  const isOurs = () => undefined;
  assertThrows(
    () => encodeValue({ a: new Job() }, { job: isOurs }),
    UnsupportedValueError,
    `value.a is a Job ${TWO_COPIES}`,
  );
  // Where no job is data, the cure is the same for all.
  assertThrows(
    () => encodeValue(new Job()),
    UnsupportedValueError,
    "await it first",
  );
});

Deno.test("a class of the user's own that has the name of one of ours is not taken for it", () => {
  const isOurs = () => undefined;
  for (const value of [new class Job {}(), new class FileReference {}()]) {
    const error = assertThrows(
      () => encodeValue(value, { job: isOurs }),
      UnsupportedValueError,
    );
    assertEquals(error.message.includes("another copy"), false);
  }
});
