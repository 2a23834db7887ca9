import { assertEquals } from "@std/assert";
import * as std from "@std/path";
import { dirname, join, resolve } from "../../lib/value/paths.ts";

const PATHS = [
  "/",
  "/a",
  "/a/b",
  "/a/./b/../c",
  "/../a",
  "/a//b",
  "a",
  "./a/b",
  "../a",
  "../../../../../../../../../../a",
  ".",
  "..",
  "a b/ü%20#?.x",
  ...Deno.build.os === "windows"
    ? ["C:\\", "C:\\a", "C:/a\\..\\b", "\\\\host\\share\\a\\b", "a\\b"]
    : ["a\\b", "/a\\b/c"],
];

Deno.test("absolute paths are those of @std/path", () => {
  for (const path of PATHS) {
    assertEquals(resolve(path), std.resolve(path), path);
    assertEquals(resolve(resolve(path)), std.resolve(path), path);
  }
});

Deno.test("the folder that something is in is that of @std/path", () => {
  for (const path of ["a", "a/b", "./a", "/", ...PATHS.map(resolve)]) {
    assertEquals(dirname(path), std.dirname(path), path);
  }
});

Deno.test("what is put under an absolute folder is where @std/path puts it", () => {
  for (const path of PATHS) {
    const folder = resolve(path);
    assertEquals(
      std.normalize(join(folder, "a", "b")),
      std.join(folder, "a", "b"),
    );
  }
});
