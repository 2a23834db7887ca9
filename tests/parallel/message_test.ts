// What comes from a worker that is not a message of the pool.
import {
  assertEquals,
  assertInstanceOf,
  assertStringIncludes,
} from "@std/assert";
import * as hi from "../../mod.ts";
import * as f from "./fixtures/functions.ts";
import { inPool, runProgram } from "./pool.ts";
import { makeTask, valueOf } from "./tasks.ts";
import { receive, withWorkers } from "./workers.ts";

const MESSAGES = [
  "null",
  "undefined",
  `{ type: "done", task: 1 }`,
  `{ type: "event", task: 1 }`,
];

for (const message of MESSAGES) {
  Deno.test(`a job that posts ${message} itself goes on, and a warning says so once`, async () => {
    const { code, stdout, stderr } = await runProgram({
      "main.ts": `
        import * as hi from "hither";
        const posts = hi.func("posts", "1", async (x: number) => {
          self.postMessage(${message});
          postMessage(${message}, []);
          await new Promise((resolve) => setTimeout(resolve));
          return x;
        });
        if (import.meta.main) {
          await using jobHandler = new hi.ParallelJobHandler({ numWorkers: 1 });
          await hi.config({ jobHandler, jobCache: null }, async () => {
            console.log(await posts.run(1), await posts.run(2), jobHandler.abandoned);
          });
        }
      `,
    });
    assertEquals([code, stdout], [0, "1 2 0\n"], stderr);
    assertEquals(stderr.match(/postMessage/g)?.length, 1, stderr);
    assertStringIncludes(stderr, "hither: posts 1 ");
  });
}

for (const message of [null, undefined, "text", 5, {}, { type: "unknown" }]) {
  Deno.test(`a message from a worker that says nothing is ignored: ${Deno.inspect(message)}`, () =>
    withWorkers((workers) =>
      inPool({ numWorkers: 1, isolation: "worker" }, async (jobHandler) => {
        const task = makeTask(f.untilAborted, []);
        jobHandler.run(task);
        await task.hasStarted;
        receive(workers[0]!, message);
        const next = jobHandler.run(makeTask(f.add, [1, 2]));
        jobHandler.cancel(task, new Error("enough"));
        assertEquals(valueOf(await next), 3);
      })
    ));
}

Deno.test("a message from a worker that cannot be understood costs that worker and its jobs, no more", () =>
  withWorkers((workers) =>
    inPool({ numWorkers: 1, isolation: "worker" }, async (jobHandler) => {
      const task = makeTask(f.untilAborted, []);
      const outcome = jobHandler.run(task);
      await task.hasStarted;
      receive(workers[0]!, { type: "done", task: 1 });
      const error = valueOf(await outcome);
      assertInstanceOf(error, hi.WorkerLostError);
      assertStringIncludes(`${error}`, "pool_until_aborted 1");
      assertEquals(valueOf(await jobHandler.run(makeTask(f.add, [1, 2]))), 3);
      assertEquals([workers.length, jobHandler.abandoned], [2, 0]);
    })
  ));
