/**
 * Counts the words of every text in a folder into a CSV file. The CSV is a result:
 * delete it, or edit it, and run again: it comes out of the cache, nothing is computed.
 *
 *     deno run -A examples/files.ts [FOLDER]
 */
import * as hi from "@hither/hither";

// A file is an argument by its content: a file that was only touched is a hit.
const countWords = hi.func("count_words", "1", (text: hi.FileReference) => {
  const counts = new Map<string, number>();
  for (const [word] of text.text().toLowerCase().matchAll(/\p{L}+/gu)) {
    counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  return counts;
});

// A function that writes files returns them.
const writeCsv = hi.func(
  "write_words_csv",
  "1",
  (path: string, texts: Map<string, number>[]) => {
    const totals = new Map<string, number>();
    for (const [word, count] of texts.flatMap((counts) => [...counts])) {
      totals.set(word, (totals.get(word) ?? 0) + count);
    }
    const rows = [...totals].sort(([a, m], [b, n]) =>
      n - m || (a < b ? -1 : 1)
    );
    Deno.mkdirSync("out", { recursive: true });
    const lines = rows.map(([word, count]) => `${word},${count}\n`);
    Deno.writeTextFileSync(path, `word,count\n${lines.join("")}`);
    return hi.file(path);
  },
);

if (import.meta.main) {
  await using jobHandler = new hi.ParallelJobHandler();
  await using jobCache = new hi.JobCache();
  await hi.config({ jobHandler, jobCache }, async () => {
    const folder = hi.folder(Deno.args[0] ?? "docs");
    const texts = [...folder.files()].filter(({ path }) =>
      path.endsWith(".md")
    );
    // Given relative to the working folder, so that it moves with the project.
    const job = writeCsv.run("out/words.csv", countWords.map(texts));
    const csv = await job;
    console.log(`${csv.path}: ${csv.size} bytes from ${texts.length} texts`);
    console.log(csv.text().split("\n").slice(0, 4).join("\n"));
    console.log(job.cached ? "Taken from the cache" : "Computed");
  });
}
