import { numberOf, numbersOf, std } from "../child.ts";
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
  const layouts = [
    // Some 2,800 records in either.
    { layout: "sqlite", title: "SQLite", bytes: 800_000 },
    { layout: "files", title: "files", bytes: 1_300_000 },
  ].map((one) => ({ ...one, times: [] as number[][] }));
  for (let round = 0; round < (quick ? 3 : 9); round++) {
    for (const { layout, bytes, times } of layouts) {
      const caches = `${folder}/budget${round}${layout}`;
      times.push(numbersOf("budget.ts", count, caches, layout, bytes, std));
    }
  }
  return layouts.map(({ title, times }) => ({
    name: `cold job: what storing adds within a full maxSize, ${title}`,
    unit: "µs",
    measured: sampleOf(times.map(([within]) => within!)),
    limit: {
      name: "the same without maxSize",
      ...sampleOf(times.map(([, without]) => without!)),
    },
    promised: "at most 1.2 ×",
  }));
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
