/**
 * A program that uses a cache in PATH, of LAYOUT: with "run", it runs a small job, a
 * large one and one that writes RESULT, and prints which of them were cached, and
 * their keys; with "read", it does so and writes nothing; with "verify", it prints the report.
 */

import * as hi from "../../mod.ts";
import type { Layout } from "../../lib/cache/folder.ts";

const [verb, path = "", layout, result = ""] = Deno.args;

const small = hi.func("no_files_small", "1", (n: number) => 2 * n);
const large = hi.func(
  "no_files_large",
  "1",
  (n: number) => new Float64Array(10_000).fill(n),
);
const file = hi.func("no_files_file", "1", (path: string) => {
  Deno.writeTextFileSync(path, "content");
  return hi.file(path);
});

await using jobCache = new hi.JobCache({
  path,
  layout: layout as Layout,
  readonly: verb === "read",
  maxSize: 10_000_000,
});
if (verb === "verify") console.log(JSON.stringify(await jobCache.verify()));
else {
  if (verb === "run") jobCache.pin({ kind: "label", value: "paper" });
  await hi.config({ jobCache }, async () => {
    const jobs = [small.run(3), large.run(1), file.run(result)];
    const [double, array] = await Promise.all(jobs);
    if (double !== 6 || (array as Float64Array)[9_999] !== 1) {
      throw new Error("a wrong result");
    }
    console.log(JSON.stringify({
      cached: jobs.map((job) => job.cached),
      keys: jobs.map((job) => job.key),
      pins: jobCache.pins().length,
    }));
  });
}
