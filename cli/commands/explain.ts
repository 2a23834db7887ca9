/**
 * `hither explain`: what a script would compute, and why.
 *
 * @module
 */

import { bold, green, red, yellow } from "jsr:@std/fmt@^1/colors";
import type { CommandUnknownOpts } from "npm:@commander-js/extra-typings@^15";
import { makeCommand } from "../command.ts";
import { Failure } from "../errors.ts";
import { type ExplainedJob, explainScript } from "../explain.ts";
import { interruptible } from "../interrupt.ts";
import type { Output } from "../output.ts";
import { inSession } from "../session.ts";
import { plain } from "../table.ts";

/** Adds the command. */
export function addExplain(program: CommandUnknownOpts): void {
  makeCommand(program, "explain", "say what a script would compute, and why", {
    columns: [
      ["hit", "its outcome is in the cache"],
      [
        "run",
        "it would be computed; then what differs from the nearest record:\n       the record's value → the value now",
      ],
      ["wait", "it would be looked up once other jobs have been computed"],
      ["fail", "a job among its arguments has failed"],
    ],
    notes:
      `Runs the script with all permissions, but none of its jobs: one that is not in
the cache never settles, and what the script does after awaiting it does not
happen. What the script prints goes to stderr. Options of hither stand before
the script; what follows it is the script's. With --json: one document.`,
    examples: [
      ["hither explain main.ts --input data.csv", "is everything up to date?"],
      [
        "hither explain --exit-code --deno-arg=--frozen main.ts",
        "the same for a shell script, with an option of deno run",
      ],
    ],
  })
    .argument("<script>", "the script, as deno run takes it")
    .argument("[args...]", "its arguments")
    .option("--run", "run what is not in the cache, then report")
    .option("--exit-code", "end with 1 if something is not in the cache")
    .option(
      "--deno-arg <arg>",
      "an option of deno run; may be repeated",
      (arg: string, before: string[] = []) => [...before, arg],
    )
    .passThroughOptions()
    .action((script, args, options, command) =>
      inSession(command, async (session) => {
        const runs = options.run ?? false;
        const { jobs, code, counts } = await interruptible(async (signal) => {
          const { jobs, code } = await explainScript({
            script: [script, ...args],
            denoArgs: options.denoArg ?? [],
            runs,
            cacheFolder: session.named,
            signal,
          });
          // Also of a script that never ends, which Ctrl-C has ended.
          const counts = countsOf(jobs);
          if (session.json) session.out.json({ script, code, ...counts, jobs });
          else printJobs(session.out, jobs, counts, wordFor(runs, signal));
          return { jobs, code, counts };
        });
        if (code !== 0) {
          throw new Failure(
            `Cannot tell of more jobs as the script ended with exit code ${code}`,
          );
        }
        if (options.exitCode && counts.hits < jobs.length) {
          throw new Failure("");
        }
      })
    );
}

interface Counts {
  readonly hits: number;
  readonly runs: number;
  readonly waits: number;
  readonly failed: number;
}

function countsOf(jobs: readonly ExplainedJob[]): Counts {
  const counts = { hit: 0, run: 0, wait: 0, fail: 0 };
  for (const job of jobs) counts[wordOf(job)]++;
  const { hit: hits, run: runs, wait: waits, fail: failed } = counts;
  return { hits, runs, waits, failed };
}

function wordOf({ status }: ExplainedJob): "hit" | "run" | "wait" | "fail" {
  switch (status) {
    case "hit":
      return "hit";
    case "waits":
      return "wait";
    case "failed":
      return "fail";
    default:
      return "run";
  }
}

/** What became of the jobs that were not in the cache. */
function wordFor(runs: boolean, { aborted }: AbortSignal): string {
  if (!runs) return "to compute";
  return aborted ? "computed or under way" : "computed";
}

const COLORS = { hit: green, run: yellow, wait: yellow, fail: red } as const;

function printJobs(
  out: Output,
  jobs: readonly ExplainedJob[],
  { hits, runs, waits, failed }: Counts,
  computed: string,
): void {
  for (const job of jobs) {
    const word = wordOf(job);
    const call = `${job.name} ${job.version}(${job.preview})`;
    const why = word === "hit" ? "" : `: ${job.text}`;
    out.line(`${COLORS[word](word.padEnd(4))}  ${plain(call + why)}`);
  }
  const parts = [
    `${hits} ${hits === 1 ? "hit" : "hits"}`,
    `${runs} ${computed}`,
    ...waits > 0 ? [`${waits} waiting for them`] : [],
    ...failed > 0 ? [`${failed} failed`] : [],
  ];
  out.line(bold(parts.join(", ")));
}
