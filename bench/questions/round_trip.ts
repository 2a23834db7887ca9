import { numberOf } from "../child.ts";
import { inTurn, type Question } from "../question.ts";

/** What one job after the other costs, each waited for, in either isolation. */
export const roundTrip: Question = {
  name: "round trip",
  measure({ quick }) {
    const count = quick ? 2_000 : 10_000;
    const measured = inTurn(quick ? 3 : 9, {
      worker: () => numberOf("round_trip.ts", "worker", count),
      bareWorker: () => numberOf("limit_round_trip.ts", "worker", count),
      process: () => numberOf("round_trip.ts", "process", count),
      barePipe: () => numberOf("limit_round_trip.ts", "process", count),
    });
    return [{
      name: "one job after the other, web worker",
      unit: "µs",
      measured: measured.worker,
      limit: { name: "bare postMessage echo", ...measured.bareWorker },
    }, {
      name: "one job after the other, process",
      unit: "µs",
      measured: measured.process,
      limit: { name: "bare pipe echo", ...measured.barePipe },
    }];
  },
};
