/**
 * Counts the lines and words of every text file of a folder: a job for each
 * file, and one that merges. Run it twice, then edit one file and run it again.
 *
 *     deno run -A examples/code_stats.ts [FOLDER]
 */
import * as hi from "@hither/hither";
import { walk } from "@std/fs/walk";
import { relative } from "@std/path/relative";

interface Stats {
  files: number;
  lines: number;
  words: number;
}

// The key of a file holds its content alone, so a file that is renamed or
// touched is a hit.
const count = hi.func(
  "code_stats_count",
  "1",
  (file: hi.FileReference): Stats => {
    const text = file.text();
    const words = text.split(/\s+/).filter((word) => word !== "").length;
    return { files: 1, lines: text.split("\n").length - 1, words };
  },
);

// The name matters here, so it is an argument.
const merge = hi.func("code_stats_merge", "1", (all: [string, Stats][]) => {
  const total: Stats = { files: 0, lines: 0, words: 0 };
  for (const [, stats] of all) {
    total.files += stats.files;
    total.lines += stats.lines;
    total.words += stats.words;
  }
  const [longest = "none"] = all.toSorted((a, b) => b[1].lines - a[1].lines)
    .map(([path]) => path);
  return { ...total, longest };
});

if (import.meta.main) {
  const folder = Deno.args[0] ?? ".";
  const found = walk(folder, {
    includeDirs: false,
    exts: ["ts", "js", "py", "r", "c", "h", "rs", "go", "md", "txt", "json"],
    skip: [/\/(?:\.\w+|node_modules)(?:\/|$)/],
  });
  await using jobHandler = new hi.ParallelJobHandler();
  await using jobCache = new hi.JobCache();
  await hi.config({ jobHandler, jobCache }, async () => {
    const paths = (await Array.fromAsync(found, ({ path }) => path)).sort();
    const total = await merge.run(
      paths.map((path) => [relative(folder, path), count.run(hi.file(path))]),
    );
    const { total: jobs, cached } = await hi.wait();
    console.log(total);
    console.log(
      cached === jobs
        ? `Nothing to compute: all ${jobs} jobs were in the cache`
        : `Computed ${jobs - cached} of ${jobs} jobs`,
    );
  });
}
