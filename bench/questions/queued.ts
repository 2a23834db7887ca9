import { numberOf } from "../child.ts";
import { inTurn, type Question } from "../question.ts";

/** What jobs cost that wait for a worker, as their number grows. */
export const queued: Question = {
  name: "queued",
  measure({ quick, large }) {
    const count = large ? 1_000_000 : 100_000;
    const { memory, first, last } = inTurn(quick ? 3 : 5, {
      memory: () => numberOf("queued.ts", count, "memory"),
      first: () => numberOf("queued.ts", count, "first"),
      last: () => numberOf("queued.ts", count, "last"),
    });
    const name = `${count.toLocaleString("en")} queued jobs`;
    return [{
      name: `${name}: memory of each`,
      unit: "B",
      measured: memory,
      promised: "at most 1,000 B",
    }, {
      name: `${name}: \`.run()\`, the last tenth of them`,
      unit: "µs",
      measured: last,
      limit: { name: "the first tenth", ...first },
      promised: "at most 5 µs",
    }];
  },
};
