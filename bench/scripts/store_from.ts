/** Awaits COUNT jobs one by one, with the arguments from FROM on, and the cache in FOLDER. */

import { timeJobs, withCache } from "./square.ts";

const [count, from, folder] = Deno.args;
await withCache(
  folder,
  () => timeJobs(Number(count), (i) => Number(from) + i),
);
