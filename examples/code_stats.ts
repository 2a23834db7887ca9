/**
 * Counts the lines and words of every text file of a folder: a job for each
 * file, and one that merges. Run it twice, then edit one file and run it again.
 *
 *     deno run -A examples/code_stats.ts [FOLDER]
 */
import * as hi from "@hither/hither";
import { walk } from "@std/fs/walk";
import { relative } from "@std/path/relative";

// The key of a file holds its content alone: a file that was only touched or
// renamed is a hit.
const count = hi.func("count_text", "1", (file: hi.FileReference) => {
  const text = file.text();
  const words = text.split(/\s+/).filter((word) => word !== "").length;
  return { lines: text.split("\n").length - 1, words };
});

type Counted = { path: string; stats: { lines: number; words: number } };

// The name matters here, so it is an argument.
const merge = hi.func("merge_counts", "1", (files: Counted[]) => ({
  files: files.length,
  lines: files.reduce((sum, { stats }) => sum + stats.lines, 0),
  words: files.reduce((sum, { stats }) => sum + stats.words, 0),
  longest: files.toSorted((a, b) => b.stats.lines - a.stats.lines)[0]?.path,
}));

if (import.meta.main) {
  const folder = Deno.args[0] ?? ".";
  const paths = await Array.fromAsync(
    walk(folder, {
      includeDirs: false,
      exts: ["ts", "js", "py", "r", "c", "rs", "go", "md", "txt", "json"],
      skip: [/\/(?:\.\w+|node_modules)(?:\/|$)/],
    }),
    ({ path }) => path,
  );

  await using jobHandler = new hi.ParallelJobHandler();
  await using jobCache = new hi.JobCache();
  await hi.config({ jobHandler, jobCache }, async () => {
    const files = paths.sort().map((path) => ({
      path: relative(folder, path),
      stats: count.run(hi.file(path)),
    }));
    console.log(await merge.run(files));

    const { total, cached } = await hi.wait();
    console.log(
      cached === total
        ? `Nothing to compute: all ${total} jobs were in the cache`
        : `Computed ${total - cached} of ${total} jobs`,
    );
  });
}
