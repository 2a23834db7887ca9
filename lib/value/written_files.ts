/**
 * How files and folders stand in faithful bytes: by path, digest and size.
 *
 * @module
 */

import type { FileContent } from "./encoded.ts";
import { FileReference, givenPathOf } from "./file_reference.ts";
import {
  FOLDER_KINDS,
  type FolderEntry,
  FolderReference,
  partsOf,
} from "./folder_reference.ts";
import type { Input } from "./input.ts";
import { Major, type Output } from "./output.ts";
import { writeText } from "./text.ts";

/** Writes a file; what the bytes then refer to is added to `files`. */
export function writeFile(
  out: Output,
  file: FileReference,
  relative: boolean,
  files: FileContent[],
): void {
  const path = relative ? givenPathOf(file) : file.path;
  const { digest, size } = file;
  files.push({ kind: "file", path, digest, size });
  out.head(Major.ARRAY, 3);
  writeText(out, path);
  out.byteString(Uint8Array.fromHex(digest));
  out.head(Major.UINT, size);
}

/** The same with a folder and all that is in it. */
export function writeFolder(
  out: Output,
  folder: FolderReference,
  relative: boolean,
  files: FileContent[],
): void {
  const { given, entries } = partsOf(folder);
  const root = relative ? given : folder.path;
  files.push({ kind: "folder", path: root, digest: "", size: 0 });
  out.head(Major.ARRAY, 2);
  writeText(out, root);
  out.head(Major.ARRAY, entries.length);
  for (const { path, kind, digest, size } of entries) {
    files.push({
      kind: kind === "folder" ? kind : "file",
      path: `${root}/${path}`,
      digest,
      size,
      executable: kind === "executable",
    });
    out.head(Major.ARRAY, 4);
    writeText(out, path);
    out.head(Major.UINT, FOLDER_KINDS.indexOf(kind));
    out.byteString(Uint8Array.fromHex(digest));
    out.head(Major.UINT, size);
  }
}

/** Reads a file back. */
export function readFile(input: Input): FileReference {
  input.tuple(3);
  const path = input.text();
  const digest = input.byteString().toHex();
  const size = input.count(Major.UINT);
  return input.made("a file", () => new FileReference(path, digest, size));
}

/** Reads a folder back. */
export function readFolder(input: Input): FolderReference {
  input.tuple(2);
  const root = input.text();
  const count = input.count(Major.ARRAY);
  const entries: FolderEntry[] = [];
  for (let i = 0; i < count; i++) {
    input.tuple(4);
    const path = input.text();
    const kind = FOLDER_KINDS[input.count(Major.UINT)];
    if (kind === undefined) throw input.broken("no kind of an entry");
    const digest = input.byteString().toHex();
    const size = input.count(Major.UINT);
    entries.push({ path, kind, digest, size });
  }
  return input.made("a folder", () => new FolderReference(root, entries));
}
