/**
 * Awaits COUNT jobs one by one, spread over the arguments below RANGE, with the
 * cache in FOLDER or without one; prints the µs for each.
 */

import { timeJobs, withCache } from "./square.ts";

const [count, range, folder] = Deno.args;
const step = Number(range) / Number(count);
const time = await withCache(
  folder,
  () => timeJobs(Number(count), (i) => Math.floor(i * step)),
);
console.log(time);
