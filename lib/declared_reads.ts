/**
 * The files and folders that a job declares to read: known by their content, as
 * those among its arguments are.
 *
 * @module
 */

import { cacheCure } from "./argument_files.ts";
import type { JobCache } from "./cache/job_cache.ts";
import { errorText } from "./error_text.ts";
import { FileChangedError, PermissionNeededError } from "./errors.ts";
import { type DeclaredPermissions, isWithin } from "./permissions.ts";
import type { Outcome } from "./task.ts";
import type { FileContent } from "./value/encoded.ts";
import { checkFiles, isAbsence } from "./value/file_check.ts";
import {
  type DigestMemo,
  digestOfFile,
  explained,
  processMemo,
  withProcessMemo,
} from "./value/file_digest.ts";
import { listFolder } from "./value/folder_listing.ts";
import { FolderReference } from "./value/folder_reference.ts";
import { absolutePath } from "./value/given_path.ts";
import type { KeyPart } from "./value/parts.ts";
import { sha256 } from "./value/sha256.ts";
import { decodeThrown, encodeThrown } from "./value/thrown.ts";

/** So many of them are named where a miss is explained. */
const MOST_PARTS = 16;

/** What was found at one path. */
interface Found {
  /** What it is, and its digest. */
  readonly content: string;
  readonly files: readonly FileContent[];
}

/** What a job declares to read, as it was when somebody looked. */
export class DeclaredReads {
  /** SHA-256 over the contents in the order in which they were declared, 64 hexadecimal digits. Paths do not count. */
  readonly digest: string;
  /** Where they are; absolute. */
  readonly paths: readonly string[];
  readonly #files: readonly FileContent[];
  readonly #absent: readonly string[];
  readonly #given: readonly string[];
  readonly #contents: readonly string[];

  /** Looks at the paths now. */
  constructor(paths: readonly string[], memo: DigestMemo) {
    this.paths = paths.map(absolutePath);
    const found = this.paths.map((path) => lookAt(path, memo));
    this.digest = digestOf(found.map(({ content }) => content).join("\n"));
    this.#given = paths;
    this.#contents = found.map(({ content }) => content);
    this.#files = found.flatMap(({ files }) => files);
    this.#absent = this.paths.filter((_, i) => found[i]!.content === ABSENT);
  }

  /** What each of them contributes to the key. */
  get parts(): KeyPart[] {
    return this.#given.slice(0, MOST_PARTS).map((path, i) => ({
      path: `permissions.read[${JSON.stringify(path)}]`,
      digest: digestOf(this.#contents[i]!).slice(0, 16),
    }));
  }

  /** Whether the same was found at the same paths. */
  isSame({ digest, paths }: DeclaredReads): boolean {
    return this.digest === digest && this.paths.join("\0") === paths.join("\0");
  }

  /**
   * Checks that all of it is still what it was.
   *
   * @throws {FileChangedError} if it is not.
   */
  check(since: string, jobCache: JobCache | null): void {
    const cure = (path: string) => cacheCure(path, jobCache) ?? CURE;
    checkFiles(this.#files, processMemo, since, cure);
    for (const path of this.#absent) {
      if (!isThere(path)) continue;
      throw new FileChangedError(
        `${path} has come to be ${since}: ${cure(path)}`,
      );
    }
  }

  /** What a Task came to: an error if something has changed while it ran, whatever the function says. */
  whenUnchanged(
    outcome: Outcome,
    name: string,
    jobCache: JobCache | null,
  ): Outcome {
    try {
      this.check(`while ${name} ran, which declares to read it`, jobCache);
      return outcome;
    } catch (error) {
      if (outcome.status === "error" && error instanceof Error) {
        error.cause ??= decodeThrown(outcome.value);
      }
      const { console, timing } = outcome;
      const value = encodeThrown(error);
      return { status: "error", value, console, timing, lost: true };
    }
  }
}

const CURE = "run the job again when nobody writes to it";
const ABSENT = "absent";

/** What a job with these permissions declares to read; `undefined` if that is nothing in particular. What it may write is no input. */
export function declaredReads(
  declared: DeclaredPermissions,
  stored: DigestMemo | undefined,
): DeclaredReads | undefined {
  const { read, write } = declared;
  if (!Array.isArray(read)) return undefined;
  const written = Array.isArray(write) ? write.map(absolutePath) : [];
  const paths = read.filter((path) =>
    !written.some((folder) => isWithin(absolutePath(path), folder))
  );
  if (paths.length === 0) return undefined;
  const now = new DeclaredReads(
    paths,
    stored === undefined ? processMemo : withProcessMemo(stored),
  );
  // Many jobs wait with the same ones: they keep one list of files.
  const before = latest.get(declared);
  if (before?.isSame(now)) return before;
  latest.set(declared, now);
  return now;
}

const latest = new WeakMap<DeclaredPermissions, DeclaredReads>();

function lookAt(path: string, memo: DigestMemo): Found {
  let info: Deno.FileInfo;
  try {
    info = Deno.statSync(path);
  } catch (error) {
    if (isAbsence(error)) return { content: ABSENT, files: [] };
    throw explained(error, path, "file");
  }
  try {
    if (info.isDirectory) return lookInto(path, memo);
    // A device or a socket has no content that could be looked at.
    if (!info.isFile) return { content: "other", files: [] };
    const { digest, size } = digestOfFile(path, memo, info);
    return {
      content: `file ${digest}`,
      files: [{ kind: "file", path, digest, size }],
    };
  } catch (error) {
    const cause = explained(error, path, info.isDirectory ? "folder" : "file");
    if (
      cause instanceof FileChangedError ||
      cause instanceof PermissionNeededError
    ) throw cause;
    throw new Error(
      `Cannot look at ${path}, which permissions.read lists: ${
        errorText(cause)
      }, or list the files that are needed, or set permissions.read to true, which looks at none`,
      { cause },
    );
  }
}

function lookInto(path: string, memo: DigestMemo): Found {
  const folder = path.replace(/(?!^)[/\\]+$/, "");
  const entries = listFolder(folder, memo);
  const { digest } = new FolderReference(folder, entries);
  const files = entries.map(({ path, kind, digest, size }): FileContent => ({
    kind: kind === "folder" ? kind : "file",
    path: `${folder}/${path}`,
    digest,
    size,
    executable: kind === "executable",
  }));
  files.unshift({ kind: "folder", path: folder, digest: "", size: 0 });
  return { content: `folder ${digest}`, files };
}

function isThere(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch (error) {
    if (isAbsence(error)) return false;
    throw explained(error, path, "file");
  }
}

function digestOf(text: string): string {
  return sha256(new TextEncoder().encode(text)).toHex();
}
