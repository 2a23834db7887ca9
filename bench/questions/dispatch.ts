import { numberOf } from "../child.ts";
import { inTurn, type Question } from "../question.ts";

/** What a job costs that has nothing to do, on two workers. */
export const dispatch: Question = {
  name: "dispatch",
  measure({ quick }) {
    const count = 20_000;
    const { jobs, limit } = inTurn(quick ? 3 : 9, {
      jobs: () => numberOf("dispatch.ts", count),
      limit: () => numberOf("limit_dispatch.ts", count),
    });
    return [{
      name: "20,000 trivial jobs, 2 workers, no cache",
      unit: "µs",
      measured: jobs,
      limit: { name: "bare postMessage, there and back", ...limit },
      promised: "at most 30 µs",
    }];
  },
};
