/**
 * Retries, priorities, a limited resource, and a stream of items.
 *
 * Run: deno run -A examples/scheduling.ts
 */

import * as hi from "@hither/hither";

const seen = new Set<number>();
const download = hi.func("example_download", "1", (page: number) => {
  const isFirst = !seen.has(page);
  seen.add(page);
  if (isFirst && page % 3 === 0) throw new TypeError("connection reset");
  return `page ${page} has ${page * 7 % 10} words`;
}, { retry: { maxAttempts: 3, minTimeout: 10 } });

let busy = 0;
let most = 0;
const analyse = hi.func("example_analyse", "1", async (text: string) => {
  most = Math.max(most, ++busy);
  await new Promise((resolve) => setTimeout(resolve, 5));
  busy--;
  return Number(text.match(/(\d+) words/)![1]);
}, { limits: { licence: 1 } });

/** All pages that there are, and there is no end of them. */
function* pages() {
  for (let page = 1;; page++) yield page;
}

await using jobHandler = new hi.DefaultJobHandler({ concurrency: 8 });
await hi.config({ jobHandler, resources: { licence: 2 } }, async () => {
  const covers = analyse.map([
    "front: 3 words",
    "spine: 2 words",
    "back: 1 words",
  ]);
  console.log("Words on the covers:", await Promise.all(covers));
  console.log("Licences in use, at most:", most);

  let words = 0;
  const texts = hi.map(download, pages(), { concurrency: 8 });
  for await (const count of hi.map(analyse, texts, { concurrency: 8 })) {
    words += count;
    if (words > 50) break;
  }
  console.log("Words:", words);

  const job = download.with({ priority: 1 }).run(99);
  console.log(await job, "after", job.attempts, "attempts");
});
