import { numberOf } from "../child.ts";
import { inTurn, type Question } from "../question.ts";

/** What a job costs that has nothing to do, on two workers. */
export const dispatch: Question = {
  name: "dispatch",
  measure({ quick }) {
    const count = 20_000;
    const { jobs, items, limit } = inTurn(quick ? 3 : 9, {
      jobs: () => numberOf("dispatch.ts", count, "run"),
      items: () => numberOf("dispatch.ts", count, "map"),
      limit: () => numberOf("limit_dispatch.ts", count),
    });
    return [{
      name: "20,000 trivial jobs, 2 workers, no cache",
      unit: "µs",
      measured: jobs,
      limit: { name: "bare postMessage, there and back", ...limit },
      promised: "at most 8 µs",
    }, {
      name: "20,000 trivial items of hi.map, 2 workers, no cache",
      unit: "µs",
      measured: items,
      limit: { name: "bare postMessage, there and back", ...limit },
      promised: "at most 3 µs",
    }];
  },
};
