import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertNotEquals,
  assertThrows,
} from "@std/assert";
import { toFileUrl } from "@std/path";
import {
  FileChangedError,
  FileNotFoundError,
  PermissionNeededError,
  UnsupportedValueError,
} from "../../lib/errors.ts";
import { contributionOf } from "../../lib/value/contribution.ts";
import { decodeValue } from "../../lib/value/decode.ts";
import { encodeValue } from "../../lib/value/encode.ts";
import {
  FileReference,
  fileReference,
} from "../../lib/value/file_reference.ts";
import { sha256Hex } from "../../lib/value/sha256.ts";
import { inFolder } from "./in_folder.ts";

Deno.test(
  "a file is known by its content, whatever its size",
  inFolder((folder) => {
    for (const size of [0, 5, 1_048_575, 1_048_576, 1_048_577, 3_000_000]) {
      const content = new Uint8Array(size).map((_, i) => i);
      Deno.writeFileSync(`${folder}/file`, content);
      const file = fileReference(`${folder}/file`);
      assertEquals(file.path, `${folder}/file`);
      assertEquals([file.size, file.digest], [size, sha256Hex(content)]);
      assertEquals(file.bytes(), content);
    }
  }),
);

Deno.test(
  "a path may be relative, or a URL",
  inFolder((folder) => {
    Deno.writeTextFileSync(`${folder}/a b`, "text");
    assertEquals(
      fileReference(new URL(`file://${folder}/a%20b`)).path,
      `${folder}/a b`,
    );
    const { href } = toFileUrl(`${folder}/a b`);
    assertEquals(fileReference(href).path, `${folder}/a b`);
    const here = fileReference("deno.json");
    assertEquals(here.path, `${Deno.cwd()}/deno.json`);
  }),
);

Deno.test(
  "the key of a file holds its content alone",
  inFolder((folder) => {
    Deno.writeTextFileSync(`${folder}/a`, "same");
    Deno.writeTextFileSync(`${folder}/b`, "same");
    Deno.writeTextFileSync(`${folder}/c`, "other");
    const [a, b, c] = ["a", "b", "c"].map((name) =>
      contributionOf(fileReference(`${folder}/${name}`))
    );
    assertEquals(a, b);
    assertNotEquals(a, c);
  }),
);

Deno.test(
  "a reference comes back whole",
  inFolder((folder) => {
    Deno.writeTextFileSync(`${folder}/a`, "hello");
    const file = fileReference(`${folder}/a`);
    const copy = decodeValue(encodeValue([file])) as [FileReference];
    assertInstanceOf(copy[0], FileReference);
    assertEquals({ ...copy[0] }, { ...file });
    assertEquals(copy[0].text(), "hello");
  }),
);

Deno.test(
  "a file that changed or went since is named",
  inFolder((folder) => {
    const path = `${folder}/a`;
    Deno.writeTextFileSync(path, "one");
    const file = fileReference(path);
    for (const content of ["two", "longer"]) {
      Deno.writeTextFileSync(path, content);
      assertThrows(() => file.text(), FileChangedError, `${path} has changed`);
    }
    Deno.removeSync(path);
    const error = assertThrows(
      () => file.bytes(),
      FileChangedError,
      `${path} is gone`,
    );
    assertInstanceOf(error.cause, Deno.errors.NotFound);
  }),
);

Deno.test(
  "what is no file is refused by name",
  inFolder((folder) => {
    const missing = assertThrows(
      () => fileReference(`${folder}/none`),
      FileNotFoundError,
      `Cannot use ${folder}/none as a file as there is no such file`,
    );
    assertInstanceOf(missing.cause, Deno.errors.NotFound);
    assertThrows(() => fileReference(folder), FileNotFoundError, "is a folder");
    const long = assertThrows(
      () => fileReference("n".repeat(5_000)),
      FileNotFoundError,
      "is longer than the system lets it be: current length is ",
    );
    assert(long.message.length < 250);
    Deno.writeTextFileSync(`${folder}/plain`, "");
    assertThrows(
      () => fileReference(`${folder}/plain/below`),
      FileNotFoundError,
      "as a file as a part of its path is no folder",
    );
    assertEquals(missing.name, "FileNotFoundError");
    assertThrows(() => fileReference(""), TypeError, 'current value is ""');
    assertThrows(
      () => fileReference(5 as unknown as string),
      TypeError,
      "current value is 5",
    );
    for (const path of ["https://a/b", new URL("https://a/b")]) {
      assertThrows(
        () => fileReference(path),
        TypeError,
        "current value is https://a/b, which is not on a disk: fetch it first",
      );
    }
    for (const path of ["/a\0b", "file:///a%00b"]) {
      assertThrows(
        () => fileReference(path),
        TypeError,
        'without NUL characters: current value is "/a\\u0000b"',
      );
    }
  }),
);

Deno.test({
  name: "without the permission to read, the error names the flag",
  permissions: { read: false },
  fn: () => {
    const error = assertThrows(
      () => fileReference("/data/a.txt"),
      PermissionNeededError,
    );
    assertEquals(error.flag, "--allow-read=/data/a.txt");
    assert(error.message.includes(error.flag));
  },
});

Deno.test(
  "a reference cannot be changed or made up",
  inFolder((folder) => {
    Deno.writeTextFileSync(`${folder}/a`, "x");
    const file = fileReference(`${folder}/a`);
    assertThrows(() => Object.assign(file, { path: "/b" }), TypeError);
    assertThrows(
      () =>
        encodeValue(
          Object.setPrototypeOf({ path: "/a" }, FileReference.prototype),
        ),
      UnsupportedValueError,
    );
    for (
      const [path, digest, size] of [["", "", 0], ["/a", "xx", 0], [
        "/a",
        "0".repeat(64),
        -1,
      ]] as const
    ) {
      assertThrows(
        () => new FileReference(path, digest, size),
        Error,
        "Cannot refer",
      );
    }
  }),
);
