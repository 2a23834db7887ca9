import { numberOf } from "../child.ts";
import { inTurn, type Question, type Row, sampleOf } from "../question.ts";

const HITS = 1_000;

const PROMISED = new Map([
  [100_000, "at most 1.5 ×"],
  [1_000_000, "at most 2.5 ×"],
]);

/** Whether a full cache is as quick as a new one, and how much disk an entry takes. */
export const manyEntries: Question = {
  name: "many entries",
  measure({ quick, large, folder }) {
    const rows: Row[] = [];
    const few = `${folder}/${HITS}`;
    numberOf("jobs.ts", HITS, HITS, few);
    for (
      const entries of large ? [100_000, 1_000_000] : [quick ? 10_000 : 100_000]
    ) {
      const many = `${folder}/${entries}`;
      numberOf("jobs.ts", entries, entries, many);
      const { hit, limit } = inTurn(quick ? 3 : 11, {
        hit: () => numberOf("jobs.ts", HITS, entries, many),
        limit: () => numberOf("jobs.ts", HITS, HITS, few),
      });
      const count = entries.toLocaleString("en");
      rows.push({
        name: `hit with ${count} entries, 1,000 keys, new process`,
        unit: "µs",
        measured: hit,
        limit: { name: "the same with 1,000 entries", ...limit },
        promised: PROMISED.get(entries),
      }, {
        name: `disk an entry, ${count} entries`,
        unit: "bytes",
        measured: sampleOf([diskOf(many) / entries]),
        promised: "at most 500 bytes",
      });
    }
    return rows;
  },
};

/** What a folder takes on disk, in bytes. */
function diskOf(folder: string): number {
  let bytes = 0;
  for (const { name, isDirectory } of Deno.readDirSync(folder)) {
    const path = `${folder}/${name}`;
    const { blocks, size } = Deno.statSync(path);
    bytes += blocks === null ? size : blocks * 512;
    if (isDirectory) bytes += diskOf(path);
  }
  return bytes;
}
