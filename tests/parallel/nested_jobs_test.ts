// Jobs that jobs in workers submit: they are jobs of the program.
import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import * as hi from "../../mod.ts";
import * as fc from "npm:fast-check@^4";
import { temporaryFolder } from "../house/run.ts";
import * as fns from "./fixtures/nested.ts";
import type { Tree } from "./fixtures/nested.ts";
import { failureOf, runProgram } from "./pool.ts";

const ISOLATIONS = ["worker", "process"] as const;

/** Runs `body` with a pool, and a cache in a folder of its own. */
async function withPool(
  options: hi.ParallelJobHandlerOptions,
  body: (at: { traces: string; cache: hi.JobCache }) => Promise<void>,
): Promise<void> {
  await using folder = await temporaryFolder({});
  await using jobHandler = new hi.ParallelJobHandler(options);
  await using jobCache = new hi.JobCache({ path: `${folder.path}/cache` });
  await Deno.mkdir(`${folder.path}/traces`);
  await hi.config(
    { jobHandler, jobCache },
    () => body({ traces: `${folder.path}/traces`, cache: jobCache }),
  );
}

/** The names of the traces, once there are so many. */
async function traces(folder: string, count: number): Promise<string[]> {
  const names = (): string[] =>
    [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
  const watcher = Deno.watchFs(folder);
  if (names().length < count) {
    for await (const _ of watcher) if (names().length >= count) break;
  } else watcher.close();
  return names();
}

function sumOf(tree: Tree): number {
  if (typeof tree === "number") return tree;
  return tree.reduce<number>((sum, part) => sum + sumOf(part), 0);
}

/** What runs for a tree: each different part once. */
function partsOf(tree: Tree, found = new Set<string>()): Set<string> {
  if (typeof tree === "number") return found.add(`leaf ${tree}`);
  found.add(`total ${JSON.stringify(tree)}`);
  for (const part of tree) partsOf(part, found);
  return found;
}

const trees = fc.letrec<{ tree: Tree; branch: readonly Tree[] }>((tie) => ({
  tree: fc.oneof({ depthSize: "small" }, fc.nat(5), tie("branch")),
  branch: fc.array(tie("tree"), { maxLength: 4 }),
})).branch;

for (const isolation of ISOLATIONS) {
  const test = (name: string, body: () => Promise<void>): void =>
    Deno.test(`${name} (${isolation})`, body);
  const one = { numWorkers: 1, isolation };

  test("a job knows how often its own job was tried", () =>
    withPool(one, async () => {
      assertEquals(await fns.counts.run(1), 1);
    }));

  test("a job of a job is kept in the cache of the program, and counted", () =>
    withPool(one, async ({ cache }) => {
      const job = fns.waits.run([1, 2]);
      const { before, counts, results, keys, cached, timed } = await job;
      assertEquals(before, ["pending", "pending"]);
      assertEquals(results, [2, 3]);
      assertEquals([counts.total, counts.finished], [2, 2]);
      assertEquals([cached, timed], [[false, false], true]);
      assertEquals((await hi.wait()).total, 3);
      const again = [fns.add.run(1, 1), fns.add.run(2, 1)];
      await hi.wait();
      assertEquals(again.map((job) => job.cached), [true, true]);
      assertEquals(again.map((job) => job.key), keys);
      assertEquals(cache.stats().records, 3);
    }));

  test("jobs in jobs go deeper than there are workers, slots and flags", () =>
    withPool(one, async () => {
      assertEquals(await fns.chain.run(200), 200);
    }));

  test("a job of a job is an argument of another, and its record tells so", () =>
    withPool({ numWorkers: 2, isolation }, async ({ cache }) => {
      assertEquals(await fns.piped.run(50_000), 50_003);
      const upstream = [...cache.records({ name: "nested_sum" })].map((
        record,
      ) => cache.describe(record.key)!.upstream.length);
      assertEquals(upstream, [1]);
    }));

  test("an error travels through jobs with class, message and cause", () =>
    withPool(one, async () => {
      const error = await failureOf(fns.passesOn.run());
      assertInstanceOf(error, RangeError);
      assertEquals(error.message, "out of luck");
      assertInstanceOf(error.cause, TypeError);
      assertEquals(await fns.seesError.run(), [
        "error",
        true,
        "out of luck",
        true,
        true,
      ]);
    }));

  test("a job that would wait for itself through another is a CycleError", () =>
    withPool({ numWorkers: 2, isolation }, async () => {
      assertInstanceOf(await failureOf(fns.cycle.run(1)), hi.CycleError);
    }));

  test("a job that is submitted and not awaited may await the one that has submitted it", () =>
    withPool({ numWorkers: 2, isolation }, async ({ traces: folder }) => {
      const jobs = [fns.asked.run(folder), fns.asksBack.run(folder)];
      assertEquals(await Promise.all(jobs), ["asked", "asked"]);
      const { total, error } = await hi.wait();
      assertEquals([total, error], [4, 0]);
    }));

  for (const way of ["await", "hi.wait", "events", "argument"]) {
    test(`who awaits it later, by ${way}, closes a circle`, () =>
      withPool({ numWorkers: 2, isolation }, async ({ traces: folder }) => {
        let error: unknown = await failureOf(fns.asked.run(folder, way));
        if (way === "argument") {
          for (let i = 0; i < 2; i++) {
            assertInstanceOf(error, hi.UpstreamError);
            error = (error as Error).cause;
          }
        }
        assertInstanceOf(error, hi.CycleError);
      }));
  }

  test("the jobs of a cancelled job are cancelled, at any depth", () =>
    withPool(one, async ({ traces: folder }) => {
      const job = fns.deepParent.run(folder, "deep", 3);
      await traces(folder, 1);
      job.cancel("enough");
      assertEquals(await traces(folder, 2), ["deep", "deep stopped"]);
      assertEquals((await hi.wait()).cancelled, 5);
    }));

  test("a job that is also wanted elsewhere goes on when the one that submitted it is cancelled", () =>
    withPool({ numWorkers: 2, isolation }, async ({ traces: folder }) => {
      const job = fns.parent.run(folder, ["both"]);
      await traces(folder, 1);
      const wanted = fns.untilStopped.run(folder, "both");
      job.cancel();
      // The worker of the parent has taken note once it runs another job.
      assertEquals(await fns.add.run(1, 2), 3);
      assertEquals(wanted.status, "running");
      assertEquals(await traces(folder, 1), ["both"]);
      wanted.cancel();
      assertEquals(await traces(folder, 2), ["both", "both stopped"]);
    }));

  test("a job cancels its own", () =>
    withPool(one, async ({ traces: folder }) => {
      assertEquals(await fns.cancelsOne.run(folder), [
        "cancelled",
        "JobCancelledError",
        "enough",
      ]);
      assertEquals(await traces(folder, 2), ["one", "one stopped"]);
    }));

  test("a job hears what its jobs print and report", () =>
    withPool(one, async () => {
      const { seen, kept } = await fns.listens.run();
      assertEquals(seen, [
        "pending",
        "queued",
        "running",
        "hello\n",
        "0.5",
        "finished",
      ]);
      assertEquals(kept, ["hello\n"]);
    }));

  test("options that a job sets hold for its jobs", async () => {
    await using folder = await temporaryFolder({});
    await withPool(one, async () => {
      await hi.run("nested_count", "forced");
      assertEquals(await fns.options.run(`${folder.path}/own`), {
        forced: false,
        plain: true,
        uncached: false,
        own: false,
        late: "JobTimeoutError",
      });
      const own = new hi.JobCache({ path: `${folder.path}/own` });
      assertEquals(own.stats().records, 2);
      await own[Symbol.asyncDispose]();
    });
  });

  test("with jobHandler null a job of a job runs in its worker", () =>
    withPool({ numWorkers: 2, isolation }, async () => {
      assertEquals(await fns.here.run(5), 5);
      assertEquals(await fns.dependsOnLocal.run(1), 12);
    }));

  test("a function that only a worker has imported", () =>
    withPool({ numWorkers: 2, isolation }, async () => {
      assertEquals(await fns.far.run(3), [6, 8]);
    }));

  test("jobs of one worker that wait for one promise, or one job, do not wait for ever", () =>
    withPool(one, async () => {
      assertEquals(await Promise.all(fns.sharesPromise.map([1, 2, 3])), [
        42,
        43,
        44,
      ]);
      assertEquals(await Promise.all(fns.sharesJob.map([1, 2, 3])), [
        52,
        53,
        54,
      ]);
    }));

  test("a job that ends before its jobs leaves them to the program", () =>
    withPool(one, async ({ traces: folder }) => {
      assertEquals(await fns.leavesBehind.run(folder), "ended");
      assertEquals((await hi.wait()).finished, 2);
      assertEquals(await traces(folder, 1), ["leaf 7"]);
    }));

  test("the jobs of a job that was lost are cancelled", () =>
    withPool({ numWorkers: 2, isolation }, async ({ traces: folder }) => {
      const job = fns.diesWithChild.run(folder);
      assertInstanceOf(await failureOf(job), hi.JobExitError);
      assertEquals(await traces(folder, 2), ["child", "child stopped"]);
      assertEquals((await hi.wait()).cancelled, 1);
    }));

  test("random trees of jobs come to their sums, and each job runs once", () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(trees, { minLength: 1, maxLength: 3 }),
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: 1, max: 2 }),
        (roots, numWorkers, jobsPerWorker) =>
          withPool({ numWorkers, jobsPerWorker, isolation }, async (at) => {
            const jobs = roots.map((tree) => fns.total.run(at.traces, tree));
            assertEquals(await Promise.all(jobs), roots.map(sumOf));
            const parts = new Set<string>();
            for (const tree of roots) partsOf(tree, parts);
            assertEquals(await traces(at.traces, 0), [...parts].sort());
          }),
      ),
      { numRuns: isolation === "worker" ? 30 : 8 },
    ));
}

