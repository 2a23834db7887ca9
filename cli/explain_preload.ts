/**
 * Runs before the script that `hither explain` looks at, and notes what the
 * library in the script tells of its jobs. The script may use another copy of the
 * library than the command does, so the two meet under a symbol. Copied to where
 * the script is run, so it imports nothing.
 *
 * @module
 */

import type { ExplainHook } from "../lib/explain_hook.ts";

const path = Deno.env.get("HITHER_EXPLAIN_REPORT")!;
const runs = Deno.env.get("HITHER_EXPLAIN_RUN") === "1";
// Not for the processes that the script starts.
Deno.env.delete("HITHER_EXPLAIN_REPORT");
Deno.env.delete("HITHER_EXPLAIN_RUN");

const file = Deno.openSync(path, { append: true });
const utf8 = new TextEncoder();

const numbers = new WeakMap<object, number>();
let last = 0;

function numberOf(job: object): number {
  let number = numbers.get(job);
  if (number === undefined) numbers.set(job, number = ++last);
  return number;
}

const hook: ExplainHook = {
  runs,
  tell(job, report) {
    const line = JSON.stringify({
      job: numberOf(job),
      ...report,
      waitsFor: report.waitsFor.map(numberOf),
    });
    // At once: the script may end in any way.
    file.writeSync(utf8.encode(`${line}\n`));
  },
};

Object.defineProperty(globalThis, Symbol.for("hither.explain"), {
  value: hook,
});
