import { numberOf } from "../child.ts";
import { inTurn, type Question } from "../question.ts";

/** What it costs that jobs submit jobs, three levels deep and ten wide. */
export const nested: Question = {
  name: "nested",
  measure({ quick }) {
    const ms = quick ? 2 : 10;
    const { nested, flat } = inTurn(quick ? 3 : 7, {
      nested: () => numberOf("nested.ts", "nested", 10, ms),
      flat: () => numberOf("nested.ts", "flat", 10, ms),
    });
    return [{
      name: `1,000 leaves of ${ms} ms, 3 levels deep, 2 workers`,
      unit: "ms",
      measured: nested,
      limit: { name: "the same leaves, submitted by the program", ...flat },
      promised: "at most 1.1 × as long as flat",
    }];
  },
};
