import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertNotEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
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
  FolderReference,
  folderReference,
} from "../../lib/value/folder_reference.ts";
import { inFolder } from "./in_folder.ts";

/** Fills a folder. */
function fill(folder: string): void {
  Deno.mkdirSync(`${folder}/sub/empty`, { recursive: true });
  Deno.writeTextFileSync(`${folder}/sub/z`, "z");
  Deno.writeTextFileSync(`${folder}/sub-a`, "aa");
  Deno.writeTextFileSync(`${folder}/run.sh`, "", { mode: 0o755 });
  Deno.writeTextFileSync(`${folder}/ünï codé`, "text");
}

Deno.test(
  "a folder knows its files, and what is below",
  inFolder((path) => {
    fill(path);
    const folder = folderReference(`${path}/`);
    assertEquals(
      [folder.path, folder.size, folder.count],
      [path, 7, 6],
    );
    assertEquals(
      Array.from(folder.files(), (file) => file.path.slice(path.length + 1)),
      ["run.sh", "sub-a", "sub/z", "ünï codé"],
    );
    assertEquals(folder.file("sub/z").text(), "z");
    assert(folder.has("sub/empty") && !folder.has("sub/other"));
    for (const name of ["sub", "none"]) {
      assertThrows(
        () => folder.file(name),
        Error,
        `Cannot find the file ${name} in ${path}`,
      );
    }
  }),
);

Deno.test(
  "the digest of a folder is that of names, contents, kinds and empty folders",
  inFolder((path) => {
    const digests = new Map<string, string>();
    const differs = (what: string, change: (folder: string) => void) => {
      const folder = `${path}/${digests.size}`;
      Deno.mkdirSync(folder);
      fill(folder);
      change(folder);
      digests.set(what, folderReference(folder).digest);
    };
    differs("as it was", () => {});
    differs(
      "another name",
      (folder) => Deno.renameSync(`${folder}/sub-a`, `${folder}/sub-b`),
    );
    differs(
      "another content",
      (folder) => Deno.writeTextFileSync(`${folder}/sub/z`, "y"),
    );
    differs(
      "may be executed",
      (folder) => Deno.chmodSync(`${folder}/sub/z`, 0o755),
    );
    differs(
      "no empty folder",
      (folder) => Deno.removeSync(`${folder}/sub/empty`),
    );
    differs("an empty file in its place", (folder) => {
      Deno.removeSync(`${folder}/sub/empty`);
      Deno.writeTextFileSync(`${folder}/sub/empty`, "");
    });
    differs(
      "one file more",
      (folder) => Deno.writeTextFileSync(`${folder}/more`, ""),
    );
    differs(
      "a file elsewhere",
      (folder) => Deno.renameSync(`${folder}/sub/z`, `${folder}/z`),
    );
    assertEquals(new Set(digests.values()).size, digests.size);

    const copy = `${path}/copy`;
    Deno.mkdirSync(copy);
    fill(copy);
    assertEquals(folderReference(copy).digest, digests.get("as it was"));
    assertEquals(
      contributionOf(folderReference(copy)),
      contributionOf(folderReference(`${path}/0`)),
    );
    // A link to a file is that file.
    Deno.renameSync(`${copy}/sub/z`, `${path}/z`);
    Deno.symlinkSync(`${path}/z`, `${copy}/sub/z`);
    assertEquals(folderReference(copy).digest, digests.get("as it was"));
    assertNotEquals(
      contributionOf(folderReference(`${path}/1`)),
      contributionOf(folderReference(copy)),
    );
  }),
);

Deno.test(
  "a folder comes back whole",
  inFolder((path) => {
    fill(path);
    Deno.mkdirSync(`${path}/sub/empty/deep`);
    for (const folder of [path, `${path}/sub/empty/deep`]) {
      const reference = folderReference(folder);
      const [copy] = decodeValue(encodeValue([reference])) as FolderReference[];
      assertInstanceOf(copy, FolderReference);
      assertEquals({ ...copy! }, { ...reference });
      assertEquals([...copy!.files()], [...reference.files()]);
    }
  }),
);

