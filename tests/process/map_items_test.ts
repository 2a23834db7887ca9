// Items of hi.map, and jobs that wait, travel to processes in chunks; nobody is to notice.
import { assert, assertEquals } from "@std/assert";
import * as hi from "../../mod.ts";
import { temporaryFolder } from "../house/run.ts";
import * as g from "../parallel/fixtures/functions.ts";
import * as odd from "../parallel/fixtures/item_functions.ts";
import {
  checkAlone,
  checkDisposed,
  checkEachOnce,
  checkLost,
  checkNever,
  checkTold,
  checkTriedAgain,
  ENDS,
  HOWS,
  numbersWith,
} from "../parallel/items.ts";
import { appears, inPool, numbers, runProgram } from "../parallel/pool.ts";
import * as f from "./fixtures/functions.ts";
import * as items from "./fixtures/items.ts";
import { childrenOf, makeFifo } from "./processes.ts";

const ONE: hi.ParallelJobHandlerOptions = {
  numWorkers: 1,
  isolation: "process",
};
const TWO: hi.ParallelJobHandlerOptions = { ...ONE, numWorkers: 2 };

for (const ordered of [true, false]) {
  Deno.test(
    `each item is run once by processes, and the results come ${
      ordered ? "in order" : "as they are there"
    }`,
    () => inPool(TWO, () => checkEachOnce(numbers(3_000), ordered)),
  );
}

Deno.test("quick items come to a process many in one message", () =>
  inPool(ONE, async () => {
    await Array.fromAsync(hi.map(odd.odd, numbers(100)));
    const before = await f.reads.run();
    await Array.fromAsync(hi.map(odd.odd, numbers(10_000)));
    const reads = await f.reads.run() - before;
    assert(reads < 1_000, `${reads} reads`);
  }));

Deno.test("items and results of every kind come through a pipe, in order", () =>
  inPool(TWO, async () => {
    const given: [number | odd.Wish, unknown][] = [
      [{ b: 2, a: "x" }, "x2"],
      ["large", new Uint8Array(100_000).fill(7)],
      ["nothing", undefined],
      ["progress", undefined],
      ["nested", 23],
      [NaN, NaN],
      [-0.5, -0.5],
    ];
    const which = numbers(2_000).map((x) =>
      x > 500 && x < 1_500 ? x % given.length : -1
    );
    const results = await Array.fromAsync(
      hi.map(odd.odd, which.map((i, x) => i < 0 ? x : given[i]![0])),
    );
    assertEquals(results, which.map((i, x) => i < 0 ? x : given[i]![1]));
  }));

Deno.test("chunks that are larger than the memory between the threads of a process come through, each in its turn", () =>
  inPool(TWO, async () => {
    const texts = numbers(2_000).map((x) =>
      `${x % 10}`.repeat(x % 3 === 0 ? 8_000 : 1 + x % 50)
    );
    const results = await Array.fromAsync(hi.map(items.length, texts));
    assertEquals(results, texts.map((text) => `${text[0]} ${text.length}`));
  }));

Deno.test("items of an asynchronous function run one after the other in a process", () =>
  inPool(TWO, checkAlone));

Deno.test("what else is to be done in a process comes to its turn between chunks", () =>
  inPool(ONE, async () => {
    const results = await Array.fromAsync(
      hi.map(items.ticking, numbers(30_000)),
    );
    assert(results.at(-1)! > 0, "the timer never ticked");
  }));

Deno.test("what items print in a process is shown, and errors keep their causes and stacks", async () => {
  const { code, stdout, stderr } = await runProgram({
    "main.ts": `
      import * as hi from "hither";
      const f = hi.func("talks", "1", (x: number) => {
        if (x >= 600 && x < 603) console.log("this is", x);
        if (x === 1_900) throw new RangeError("no more", { cause: x });
        return x;
      });
      if (import.meta.main) {
        await using jobHandler = new hi.ParallelJobHandler({ numWorkers: 1, isolation: "process" });
        const items = Array.from({ length: 2_000 }, (_, i) => i);
        let sum = 0;
        try {
          for await (const x of hi.map(f.with({ jobHandler }), items)) sum += x;
        } catch (error) {
          console.log(sum, error.name, error.message, error.cause, /main\\.ts:5/.test(error.stack));
        }
      }
    `,
  });
  assertEquals(
    [code, stdout, stderr],
    [
      0,
      "[talks] this is 600\n[talks] this is 601\n[talks] this is 602\n1804050 RangeError no more 1900 true\n",
      "",
    ],
  );
});

