/**
 * A program that runs one of several jobs which need each other, for the tests. Each
 * says when it has begun, by a file in a folder, and goes on when others have.
 */

import * as hi from "../../mod.ts";
import { meet } from "../chaos/fixtures/meeting.ts";

/** What a job needs: others, once some have begun. */
export interface Plan {
  readonly [name: string]: {
    /** Others that it submits before that, which it need not await. */
    readonly starts?: readonly string[];
    readonly needs: readonly string[];
    readonly after: readonly string[];
    /** How many programs must wait for others before it goes on. */
    readonly programs?: number;
  };
}

const need = hi.func(
  "split_cycle_need",
  "1",
  async (name: string, folder: string, plan: Plan): Promise<string> => {
    const { needs, after, starts = [], programs = 0 } = plan[name]!;
    await meet(`${folder}/meeting`, name, after);
    const run = (other: string) => need.run(other, folder, plan);
    const started = new Map(starts.map((other) => [other, run(other)]));
    if (programs > 0) await whenWaiting(folder, programs);
    const results = await Promise.all(
      needs.map((other) => started.get(other) ?? run(other)),
    );
    return `${name}(${results.join(" ")})`;
  },
);

/** Once; another program may run the job again, when it has failed. */
async function whenWaiting(folder: string, programs: number): Promise<void> {
  using watcher = Deno.watchFs(`${folder}/cache/waits`);
  // With the file that was there from the start.
  const isSo = () =>
    [...Deno.readDirSync(`${folder}/cache/waits`)].length > programs;
  const isDone = () =>
    [...Deno.readDirSync(`${folder}/meeting`)].some(({ name }) =>
      name === "waiting"
    );
  if (!isDone() && !isSo()) {
    for await (const _ of watcher) if (isSo()) break;
  }
  Deno.writeTextFileSync(`${folder}/meeting/waiting`, "");
}

if (import.meta.main) {
  const [options = "", workers = "0", folder = "", plan = "", ...names] =
    Deno.args;
  await using jobCache = new hi.JobCache(JSON.parse(options));
  await using jobHandler = workers === "0"
    ? new hi.DefaultJobHandler({ concurrency: 3 })
    : new hi.ParallelJobHandler({ numWorkers: Number(workers) });
  await hi.config({ jobCache, jobHandler }, async () => {
    const jobs = names.map((name) => need.run(name, folder, JSON.parse(plan)));
    for (const job of jobs) {
      await job.wait().then(
        (result) => console.log(result),
        (error) =>
          console.log(`${error.name}: ${error.message} [job ${job.key}]`),
      );
    }
    await hi.wait();
  });
}
