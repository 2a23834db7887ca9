/**
 * The code of a function, as far as it can be known: from the memo of an earlier
 * process, if nothing has changed since, else from a process that takes a
 * snapshot. Synchronous, as `.run()` is.
 *
 * @module
 */

import {
  changedFile,
  isReadable,
  judge,
  mayWrite,
  type Memo,
  parseMemo,
  readMemo,
  settled,
  writeMemo,
} from "./memo.ts";
import { launchWords } from "./launch_words.ts";
import type { SnapshotRequest } from "./request.ts";

/** Whose code is wanted. */
export interface CodeQuestion {
  /** URL of the function's module; `undefined` if there is none. */
  readonly root: string | undefined;
  /** The text of a function that no module holds. */
  readonly source: string | undefined;
  /** The specifiers that such a function imports. */
  readonly imports: readonly string[];
  readonly denoArgs: readonly string[];
  readonly hither: string;
  /** When its module had been loaded, in ms since the epoch. */
  readonly loadedAt: number;
}

/** Where memos are kept. */
export interface MemoPlace {
  /** A folder, which need not be there. */
  readonly folder: string;
  readonly isWritable: boolean;
}

/** Code that is known. */
export interface KnownCode {
  readonly isKnown: true;
  /** The digest of the snapshot. */
  readonly digest: string;
  /** The text of the snapshot. */
  readonly snapshot: string;
  /** Imports that lead nowhere, in words; empty if the snapshot is whole. */
  readonly missing: readonly string[];
}

/** Code that is not known, and why. */
export interface UnknownCode {
  readonly isKnown: false;
  /** Why, and the cure. */
  readonly why: string;
  /** Whether there is a cure but to do without. */
  readonly isCurable: boolean;
  /** Whether it has changed since the program had loaded it: what made a result cannot be told. */
  readonly isStale: boolean;
}

/** Of which files code was made. */
const memos = new WeakMap<KnownCode, Memo>();

/** What was asked in this process, and the answer: what is loaded stays what it is. */
const answers = new Map<string, KnownCode | UnknownCode>();

/** The code of a function. Never throws and never prompts. */
export function findCode(
  question: CodeQuestion,
  place: MemoPlace,
): KnownCode | UnknownCode {
  const asked = textOf(question);
  let answer = answers.get(asked);
  if (answer === undefined) {
    answers.set(asked, answer = lookForCode(question, place, asked));
  }
  return answer;
}

/** What becomes of known code when somebody loads it anew: nothing as long as its files are as they were. */
export function loadedAnew(code: KnownCode): UnknownCode | undefined {
  const file = changedFile(memos.get(code)!);
  return file === undefined ? undefined : stale(file);
}

function lookForCode(
  question: CodeQuestion,
  place: MemoPlace,
  asked: string,
): KnownCode | UnknownCode {
  const { root } = question;
  if (Deno.build.standalone) {
    return unknown(
      "a compiled program does not hold its source files",
      false,
    );
  }
  if (root !== undefined && !isOfFile(root)) {
    return unknown(`its module is no file: ${root.slice(0, 80)}`, false);
  }
  const path = `${place.folder}/${nameOf(asked)}.json`;
  const remembered = isReadable(path) ? readMemo(path, asked) : undefined;
  const verdict = remembered === undefined || !meansTheSame(remembered)
    ? "changed"
    : judge(remembered);
  if (verdict !== "changed") {
    if (verdict === "same now" && place.isWritable) {
      const trusted = settled(remembered!, Date.now());
      if (trusted !== undefined) writeMemo(path, trusted);
    }
    return asCode(remembered!, question);
  }
  return take(question, place, asked, path);
}

/** Whether a module is a file here or on the web. An example in a comment or a text is one with a fragment. */
function isOfFile(root: string): boolean {
  // By hand: to compile a pattern takes as long as some ten of the files that are to be looked at.
  const isOne = root.startsWith("file:") || root.startsWith("https:") ||
    root.startsWith("http:");
  return isOne && !root.includes("#");
}

