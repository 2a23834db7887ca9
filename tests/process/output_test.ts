// What jobs write past their console, in a process whose pipe carries messages.
import { assertEquals } from "@std/assert";
import { inPool, runProgram } from "../parallel/pool.ts";
import * as f from "./fixtures/functions.ts";

Deno.test("what a job and its programs write by themselves appears on stderr, and harms no message", async () => {
  const { code, stdout, stderr } = await runProgram({
    "main.ts": `
      import * as hi from "hither";
      const writes = hi.func("writes", "1", async () => {
        Deno.stdout.writeSync(new TextEncoder().encode("by hand\\n"));
        const { success } = await new Deno.Command("sh", {
          args: ["-c", "cat; echo by a program; echo as an error >&2"],
          stdin: "inherit",
          stdout: "inherit",
          stderr: "inherit",
        }).spawn().status;
        console.log("by its console");
        return success;
      });
      if (import.meta.main) {
        await using jobHandler = new hi.ParallelJobHandler({ numWorkers: 1, isolation: "process" });
        await hi.config({ jobHandler, jobCache: null }, async () => {
          const job = writes.run();
          console.log(await job, job.console.map(({ text }) => text).join(""));
        });
      }
    `,
  });
  assertEquals([code, stdout], [
    0,
    "[writes] by its console\ntrue by its console\n\n",
  ], stderr);
  assertEquals(stderr, "by hand\nby a program\nas an error\n");
});

Deno.test("messages come whole while a job writes much by itself", () =>
  inPool(
    { numWorkers: 1, jobsPerWorker: 2, isolation: "process" },
    async () => {
      const writes = f.writesMuch.run(20_000);
      const lengths = await Promise.all(
        [1, 70_000, 3, 1_000_000].map((length) => f.bytes.run(length)),
      );
      assertEquals(lengths.map(({ length }) => length), [
        1,
        70_000,
        3,
        1_000_000,
      ]);
      assertEquals(await writes, 20_000);
    },
  ));
