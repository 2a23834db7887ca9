/**
 * A table that is read under permissions: the job may read that file and nothing else, and
 * runs again when the file has changed. What it did not declare is an error that says how.
 *
 *     deno run -A examples/sandbox.ts [FILE]
 */
import * as hi from "@hither/hither";

const path = Deno.args[0] ?? "LICENSE";

// Depends on its argument alone: that is certain, not only meant.
const longest = hi.func("sandbox_longest", "1", (text: string) => {
  const words = text.match(/\p{L}+/gu) ?? [];
  return words.reduce((a, b) => b.length > a.length ? b : a, "");
}, { permissions: "none" });

const load = hi.func(
  "sandbox_load",
  "1",
  (path: string) => Deno.readTextFileSync(path),
  { permissions: { read: [path] } },
);

if (import.meta.main) {
  await using jobHandler = new hi.ParallelJobHandler({ numWorkers: 2 });
  await using jobCache = new hi.JobCache();
  await hi.config({ jobHandler, jobCache }, async () => {
    const text = load.run(path);
    console.log(`Longest word: ${await longest.run(text)}`);
    console.log(text.cached ? "Taken from the cache" : "Computed");
    if (!text.cached) console.log(text.explain().text);
    try {
      await load.run("/etc/passwd");
    } catch (error) {
      if (!(error instanceof hi.UndeclaredAccessError)) throw error;
      console.log("To be declared:", error.declare);
    }
  });
}
