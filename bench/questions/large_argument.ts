import { numberOf } from "../child.ts";
import { inTurn, type Question } from "../question.ts";

const BYTES = 100_000_000;

/** The key of a job with a large array among its arguments. */
export const largeArgument: Question = {
  name: "large argument",
  measure({ quick, folder }) {
    const cache = `${folder}/cache`;
    numberOf("large_argument.ts", cache, BYTES);
    const { key, limit } = inTurn(quick ? 3 : 9, {
      key: () => numberOf("large_argument.ts", cache, BYTES),
      limit: () => numberOf("limit_hash.ts", BYTES),
    });
    return [{
      name: "100 MB Float64Array as argument: key and hit",
      unit: "ms",
      measured: key,
      limit: { name: "SHA-256 over its bytes", ...limit },
      promised: "at most 1.1 ×",
    }];
  },
};
