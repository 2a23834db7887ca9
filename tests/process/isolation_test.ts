import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertNotEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import * as hi from "../../mod.ts";
import { failureOf, inPool, runProgram } from "../parallel/pool.ts";
import * as f from "./fixtures/functions.ts";
import { childrenOf, isAlive, makeFifo } from "./processes.ts";

const LIMITS: readonly [string, hi.Options][] = [
  ["timeout", { timeout: 60_000 }],
  ["memory", { memory: 2 ** 30 }],
];

Deno.test("a job without a limit runs in this process, and one that asks for a process does not", async () => {
  await inPool({ numWorkers: 1 }, async () => {
    assertEquals(await f.pid.run(), Deno.pid);
  });
  await inPool({ numWorkers: 1, isolation: "process" }, async () => {
    assertNotEquals(await f.pid.run(), Deno.pid);
  });
});

for (const [name, options] of LIMITS) {
  Deno.test(`a job with a ${name} runs in a process, and others beside it do not`, () =>
    inPool({ numWorkers: 1 }, async () => {
      assertNotEquals(await f.pid.with(options).run(), Deno.pid);
      assertEquals(await f.pid.run(), Deno.pid);
    }));
}

Deno.test("a timeout alone does not leave the thread that was asked for", () =>
  inPool({ numWorkers: 1, isolation: "worker" }, async () => {
    assertEquals(await f.pid.with({ timeout: 60_000 }).run(), Deno.pid);
  }));

Deno.test("a limit of memory is refused where threads were asked for", () =>
  inPool({ numWorkers: 1, isolation: "worker" }, async () => {
    const error = await failureOf(f.pid.with({ memory: 1e9 }).run());
    assertInstanceOf(error, TypeError);
    for (const text of ["process_pid 1", "memory", "1000000000", `"auto"`]) {
      assertStringIncludes(error.message, text);
    }
  }));

Deno.test("an isolation that there is not is refused, with those that there are", () => {
  const isolation = "thread" as "auto";
  const error = assertThrows(
    () => new hi.ParallelJobHandler({ isolation }),
    TypeError,
  );
  for (const text of [`"thread"`, `"auto"`, `"worker"`, `"process"`]) {
    assertStringIncludes(error.message, text);
  }
});

Deno.test("a process stays for the next jobs", () =>
  inPool({ numWorkers: 1, isolation: "process" }, async () => {
    const first = await f.pid.run();
    for (let i = 0; i < 20; i++) assertEquals(await f.pid.run(), first);
    assertEquals(await f.pid.with({ timeout: 60_000 }).run(), first);
  }));

Deno.test("a process has the limit of memory for which it was started, and no other", () =>
  inPool({ numWorkers: 1 }, async () => {
    const limited = f.pid.with({ memory: 2 ** 30 });
    const first = await limited.run();
    assertEquals(await limited.run(), first);
    const other = await f.pid.with({ memory: 2 ** 29 }).run();
    assertNotEquals(other, first);
    assertEquals(isAlive(other), true);
  }));

Deno.test("a process that has nothing to do for long enough is ended", async () => {
  await using fifo = await makeFifo();
  await inPool(
    { numWorkers: 1, isolation: "process", idleTimeout: 50 },
    async () => {
      const first = f.pid.run();
      const job = f.holds.run(fifo.path);
      await fifo.begin();
      await job;
      await fifo.end();
      assertNotEquals(await f.pid.run(), await first);
    },
  );
});

Deno.test("disposing waits until no process is left", async () => {
  await using fifo = await makeFifo();
  let pid = 0;
  await inPool({ numWorkers: 2, isolation: "process" }, async () => {
    const job = f.spins.run(fifo.path);
    job.wait().catch(() => {});
    pid = Number(await fifo.begin());
    await f.add.run(1, 2);
    assertEquals(childrenOf().includes(pid), true);
  });
  assertEquals([isAlive(pid), childrenOf()], [false, []]);
});

Deno.test("two jobs run in one process at a time if that was asked for", async () => {
  await using fifo = await makeFifo();
  await inPool(
    { numWorkers: 1, jobsPerWorker: 2, isolation: "process" },
    async () => {
      const [one, other] = await Promise.all([
        f.meets.run(fifo.path),
        f.comes.run(fifo.path),
      ]);
      assertEquals(one, other);
      assertNotEquals(one, Deno.pid);
    },
  );
});

Deno.test("large values come and go as they are", () =>
  inPool({ numWorkers: 1, isolation: "process" }, async () => {
    const values = new Float64Array(12_500_000).map((_, i) => i);
    const doubled = await f.twice.run(values);
    assertEquals(doubled.length, values.length);
    assert(doubled.every((value, i) => value === 2 * i));
    assertEquals([values[1], values.at(-1)], [1, values.length - 1]);
  }));

Deno.test("what a job prints is kept with it, in order, and by its stream", () =>
  inPool({ numWorkers: 1, isolation: "process" }, async () => {
    const job = f.prints.run("äö\u{1F600}\ud800");
    assertEquals(await job, 5);
    assertEquals(job.console.map(({ stream, text }) => [stream, text]), [
      ["stdout", "äö\u{1F600}\ud800\n"],
      ["stderr", "äö\u{1F600}\ud800 as an error\n"],
    ]);
  }));

Deno.test("a process is configured as the program is, also by a file beside its main module", async () => {
  const { code, stdout, stderr } = await runProgram({
    "deno.json": `{ "unstable": ["kv"] }`,
    "main.ts": `
      import * as hi from "hither";
      const f = hi.func("f", "1", () => typeof Deno.openKv);
      if (import.meta.main) {
        await using jobHandler = new hi.ParallelJobHandler({ numWorkers: 1, isolation: "process" });
        await hi.config({ jobHandler, jobCache: null }, async () => {
          console.log(await f.run(), typeof Deno.openKv);
        });
      }
    `,
  });
  assertEquals([code, stdout], [0, "function function\n"], stderr);
});

Deno.test("jobs with a limit of memory share no process at a time", () =>
  inPool({ numWorkers: 1, jobsPerWorker: 3 }, async () => {
    const limited = f.neighbours.with({ memory: 2 ** 29 });
    assertEquals(await Promise.all(limited.map([1, 2, 3])), [1, 1, 1]);
  }));
