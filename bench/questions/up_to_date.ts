import { numberOf } from "../child.ts";
import { inTurn, type Question } from "../question.ts";

/** One script with very many jobs that are all in the cache. */
export const upToDate: Question = {
  name: "up-to-date jobs",
  measure({ quick, folder }) {
    const count = quick ? 10_000 : 100_000;
    const cache = `${folder}/cache`;
    numberOf("up_to_date.ts", count, cache);
    const { all } = inTurn(quick ? 3 : 5, {
      all: () => numberOf("up_to_date.ts", count, cache),
    });
    return [{
      name: `${count.toLocaleString("en")} up-to-date jobs in one script`,
      unit: "s",
      measured: all,
      promised: quick ? undefined : "at most 5 s",
    }];
  },
};
