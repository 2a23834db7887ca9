import { assertEquals, assertStringIncludes } from "@std/assert";
import { runProgram } from "./pool.ts";

// In a notebook nobody sees what a worker itself prints.
Deno.test("what a worker has to say appears on the program's own console", async () => {
  const { code, stdout, stderr } = await runProgram({
    "main.ts": `
      import * as hi from "hither";
      const turn = () => new Promise((resolve) => setTimeout(resolve));
      const leaves = hi.func("leaves", "1", () => {
        setTimeout(() => {
          console.log("printed late");
          throw new RangeError("failed late");
        });
      });
      const waits = hi.func("waits", "1", async () => {
        for (let i = 0; i < 5; i++) await turn();
      });
      if (import.meta.main) {
        const said: string[] = [];
        const print = console.log;
        console.log = console.error = (text) => said.push(text);
        await using jobHandler = new hi.ParallelJobHandler({ numWorkers: 1 });
        await hi.config({ jobHandler, jobCache: null }, async () => {
          await leaves.run();
          await waits.run();
        });
        print(said.map((text) => text.split("\\n")[0]).join("\\n"));
      }
    `,
  });
  assertEquals([code, stderr], [0, ""]);
  const [late, warning] = stdout.split("\n");
  assertEquals(late, "[leaves] printed late");
  assertStringIncludes(warning!, "hither: leaves 1 had ended");
  assertStringIncludes(warning!, "failed late");
});