/** All that decides which graph there is, but the files. */
function textOf(
  { root, source, imports, denoArgs, hither }: CodeQuestion,
): string {
  return JSON.stringify([
    hither,
    Deno.version.deno,
    Deno.mainModule,
    root,
    source,
    imports,
    denoArgs,
    launchWords(),
  ]);
}

/**
 * The name of a memo. FNV-1a, as a digest takes longer than all the rest before it
 * is compiled; a memo holds the text itself, in case two meet.
 */
function nameOf(text: string): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x1000193);
  }
  return (hash >>> 0).toString(16);
}

/** Where the flags of this process cannot be seen: whether names mean what they meant then. */
function meansTheSame({ head }: Memo): boolean {
  if (launchWords().length > 0) return true;
  return head.mapped.every(([name, target]) => {
    try {
      return import.meta.resolve(name) === target;
    } catch {
      return false;
    }
  });
}

function asCode(
  memo: Memo,
  { loadedAt }: CodeQuestion,
): KnownCode | UnknownCode {
  const { digest, missing, files, modules } = memo.head;
  const now = Date.now();
  for (let i = 0; i < modules; i++) {
    const file = files[i]!;
    if (file[2] > loadedAt && file[2] <= now) {
      return stale(file[0]);
    }
  }
  const code = {
    isKnown: true,
    digest,
    snapshot: memo.snapshot,
    missing,
  } as const;
  memos.set(code, memo);
  return code;
}

function take(
  question: CodeQuestion,
  place: MemoPlace,
  asked: string,
  path: string,
): KnownCode | UnknownCode {
  const deno = startable();
  if (deno === undefined) {
    return unknown(
      `Deno may not be started to look through its imports: add --allow-run=${Deno.execPath()}`,
    );
  }
  const request: SnapshotRequest = {
    root: question.root,
    source: question.source,
    imports: question.imports,
    main: Deno.mainModule,
    pid: Deno.pid,
    argCount: Deno.args.length,
    denoArgs: question.denoArgs,
    hither: question.hither,
    deno: Deno.version.deno,
    asked,
    memo: path,
    isWritable: place.isWritable && mayWrite(place.folder),
  };
  try {
    const { success, stdout, stderr } = new Deno.Command(deno, {
      args: [
        "run",
        "--allow-all",
        "--quiet",
        "--no-prompt",
        "--no-config",
        "--no-lock",
        "--node-modules-dir=none",
        import.meta.resolve("./take.ts"),
        JSON.stringify(request),
      ],
      stdin: "null",
    }).outputSync();
    const decoder = new TextDecoder();
    if (!success) return unknown(lastLine(decoder.decode(stderr)));
    const [head, snapshot, prints] = decoder.decode(stdout).split("\n");
    const memo = parseMemo(head!, snapshot!, prints!, asked);
    if (memo === undefined) return unknown("its snapshot came back damaged");
    if (!meansTheSame(memo)) {
      return unknown(
        `Deno resolves its imports otherwise than this program does: set denoArgs to the flags that it was started with`,
      );
    }
    if (place.isWritable && memo.head.isLasting) writeMemo(path, memo);
    return asCode(memo, question);
  } catch (error) {
    return unknown(error instanceof Error ? error.message : String(error));
  }
}

/** How Deno may be started; `undefined` if it may not. */
function startable(): string | undefined {
  // A permission for `deno` is one for the file that is found under that name.
  return [Deno.execPath(), "deno"].find((command) =>
    Deno.permissions.querySync({ name: "run", command }).state === "granted"
  );
}

function lastLine(text: string): string {
  return text.trim().split("\n").find((line) => /error/i.test(line)) ??
    "the process that looks through its imports failed";
}

function unknown(why: string, isCurable = true): UnknownCode {
  return { isKnown: false, why, isCurable, isStale: false };
}

function stale(file: string): UnknownCode {
  const why =
    `${file} was written to after the program had loaded it: start the program again`;
  return { isKnown: false, why, isCurable: true, isStale: true };
}