Deno.test("two jobs in two workers that submit the same job share its run", () =>
  withPool({ numWorkers: 2 }, async ({ traces: folder }) => {
    const jobs = [
      fns.total.run(folder, [1, 2, [3]]),
      fns.total.run(folder, [[3], 2, 1]),
    ];
    assertEquals(await Promise.all(jobs), [6, 6]);
    assert((await traces(folder, 0)).includes("total [3]"));
  }));

Deno.test("a job outlives its own job that has to be killed, also on one process", () =>
  withPool({ numWorkers: 1, isolation: "process" }, async () => {
    const jobs = fns.outlives.map([1, 2, 3]);
    assertEquals(await Promise.all(jobs), Array(3).fill("JobTimeoutError"));
    assertEquals(jobs.map(({ attempts }) => attempts), [1, 1, 1]);
  }));

Deno.test("a process that is killed while its job waits leaves nothing behind", () =>
  withPool({ numWorkers: 2, isolation: "process" }, async ({ traces }) => {
    const job = fns.killedWithChild.with({ crashRetries: 0 }).run(traces);
    assertInstanceOf(await failureOf(job), hi.WorkerLostError);
    const { total, error, cancelled } = await hi.wait();
    assertEquals([total, error + cancelled], [2, 2]);
    assertEquals(await Promise.all(fns.chain.map([5, 6, 7])), [5, 6, 7]);
  }));

