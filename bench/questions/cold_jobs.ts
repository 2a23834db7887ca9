import { numberOf } from "../child.ts";
import { inTurn, type Question, sampleOf } from "../question.ts";

/** What it costs that a job's outcome is stored. */
export const coldJobs: Question = {
  name: "cold jobs",
  measure({ quick, folder }) {
    // As many in a quick run: a promise holds for the same work.
    const count = 5_000;
    let round = 0;
    const stored: number[] = [];
    const { extra, bare, limit } = inTurn(quick ? 3 : 9, {
      bare: () => numberOf("stores.ts", count, 0, "-"),
      extra: () => {
        const bare = numberOf("stores.ts", count, 0, "-");
        const cold = numberOf(
          "stores.ts",
          count,
          0,
          `${folder}/cache${round++}`,
        );
        stored.push(cold);
        return cold - bare;
      },
      limit: () =>
        numberOf(
          "limit_store.ts",
          "fill",
          `${folder}/limit${round}.sqlite`,
          count,
        ),
    });
    const name = "SHA-256 of 100 bytes, INSERT of 300";
    return [
      { name: "job in this process, no cache", unit: "µs", measured: bare },
      {
        name: "cold job, stored",
        unit: "µs",
        measured: sampleOf(stored),
        limit: { name, ...limit },
      },
      {
        name: "cold job: what storing adds",
        unit: "µs",
        measured: extra,
        limit: { name, ...limit },
        promised: "at most 60 µs",
      },
    ];
  },
};
