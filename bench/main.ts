/**
 * Measures what the project promises, each beside the raw limit on the same work
 * in the same run.
 *
 *     deno task bench [--quick] [--large] [--json] [QUESTION...]
 *
 * `--quick` measures less often, `--large` also what takes minutes, `--json`
 * prints for machines. A question is named by the beginning of its name.
 *
 * @module
 */

import { join } from "@std/path";
import type { Question, Row } from "./question.ts";
import { code } from "./questions/code.ts";
import { coldJobs } from "./questions/cold_jobs.ts";
import { demo } from "./questions/demo.ts";
import { dispatch } from "./questions/dispatch.ts";
import { largeArgument } from "./questions/large_argument.ts";
import { largeResult } from "./questions/large_result.ts";
import { largeTransport } from "./questions/large_transport.ts";
import { manyEntries } from "./questions/many_entries.ts";
import { nested } from "./questions/nested.ts";
import { pipeline } from "./questions/pipeline.ts";
import { queued } from "./questions/queued.ts";
import { roundTrip } from "./questions/round_trip.ts";
import { scripts } from "./questions/scripts.ts";
import { upToDate } from "./questions/up_to_date.ts";
import { upkeep } from "./questions/upkeep.ts";
import { warmHits } from "./questions/warm_hits.ts";
import { ratioOf, table } from "./table.ts";

const QUESTIONS: readonly Question[] = [
  demo,
  scripts,
  warmHits,
  manyEntries,
  upkeep,
  upToDate,
  code,
  coldJobs,
  largeResult,
  largeArgument,
  largeTransport,
  pipeline,
  dispatch,
  queued,
  nested,
  roundTrip,
];

const flags = new Set(Deno.args.filter((arg) => arg.startsWith("--")));
const wanted = Deno.args.filter((arg) => !arg.startsWith("--"));
for (const flag of flags) {
  if (!["--quick", "--large", "--json"].includes(flag)) {
    console.error(
      `Cannot measure as a flag must be --quick, --large or --json: current value is ${flag}`,
    );
    Deno.exit(2);
  }
}
const chosen = QUESTIONS.filter(({ name }) =>
  wanted.length === 0 || wanted.some((start) => name.startsWith(start))
);
if (chosen.length === 0) {
  const names = QUESTIONS.map(({ name }) => name).join(", ");
  console.error(
    `Cannot measure as a question must be one of ${names}: current value is ${wanted}`,
  );
  Deno.exit(2);
}

const folder = await Deno.makeTempDir({ prefix: "hither_bench_" });
const rows: Row[] = [];
let failed = false;
try {
  for (const [index, question] of chosen.entries()) {
    console.error(`measuring ${question.name} …`);
    const own = join(folder, String(index));
    await Deno.mkdir(own);
    try {
      rows.push(
        ...question.measure({
          quick: flags.has("--quick"),
          large: flags.has("--large"),
          folder: own,
        }),
      );
    } catch (error) {
      failed = true;
      console.error(`${question.name}:`, error);
    }
  }
} finally {
  // Only now: ext4 creates files slowly for minutes after deletions.
  await Deno.remove(folder, { recursive: true });
}
console.log(
  flags.has("--json")
    ? JSON.stringify(
      rows.map((row) => ({ ...row, ratio: ratioOf(row) })),
      null,
      2,
    )
    : table(rows),
);
Deno.exit(failed ? 1 : 0);
