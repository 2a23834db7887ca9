/**
 * Takes a snapshot, in a process of its own: the parser and Deno's own tools load
 * there and only when something changed. Its one argument is a
 * {@linkcode SnapshotRequest}; it prints the three lines of a memo.
 *
 * @module
 */

import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Fingerprint } from "./fingerprint.ts";
import { configFiles, resolutionFlags } from "./launch.ts";
import {
  isFresh,
  lookAt,
  MEMO_FORMAT,
  type MemoHead,
  readMemo,
  type WatchedFile,
  type WatchedFolder,
} from "./memo.ts";
import { pruneMemos } from "./prune.ts";
import type { SnapshotRequest } from "./request.ts";
import { snapshotText } from "./snapshot.ts";

/** Attempts to take a snapshot of files of which none changes meanwhile. */
const ATTEMPTS = 3;

const request: SnapshotRequest = JSON.parse(Deno.args[0]!);
if (request.deno !== Deno.version.deno) {
  throw new Error(
    `Cannot look through its imports as deno must be ${request.deno}: current value is ${Deno.version.deno}`,
  );
}
for (let attempt = 1;; attempt++) {
  const started = Date.now();
  const { lines, files } = await take(request, started);
  const isSettled = files.every(([, , mtime, ctime]) =>
    Math.max(mtime, ctime) < started
  );
  if (!isSettled && attempt < ATTEMPTS) continue;
  if (request.isWritable) pruneMemos(dirname(request.memo));
  // A pipe may take a part at a time.
  await new Blob([lines.join("\n")]).stream().pipeTo(Deno.stdout.writable);
  break;
}

async function take(
  request: SnapshotRequest,
  started: number,
): Promise<{ lines: string[]; files: WatchedFile[] }> {
  const { root, source, imports, main, denoArgs, hither, asked, memo } =
    request;
  const words = commandLineOf(request);
  const flags = [
    ...resolutionFlags(words?.flags ?? [], words?.folder ?? Deno.cwd()),
    ...resolutionFlags(denoArgs, words?.folder ?? Deno.cwd()),
  ];
  // Loaded here, so that what cannot be loaded is told from what cannot be found.
  const { addGraph, baseOf } = await import("./graph.ts");
  const { digestOf, fingerprintOfFunction } = await import("./fingerprint.ts");
  const folder = main.startsWith("file:")
    ? dirname(fileURLToPath(main))
    : Deno.cwd();
  const config = configFiles(folder, flags);
  const known = new Map<string, Fingerprint>(
    JSON.parse(readMemo(memo, asked)?.prints ?? "[]"),
  );
  const used = new Map<string, Fingerprint>();
  const found = {
    modules: new Map<string, string>(),
    files: new Map<string, Uint8Array>(),
    absent: new Set<string>(),
    missing: [] as string[],
    mapped: new Map<string, string>(),
  };
  const walk = {
    resolver: { deno: Deno.execPath(), folder, flags },
    base: root === undefined ? folder : baseOf(root),
    hither,
    verbatim: config.verbatim,
    prints: { known, used },
  };
  if (source !== undefined) {
    found.modules.set("its own text", fingerprintOfFunction(source));
  }
  const roots = root === undefined ? Object.values(imports) : [root];
  for (const url of roots) addGraph(url, walk, found);
  // Looked at after they were read: what is written meanwhile is seen by its time.
  const files: WatchedFile[] = [];
  for (const [path, bytes] of found.files) {
    const file = lookAt(path)!;
    files.push(
      isFresh(file, started) ? [...file, digestOf(bytes)] as never : file,
    );
  }
  for (const path of config.files) {
    const file = lookAt(path)!;
    files.push(
      isFresh(file, started)
        ? [...file, digestOf(await Deno.readFile(path))] as never
        : file,
    );
  }
  const folders: WatchedFolder[] = [];
  for (const [path, names] of config.absent) {
    folders.push(
      watchFolder(path, names.map((name) => join(path, name)), started),
    );
  }
  for (const path of found.absent) {
    folders.push(watchFolder(dirname(path), [path], started));
  }
  const text = snapshotText(found.modules);
  const digest = digestOf(new TextEncoder().encode(text));
  const head: MemoHead = {
    format: MEMO_FORMAT,
    asked,
    digest,
    missing: found.missing,
    modules: found.files.size,
    files,
    folders,
    mapped: [...found.mapped],
    isLasting: found.missing.length === found.absent.size,
    again: digest,
  };
  return {
    lines: [JSON.stringify(head), text, JSON.stringify([...used])],
    files,
  };
}

/** A folder whose time may not tell whether something came into it is marked by a digest of nothing. */
function watchFolder(
  path: string,
  absent: readonly string[],
  started: number,
): WatchedFolder {
  const folder = lookAt(path) ?? [path, 0, 0, 0, 0];
  return [isFresh(folder, started) ? [...folder, ""] as never : folder, absent];
}

/** How the program was started, and the folder it is in; `undefined` where the system does not tell. */
function commandLineOf(
  { pid, argCount }: SnapshotRequest,
): { flags: string[]; folder: string } | undefined {
  if (Deno.build.os !== "linux") return undefined;
  try {
    const words = Deno.readTextFileSync(`/proc/${pid}/cmdline`).split("\0");
    const folder = Deno.readLinkSync(`/proc/${pid}/cwd`);
    // Behind the last word there is a zero, too.
    return { flags: words.slice(1, words.length - 1 - argCount), folder };
  } catch {
    return undefined;
  }
}