for (const how of HOWS) {
  for (const end of ENDS) {
    Deno.test(`an item that ${how} in a process hears of ${end}, and nothing behind it is run`, () =>
      checkTold(ONE, how, end));
  }
}

Deno.test("a loop over items that is left gives its process back, which goes on with what comes next", () =>
  inPool(ONE, async () => {
    const before = await f.pid.run();
    for (let i = 0; i < 5; i++) {
      for await (const x of hi.map(odd.odd, numbers(100_000))) {
        if (x === 500 * i) break;
      }
    }
    assertEquals(await f.pid.run(), before);
  }));

Deno.test("an item that nobody can stop from inside is ended with its process when the loop is left", async () => {
  await using fifo = await makeFifo();
  await inPool(ONE, async (jobHandler) => {
    const results = hi.map(items.spinsFor, numbersWith(fifo.path));
    for (let i = 0; i < 700; i++) await results.next();
    await fifo.begin();
    await results.return();
    await fifo.end();
    assertEquals(await f.add.run(1, 2), 3);
    assertEquals(jobHandler.abandoned, 0);
  });
});

for (
  const [where, pool] of [
    ["in one of two processes", TWO],
    ["in a process with two places", { ...ONE, jobsPerWorker: 2 }],
  ] as const
) {
  Deno.test(`an item that never ends holds up no other: ${where}`, () =>
    inPool(pool, checkNever));
}

Deno.test("an item that fails in a process is tried again like any job", () =>
  checkTriedAgain(TWO));

for (const crashRetries of [0, 1]) {
  const becomes = crashRetries === 0 ? "lost" : "run again";

  Deno.test(`of a process that is killed the item that ran is ${becomes}, what had ended is kept, and no other is run twice`, () =>
    checkLost(ONE, crashRetries, async () => {
      const pid = await f.pid.run();
      return () => Deno.kill(pid, "SIGKILL");
    }));

  Deno.test(`of a process that is killed the job that ran is ${becomes}, and no other is charged an attempt`, async () => {
    await using folder = await temporaryFolder();
    await using hung = await temporaryFolder();
    await inPool(ONE, async () => {
      const fn = g.hangsOnce.with({ crashRetries });
      const run = (x: number) => fn.run(folder.path, hung.path, x);
      const pid = await f.pid.run();
      for (let i = 1; i <= 20; i++) {
        await Promise.all([run(-2 * i), run(1 - 2 * i)]);
      }
      const hangs = appears(hung.path, "700");
      const jobs = numbers(1_000).map(run);
      await hangs;
      Deno.kill(pid, "SIGKILL");
      const ends = await Promise.allSettled(jobs);
      const lost = ends.flatMap(({ status }, x) =>
        status === "rejected" ? [x] : []
      );
      assertEquals(lost, crashRetries === 0 ? [700] : []);
      assertEquals(
        jobs.map(({ attempts }) => attempts),
        numbers(1_000).map((x) => x === 700 ? 1 + crashRetries : 1),
      );
    });
  });
}

Deno.test("whenever processes are killed, every item has its result, and each death costs one call at most", async () => {
  await using folder = await temporaryFolder();
  await inPool(TWO, async () => {
    const fn = items.notes.with({ crashRetries: 20 });
    const given = numbers(20_000).map((x) =>
      [folder.path, x] as [string, number]
    );
    let kills = 0;
    const seen: number[] = [];
    for await (const x of hi.map(fn, given)) {
      seen.push(x);
      if (x % 1_500 !== 1_234) continue;
      const [pid] = childrenOf();
      if (pid === undefined) continue;
      Deno.kill(pid, "SIGKILL");
      kills++;
    }
    assertEquals(seen, numbers(20_000));
    const calls = [...Deno.readDirSync(folder.path)].flatMap(({ name }) =>
      Deno.readTextFileSync(`${folder.path}/${name}`).trim().split("\n")
    );
    assertEquals(new Set(calls).size, 20_000);
    const more = calls.length - 20_000;
    assert(
      kills > 3 && more <= kills,
      `${more} calls more for ${kills} deaths`,
    );
  });
});

Deno.test("a handler of processes that is disposed ends the iteration with a HandlerClosedError", async () => {
  await checkDisposed(ONE);
});
