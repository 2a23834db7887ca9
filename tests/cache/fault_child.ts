/**
 * A program that goes on whatever happens to its cache, for the tests.
 *
 * `OPTIONS FILES STEP…` takes its steps one after the other, and prints a line of JSON for each:
 *
 * - `run:FROM:TO` runs jobs, and tells how many were hits and which had a wrong result;
 * - `wait` waits for a line on stdin, while others do something to the cache;
 * - `revoke:PERMISSION` gives a permission for the folder of the cache back;
 * - `remove:PATH` removes a file;
 * - `reopen` goes on with a cache that is opened anew;
 * - `verify` and `gc` do that;
 * - `now` tells the time.
 */

import * as hi from "../../mod.ts";
import { expected, KINDS, make, textOf } from "./kills_jobs.ts";

const [given = "", files = "", ...steps] = Deno.args;
const options = JSON.parse(given) as hi.JobCacheOptions & { path: string };
// What is imported is another matter, and another permission.
hi.setDefaults({ code: "version" });
let jobCache = new hi.JobCache(options);

async function run(from: number, to: number): Promise<unknown> {
  return await hi.config({ jobCache }, async () => {
    let hits = 0;
    const wrong: number[] = [];
    for (let n = from; n < to; n++) {
      const kind = KINDS[n % KINDS.length]!;
      const { job } = { job: make[kind].run(n, files) };
      if (textOf(await job) !== expected(kind, n)) wrong.push(n);
      if (job.cached) hits++;
    }
    return { hits, wrong };
  });
}

async function take(step: string): Promise<unknown> {
  const [verb, first = "", second = ""] = step.split(":");
  switch (verb) {
    case "run":
      return await run(Number(first), Number(second));
    case "wait":
      console.log('"waits"');
      await Deno.stdin.read(new Uint8Array(1));
      return "goes on";
    case "revoke": {
      const name = first as "read" | "write";
      return Deno.permissions.revokeSync({ name, path: options.path }).state;
    }
    case "remove":
      return Deno.removeSync(first) ?? "removed";
    case "reopen":
      await jobCache[Symbol.asyncDispose]();
      jobCache = new hi.JobCache(options);
      return "opened";
    case "verify": {
      const { badRecords, badBlobs, missingBlobs } = await jobCache.verify();
      return [badRecords, badBlobs, missingBlobs];
    }
    case "now":
      return Date.now();
    case "gc":
      return (await jobCache.gc()).records;
  }
}

for (const step of steps) console.log(JSON.stringify(await take(step)));
await jobCache[Symbol.asyncDispose]();
