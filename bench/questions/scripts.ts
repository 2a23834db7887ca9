import { durationOf } from "../child.ts";
import { inTurn, type Question } from "../question.ts";

/** Whole processes: what a script pays for using hither at all. */
export const scripts: Question = {
  name: "scripts",
  measure({ quick, folder }) {
    const cache = `${folder}/cache`;
    const demoCache = `${folder}/demo`;
    durationOf("all_hits.ts", cache);
    durationOf("demo.ts", demoCache);
    const { empty, imported, hits, parallel } = inTurn(quick ? 3 : 15, {
      empty: () => durationOf("empty.ts"),
      imported: () => durationOf("import_only.ts"),
      hits: () => durationOf("all_hits.ts", cache),
      parallel: () => durationOf("demo.ts", demoCache),
    });
    const limit = { name: "an empty deno run", ...empty };
    const unit = "ms";
    return [
      { name: "importing mod.ts", unit, measured: imported, limit },
      {
        name: "script whose jobs all hit",
        unit,
        measured: hits,
        limit,
        promised: "at most 3 ×",
      },
      {
        name: "the same with a ParallelJobHandler",
        unit,
        measured: parallel,
        limit,
        promised: "at most 3 ×",
      },
    ];
  },
};