Deno.test(
  "a value says which files it refers to",
  inFolder((path) => {
    fill(path);
    const folder = folderReference(path);
    const { files } = encodeValue({ a: folder, b: folder.file("sub/z") });
    assertEquals(
      files!.map((file) => [file.kind, file.path.slice(path.length)]),
      [
        ["folder", ""],
        ["file", "/run.sh"],
        ["folder", "/sub"],
        ["file", "/sub-a"],
        ["folder", "/sub/empty"],
        ["file", "/sub/z"],
        ["file", "/ünï codé"],
        ["file", "/sub/z"],
      ],
    );
    assertEquals(encodeValue([folder, folder]).files!.length, 7);
    assertEquals("files" in encodeValue([path]), false);
  }),
);

Deno.test(
  "what is neither file nor folder is named",
  inFolder((path) => {
    const refused = (make: (at: string) => void, what: string) => {
      const at = `${path}/sub/odd`;
      Deno.mkdirSync(`${path}/sub`, { recursive: true });
      make(at);
      const { message } = assertThrows(() => folderReference(path), Error);
      assertStringIncludes(message, `${at} as that is ${what}`);
      Deno.removeSync(at);
    };
    refused((at) => Deno.symlinkSync(path, at), "a symbolic link to a folder");
    refused(
      (at) => Deno.symlinkSync("/none", at),
      "a symbolic link to nothing",
    );
    refused((at) => Deno.symlinkSync(at, at), "a symbolic link to itself");
    refused((at) => {
      assertThrows(
        () => folderReference("n".repeat(5_000)),
        FileNotFoundError,
        "as a folder as a name in its path, or all of it, is longer than",
      );
      new Deno.Command("mkfifo", { args: [at] }).outputSync();
    }, "a pipe");
    refused(
      (at) => Deno.symlinkSync("/dev/null", at),
      "a symbolic link to a device",
    );
    using _ = Deno.listen({ transport: "unix", path: `${path}/socket` });
    assertThrows(
      () => folderReference(path),
      Error,
      `${path}/socket as that is a socket`,
    );
  }),
);

Deno.test(
  "what is no folder is refused by name",
  inFolder((path) => {
    Deno.writeTextFileSync(`${path}/file`, "");
    assertThrows(
      () => folderReference(`${path}/none`),
      Error,
      `Cannot use ${path}/none as a folder as there is no such folder`,
    );
    assertThrows(
      () => folderReference(`${path}/file`),
      Error,
      "as it is a file: use hi.file for it",
    );
    assertThrows(
      () => folderReference(`${path}/file/below`),
      FileNotFoundError,
      "as a part of its path is no folder: check the path",
    );
    new Deno.Command("mkfifo", { args: [`${path}/pipe`] }).outputSync();
    assertThrows(
      () => folderReference(`${path}/pipe`),
      FileNotFoundError,
      "as it is a pipe, which has no content that could be kept: pass a folder",
    );
    assertThrows(() => folderReference(""), TypeError, 'current value is ""');
    assertThrows(() => new FolderReference("", []), TypeError, "not empty");
    assertThrows(
      () => encodeValue(Object.setPrototypeOf({}, FolderReference.prototype)),
      UnsupportedValueError,
    );
  }),
);

Deno.test({
  name: "without the permission to read, the error names the flag",
  permissions: { read: false },
  fn: () => {
    const error = assertThrows(
      () => folderReference("/data"),
      PermissionNeededError,
    );
    assertEquals(error.flag, "--allow-read=/data");
  },
});

Deno.test(
  "a file of a folder that changed since is named",
  inFolder((path) => {
    fill(path);
    const folder = folderReference(path);
    Deno.writeTextFileSync(`${path}/sub/z`, "y");
    assertThrows(
      () => folder.file("sub/z").text(),
      FileChangedError,
      `${path}/sub/z has changed`,
    );
  }),
);
