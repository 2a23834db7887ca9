/** Starts programs whose jobs fail, and looks at what is left of them. */

import { fromFileUrl, join } from "@std/path";
import { stdArguments, temporaryFolder } from "../house/run.ts";
import { DEADLINE, type Failure, type Place } from "./failures.ts";
import {
  type Left,
  type Once,
  type Order,
  sceneOf,
} from "./fixtures/program.ts";

/** How often each cell is to be tried; `undefined` in an ordinary run. */
export const FULL: number | undefined = Number(Deno.env.get("HITHER_CHAOS")) ||
  undefined;

/** What every process of a program has in its environment, and no other. */
const MARK = "HITHER_CHAOS_PROGRAM";

/** A program that runs. */
export interface Program extends AsyncDisposable {
  readonly child: Deno.ChildProcess;
  /** Its own folder. */
  readonly folder: string;
  /** What it wrote to stderr, at its end. */
  readonly stderr: Promise<string>;
  /** The numbers of the processes that it has started, directly or not, and that are there. */
  descendants(): number[];
}

/** Starts a program of the fixtures, or of another folder. */
export async function startProgram(
  file: string,
  args: (folder: string) => readonly string[],
  { flags = [] as readonly string[], stdout = "null" as "null" | "piped" } = {},
): Promise<Program> {
  const folder = await temporaryFolder();
  const mark = crypto.randomUUID();
  const path = file.startsWith("/")
    ? file
    : fromFileUrl(new URL(`fixtures/${file}`, import.meta.url));
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--quiet",
      "--no-prompt",
      "--no-check",
      ...stdArguments(),
      ...(flags.length > 0 ? flags : ["-A"]),
      path,
      ...args(folder.path),
    ],
    env: { NO_COLOR: "1", [MARK]: mark },
    stdin: "null",
    stdout,
    stderr: "piped",
  }).spawn();
  const own = child.pid;
  return {
    child,
    folder: folder.path,
    stderr: lastOf(child.stderr),
    descendants: () => processesWith(`${MARK}=${mark}`, own),
    async [Symbol.asyncDispose]() {
      try {
        child.kill("SIGKILL");
      } catch {
        // It has ended.
      }
      await child.status;
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** The end of a stream: as much as a message may be. */
async function lastOf(stream: ReadableStream<Uint8Array>): Promise<string> {
  let last = "";
  for await (
    const text of stream.pipeThrough(
      new TextDecoderStream() as never,
    ) as ReadableStream<string>
  ) {
    last = (last + text).slice(-20_000);
  }
  return last;
}

/** The processes whose environment has this mark, but one. */
function processesWith(mark: string, but: number): number[] {
  const found: number[] = [];
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name) || Number(name) === but) continue;
    try {
      // What has ended has no environment any more.
      const words = Deno.readTextFileSync(`/proc/${name}/environ`).split("\0");
      if (words.includes(mark)) found.push(Number(name));
    } catch {
      // It has ended meanwhile.
    }
  }
  return found;
}

/** What came of the failures of a program. */
export interface Course {
  readonly lines: readonly (Once | Left)[];
  readonly status: Deno.CommandStatus;
  readonly stderr: string;
  /** How many processes were left when the program had ended. */
  readonly orphans: number;
  /** From the last cause to the end of the program, in ms. */
  readonly ms: number;
  /** Whether it had to be ended. */
  readonly hung: boolean;
}

/** Lets a job fail, in a program of its own. */
export async function run(
  failure: Failure,
  place: Place,
  { times, ends, program: file = "program.ts", meanwhile }: {
    times: number;
    ends: boolean;
    program?: string;
    /** What is done to the program while it runs. */
    meanwhile?: (program: Deno.ChildProcess, report: string) => Promise<void>;
  },
): Promise<Course> {
  const { flags } = failure;
  await using program = await startProgram(file, (folder) => {
    const order: Order = {
      id: failure.id,
      place,
      times,
      full: FULL !== undefined,
      report: join(folder, "report"),
      ends,
    };
    Deno.mkdirSync(sceneOf(order.report, 0));
    return [JSON.stringify(order)];
  }, flags === undefined ? {} : { flags });
  const { child, folder } = program;
  let hung = false;
  const timer = setTimeout(() => {
    hung = true;
    child.kill("SIGKILL");
  }, DEADLINE * times);
  await meanwhile?.(child, join(folder, "report"));
  const status = await child.status;
  const end = Date.now();
  clearTimeout(timer);
  const stderr = await program.stderr;
  const read = (name: string): string => {
    try {
      return Deno.readTextFileSync(join(folder, name));
    } catch {
      return "";
    }
  };
  return {
    lines: read("report").split("\n").filter((line) => line !== "")
      .map((line) => JSON.parse(line)),
    status,
    stderr,
    orphans: program.descendants().length,
    ms: end - Number(read("report.cause")),
    hung,
  };
}
