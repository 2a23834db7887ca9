import { numberOf, std } from "../child.ts";
import {
  type Effort,
  inTurn,
  type Question,
  type Row,
  type Sample,
  sampleOf,
} from "../question.ts";

/** What it costs to look after a cache, and to keep it within its limits. */
export const upkeep: Question = {
  name: "upkeep",
  measure(effort) {
    const { large, quick } = effort;
    return [
      ...lookAfter(effort, large ? 1_000_000 : quick ? 10_000 : 100_000),
      ...budget(effort),
      crowd(effort),
    ];
  },
};

function lookAfter({ quick, folder }: Effort, entries: number): Row[] {
  const cache = `${folder}/cache`;
  const database = `${folder}/limit.sqlite`;
  numberOf("jobs.ts", entries, entries, cache);
  numberOf("limit_store.ts", "fill", database, entries);
  const { stats, gc, verify, count, walk } = inTurn(quick ? 1 : 3, {
    stats: () => numberOf("upkeep.ts", "stats", cache),
    gc: () => numberOf("upkeep.ts", "gc", cache),
    verify: () => numberOf("upkeep.ts", "verify", cache),
    count: () => numberOf("limit_walk.ts", "count", database),
    walk: () => numberOf("limit_walk.ts", "walk", database),
  });
  const { size } = Deno.statSync(`${cache}/cache.sqlite`);
  const half = sampleOf([numberOf("upkeep.ts", "gc", cache, size / 2)]);
  const row = (
    what: string,
    measured: Sample,
    limit: Sample,
    promised?: string,
  ): Row => ({
    name: `${what}, ${entries.toLocaleString("en")} entries`,
    unit: "ms",
    measured,
    limit: {
      name: limit === count ? "count(*) of as many rows" : "as many rows read",
      ...limit,
    },
    promised: entries === 1_000_000 ? promised : undefined,
  });
  return [
    row("stats", stats, count, "under 1 s"),
    row("gc, nothing to delete", gc, walk, "under 10 s"),
    row("gc that deletes half", half, walk, "under 10 s"),
    row("verify", verify, walk),
  ];
}

/** The same jobs with and without a limit that they go beyond, in each layout. */
function budget({ quick, folder }: Effort): Row[] {
  const count = 5_000;
  let round = 0;
  const extra = (layout: string, ...limit: number[]): number => {
    const bare = numberOf("stores.ts", count, count, "-");
    const cache = `${folder}/budget${round++}`;
    return numberOf("stores.ts", count, count, cache, layout, ...limit) - bare;
  };
  // Some 2,800 records in either.
  const sqlite = 800_000, files = 1_300_000;
  const measured = inTurn(quick ? 3 : 9, {
    sqliteWithin: () => extra("sqlite", sqlite),
    sqlite: () => extra("sqlite"),
    filesWithin: () => extra("files", files),
    files: () => extra("files"),
  });
  const row = (layout: string, within: Sample, without: Sample): Row => ({
    name: `cold job: what storing adds within a full maxSize, ${layout}`,
    unit: "µs",
    measured: within,
    limit: { name: "the same without maxSize", ...without },
    promised: "at most 1.2 ×",
  });
  return [
    row("SQLite", measured.sqliteWithin, measured.sqlite),
    row("files", measured.filesWithin, measured.files),
  ];
}

function crowd({ quick, folder }: Effort): Row {
  const count = 500;
  let round = 0;
  const store = (processes: number, count: number): number =>
    numberOf("crowd.ts", processes, count, `${folder}/crowd${round++}`, std);
  const { eight, one } = inTurn(quick ? 1 : 5, {
    eight: () => store(8, count),
    one: () => store(1, 8 * count),
  });
  return {
    name: "8 programs that store 500 jobs each at once, start included",
    unit: "µs",
    measured: eight,
    limit: { name: "one program that stores all", ...one },
    promised: "no error",
  };
}
