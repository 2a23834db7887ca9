import { numberOf } from "../child.ts";
import { inTurn, type Question } from "../question.ts";

const KEYS = 5_000;

/** A hit through `await f.run(x)`: distinct keys, in a new process. */
export const warmHits: Question = {
  name: "warm hits",
  measure({ quick, folder }) {
    const cache = `${folder}/cache`;
    const database = `${folder}/limit.sqlite`;
    numberOf("jobs.ts", KEYS, KEYS, cache);
    numberOf("limit_store.ts", "fill", database, KEYS);
    const { hit, limit } = inTurn(quick ? 3 : 11, {
      hit: () => numberOf("jobs.ts", KEYS, KEYS, cache),
      limit: () => numberOf("limit_store.ts", "hit", database, KEYS),
    });
    return [{
      name: "warm hit, 5,000 keys, new process",
      unit: "µs",
      measured: hit,
      limit: { name: "SHA-256 of 100 bytes, SELECT of 300", ...limit },
      promised: "at most 3 ×",
    }];
  },
};
