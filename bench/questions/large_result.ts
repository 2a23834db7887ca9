import { numberOf } from "../child.ts";
import { inTurn, type Question } from "../question.ts";

const BYTES = 100_000_000;

/** A hit with a large array as result: read and verified. */
export const largeResult: Question = {
  name: "large result",
  measure({ quick, folder }) {
    const cache = `${folder}/cache`;
    const file = `${folder}/limit`;
    numberOf("large_result.ts", "store", cache, BYTES);
    numberOf("limit_read.ts", file, BYTES);
    const { load, limit } = inTurn(quick ? 3 : 9, {
      load: () => numberOf("large_result.ts", "load", cache, BYTES),
      limit: () => numberOf("limit_read.ts", file),
    });
    return [{
      name: "100 MB Float64Array as result: load, verified",
      unit: "ms",
      measured: load,
      limit: { name: "bare read into a new buffer", ...limit },
      promised: "at most 1.6 ×",
    }];
  },
};
