/**
 * Puts the project beside other caches on disk and other pools, on the same
 * work, in turn, in the same run:
 *
 *     deno task bench:peers [--quick] [--json] [QUESTION...]
 *
 * A question is named by the beginning of its name: `cache`, `pool`,
 * `pool/cpu`. The peers are installed at the first run, into `HITHER_PEERS` or a
 * folder for temporary files; `--quick` installs and measures none of them, and
 * does everything else once. `NODE` and `PYTHON` name other interpreters.
 *
 * @module
 */

import { join } from "@std/path";
import type { Question, Row } from "../question.ts";
import { ratioOf, table } from "../table.ts";
import { cacheQuestion } from "./cache/question.ts";
import { hasOwnFailed, whatIsLeftOut } from "./entrants.ts";
import { install } from "./peers.ts";
import { poolQuestions } from "./pool/questions.ts";

const QUESTIONS: readonly Question[] = [cacheQuestion, ...poolQuestions];

const flags = new Set(Deno.args.filter((arg) => arg.startsWith("--")));
const wanted = Deno.args.filter((arg) => !arg.startsWith("--"));
for (const flag of flags) {
  if (flag !== "--quick" && flag !== "--json") {
    refuse(`a flag must be --quick or --json: current value is ${flag}`);
  }
}
const names = QUESTIONS.map(({ name }) => name);
for (const start of wanted) {
  if (!names.some((name) => name.startsWith(start))) {
    refuse(
      `a question must be one of ${
        names.join(", ")
      }, or the beginning of some: current value is ${start}`,
    );
  }
}
const chosen = QUESTIONS.filter(({ name }) =>
  wanted.length === 0 || wanted.some((start) => name.startsWith(start))
);
const quick = flags.has("--quick");
if (!quick) await install();

const folder = await Deno.makeTempDir({ prefix: "hither_bench_" });
const rows: Row[] = [];
try {
  for (const [index, question] of chosen.entries()) {
    console.error(`measuring ${question.name} …`);
    const own = join(folder, String(index));
    await Deno.mkdir(own);
    rows.push(...question.measure({ quick, large: false, folder: own }));
  }
} finally {
  // Only now: ext4 creates files slowly for minutes after deletions.
  await Deno.remove(folder, { recursive: true });
}
for (const line of whatIsLeftOut()) console.error(line);
console.log(
  flags.has("--json")
    ? JSON.stringify(
      rows.map((row) => ({ ...row, ratio: ratioOf(row) })),
      null,
      2,
    )
    : table(rows, "beside"),
);
Deno.exit(hasOwnFailed() ? 1 : 0);

function refuse(why: string): never {
  console.error(`Cannot measure as ${why}`);
  Deno.exit(2);
}
