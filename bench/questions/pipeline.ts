import { numberOf } from "../child.ts";
import { inTurn, type Question } from "../question.ts";

/** What is read of a cache when all of a pipeline is in it. */
export const pipeline: Question = {
  name: "pipeline",
  measure({ quick, large, folder }) {
    if (Deno.build.os !== "linux") return [];
    const megabytes = large ? 100 : 8;
    const cache = `${folder}/cache`;
    numberOf("pipeline.ts", cache, megabytes * 1_000_000);
    const { read } = inTurn(quick ? 1 : 3, {
      read: () => numberOf("pipeline.ts", cache, megabytes * 1_000_000) / 1_000,
    });
    return [{
      name: `ten stages with ${megabytes} MB between them, all cached: read`,
      unit: "kB",
      measured: read,
      promised: "at most 100 kB",
    }];
  },
};
