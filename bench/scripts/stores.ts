/**
 * Awaits COUNT jobs one by one that are new, with the cache in FOLDER or without one
 * ("-"), after BEFORE others; prints the µs for each. LAYOUT is that of the cache; with
 * BYTES, it may take no more than that.
 */

import * as hi from "@hither/hither";
import { square, timeJobs } from "./square.ts";

const [count, before, path, layout = "sqlite", bytes] = Deno.args;
if (layout !== "sqlite" && layout !== "files") throw new Error("no layout");
const jobCache = path === "-" ? null : new hi.JobCache({
  path,
  layout,
  maxSize: bytes === undefined ? undefined : Number(bytes),
});
const time = await hi.config({ jobCache }, async () => {
  // What the first job of a program costs, its snapshot of the code above all, is
  // another question.
  await square.run({ x: -1 });
  await timeJobs(Number(before), (i) => -2 - i);
  return await timeJobs(Number(count), (i) => i);
});
await jobCache?.[Symbol.asyncDispose]();
if (jobCache !== null && bytes !== undefined) {
  const size = layout === "files"
    ? jobCache.stats().bytes
    : Deno.statSync(`${path}/cache.sqlite`).size / 1.01;
  if (size > Number(bytes)) throw new Error("the cache takes more than it may");
}
console.log(time);
