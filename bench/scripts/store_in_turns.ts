/**
 * Awaits BEFORE new jobs one by one, and COUNT more for each byte that it is sent, after
 * which it prints the µs for each. They are stored in a cache of LAYOUT in FOLDER, which
 * with BYTES takes no more than that; "-" is no cache.
 */

import * as hi from "@hither/hither";
import { timeJobs } from "./square.ts";

const [count, before, path, layout, bytes] = Deno.args;
if (layout !== "sqlite" && layout !== "files") throw new Error("no layout");
const maxSize = bytes === undefined ? undefined : Number(bytes);
const jobCache = path === "-"
  ? null
  : new hi.JobCache({ path, layout, maxSize });

await hi.config({ jobCache }, async () => {
  let next = 0;
  const time = (count: number): Promise<number> => {
    const first = next;
    next += count;
    return timeJobs(count, (i) => first + i);
  };
  await time(Number(before));
  while (await Deno.stdin.read(new Uint8Array(1)) === 1) {
    console.log(await time(Number(count)));
  }
});
await jobCache?.[Symbol.asyncDispose]();
if (jobCache !== null && maxSize !== undefined) {
  const size = layout === "files"
    ? jobCache.stats().bytes
    : Deno.statSync(`${path}/cache.sqlite`).size / 1.01;
  if (size > maxSize) throw new Error("the cache takes more than it may");
}
