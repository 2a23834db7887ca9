/**
 * Runs a script so that nothing is computed, and collects what its jobs would
 * have come to.
 *
 * @module
 */

import { stripAnsiCode } from "jsr:@std/fmt@^1/colors";
import { join } from "jsr:@std/path@^1/join";
import type { JobReport } from "../lib/explain_hook.ts";
import { Failure } from "./errors.ts";

/** A job of the script. */
export interface ExplainedJob extends Omit<JobReport, "waitsFor"> {
  /** Its number in this run. */
  readonly job: number;
  /** The numbers of the jobs that it waits for. */
  readonly waitsFor: readonly number[];
}

/** What a script came to. */
export interface ScriptExplanation {
  /** In the order in which the script submitted them. */
  readonly jobs: readonly ExplainedJob[];
  /** The exit code; that of a script which waits for a job that is not run counts as 0, of one that was interrupted as 130. */
  readonly code: number;
}

/** How to run the script. */
export interface ExplainOptions {
  /** The script and its arguments. */
  readonly script: readonly string[];
  /** Further options of `deno run`. */
  readonly denoArgs: readonly string[];
  /** Whether jobs that miss run all the same. */
  readonly runs: boolean;
  /** A cache for scripts that name none. */
  readonly cacheFolder: string | undefined;
  readonly signal: AbortSignal;
}

/** The exit code of what Ctrl-C has ended. */
const INTERRUPTED = 130;

/**
 * Runs a script; what it prints goes to stderr. Where the signal is aborted, the script is
 * ended, and what was seen until then is told.
 *
 * @throws {Failure} if it is named as a file, and there is none.
 */
export async function explainScript(
  options: ExplainOptions,
): Promise<ScriptExplanation> {
  await requireFile(options.script[0]!);
  const folder = await Deno.makeTempDir({ prefix: "hither_explain_" });
  try {
    const report = join(folder, "report.jsonl");
    await Deno.writeTextFile(report, "");
    const code = await runScript(options, await copyPreload(folder), report);
    return { jobs: latest(await Deno.readTextFile(report)), code };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Checks what Deno would look for as a file; of a name of another kind it has a word itself. */
async function requireFile(script: string): Promise<void> {
  const isFile = script.startsWith("file:") ||
    /^\.{0,2}[/\\]|^[^:]+\.[cm]?[jt]sx?$/i.test(script);
  if (!isFile) return;
  const path = script.startsWith("file:") ? new URL(script) : script;
  const info = await Deno.stat(path).catch((error) => {
    const isAbsent = error instanceof Deno.errors.NotFound ||
      error instanceof Deno.errors.NotADirectory;
    if (isAbsent) return undefined;
    throw error;
  });
  if (info !== undefined && !info.isDirectory) return;
  const why = info === undefined ? "there is no such file" : "it is a folder";
  throw new Failure(
    `Cannot explain ${script} as ${why}: give the path of a script, relative to the current folder`,
  );
}

/** A copy on this disk: a module from the network would enter the lock file of the user's project. */
async function copyPreload(folder: string): Promise<string> {
  const response = await fetch(import.meta.resolve("./explain_preload.ts"));
  const path = join(folder, "explain_preload.ts");
  await Deno.writeTextFile(path, await response.text());
  return path;
}

async function runScript(
  { script, denoArgs, runs, cacheFolder, signal }: ExplainOptions,
  preload: string,
  report: string,
): Promise<number> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", ...denoArgs, "--preload", preload, ...script],
    env: {
      HITHER_EXPLAIN_REPORT: report,
      HITHER_EXPLAIN_RUN: runs ? "1" : "0",
      ...cacheFolder !== undefined && { HITHER_CACHE_DIR: cacheFolder },
    },
    stdin: "inherit",
    stdout: "piped",
    stderr: "piped",
    signal,
  }).spawn();
  const [, held, { code }] = await Promise.all([
    passOn(child.stdout),
    passOnErrors(child.stderr),
    child.status,
  ]);
  if (signal.aborted) return INTERRUPTED;
  if (held === "" || runs) {
    say(held);
    return code;
  }
  return 0;
}

/** How Deno ends a program whose main module waits for what will not come. */
const NEVER_RESOLVED = "error: Top-level await promise never resolved";

async function passOn(stream: ReadableStream<Uint8Array>): Promise<void> {
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    say(text);
  }
}

/** Passes text on to stderr, up to Deno's last word on a promise that never settles; what was kept back. */
async function passOnErrors(
  stream: ReadableStream<Uint8Array>,
): Promise<string> {
  let open = "";
  let held = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    if (held !== "") {
      held += text;
      continue;
    }
    open += text;
    const lines = open.split(/(?<=\n)/);
    const at = lines.findIndex((line) =>
      stripAnsiCode(line).startsWith(NEVER_RESOLVED)
    );
    if (at >= 0) held = lines.splice(at).join("");
    // The last line may go on.
    open = held === "" && !lines.at(-1)?.endsWith("\n")
      ? lines.pop() ?? ""
      : "";
    say(lines.join(""));
  }
  say(open);
  return held;
}

function say(text: string): void {
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length;) {
    at += Deno.stderr.writeSync(bytes.subarray(at));
  }
}

/** What was told last of each job. */
function latest(text: string): ExplainedJob[] {
  const jobs = new Map<number, ExplainedJob>();
  for (const line of text.split("\n")) {
    // A script that was killed may leave half of a line.
    if (!line.endsWith("}")) continue;
    const job: ExplainedJob = JSON.parse(line);
    jobs.set(job.job, job);
  }
  return [...jobs.values()].sort((a, b) => a.job - b.job);
}
