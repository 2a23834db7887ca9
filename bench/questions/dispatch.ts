import { numberOf } from "../child.ts";
import { inTurn, type Question } from "../question.ts";

/** What a job costs that has nothing to do, on two workers of either kind. */
export const dispatch: Question = {
  name: "dispatch",
  measure({ quick }) {
    const count = 20_000;
    const measured = inTurn(quick ? 3 : 9, {
      jobs: () => numberOf("dispatch.ts", count, "run", "worker"),
      items: () => numberOf("dispatch.ts", count, "map", "worker"),
      processJobs: () => numberOf("dispatch.ts", count, "run", "process"),
      processItems: () => numberOf("dispatch.ts", count, "map", "process"),
      limit: () => numberOf("limit_dispatch.ts", count),
    });
    const limit = {
      name: "bare postMessage, there and back",
      ...measured.limit,
    };
    return [{
      name: "20,000 trivial jobs, 2 workers, no cache",
      unit: "µs",
      measured: measured.jobs,
      limit,
      promised: "at most 8 µs",
    }, {
      name: "20,000 trivial items of hi.map, 2 workers, no cache",
      unit: "µs",
      measured: measured.items,
      limit,
      promised: "at most 3 µs",
    }, {
      name: "20,000 trivial jobs, 2 processes, no cache",
      unit: "µs",
      measured: measured.processJobs,
      limit,
    }, {
      name: "20,000 trivial items of hi.map, 2 processes, no cache",
      unit: "µs",
      measured: measured.processItems,
      limit,
      promised: "at most 6 µs",
    }];
  },
};