for (
  const [where, handler] of [
    ["worker", "new hi.ParallelJobHandler({ numWorkers: 2 })"],
    [
      "process",
      'new hi.ParallelJobHandler({ numWorkers: 2, isolation: "process" })',
    ],
    ["the program", "new hi.DefaultJobHandler()"],
  ]
) {
  Deno.test(`a job that is cancelled takes its jobs with it, those too that are arguments of each other, and none of them has failed (${where})`, async () => {
    const { code, stdout, stderr } = await runProgram({
      "main.ts": `
        import * as hi from "hither";
        const never = hi.func("never", "1", (_: number) => new Promise<number>(() => {}));
        const pass = hi.func("pass", "1", (x: number) => x);
        const outer = hi.func("outer", "1", async (i: number, waitsForLast: boolean) => {
          const first = never.run(i);
          const last = pass.run(pass.run(first));
          hi.current().progress(1);
          return await (waitsForLast ? last : first);
        });
        if (import.meta.main) {
          await using jobHandler = ${handler};
          await hi.config({ jobHandler, jobCache: null }, async () => {
            for (const waitsForLast of [true, false]) {
              const job = outer.run(1, waitsForLast);
              for await (const { type } of job) if (type === "progress") break;
              job.cancel("enough");
              await Promise.allSettled([job]);
            }
            const { total, cancelled } = await hi.wait();
            console.log(total, cancelled);
          });
        }
      `,
    });
    assertEquals([code, stdout, stderr], [0, "8 8\n", ""]);
  });
}
