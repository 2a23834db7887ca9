import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
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

for (const isolation of ["worker", "process"]) {
  Deno.test(`a maxMemoryPerWorker below what an idle worker takes is warned of once (${isolation})`, async () => {
    const { code, stdout, stderr } = await runProgram({
      "main.ts": `
        import * as hi from "hither";
        const half = hi.func("half", "1", (x: number) => x / 2);
        if (import.meta.main) {
          await using jobHandler = new hi.ParallelJobHandler({
            numWorkers: 2,
            isolation: "${isolation}",
            maxMemoryPerWorker: 1_000_000,
          });
          await hi.config({ jobHandler, jobCache: null }, async () => {
            let sum = 0;
            for (let x = 0; x < 3; x++) sum += await half.run(2 * x);
            console.log(sum);
          });
        }
      `,
    });
    assertEquals([code, stdout], [0, "3\n"]);
    assertMatch(
      stderr,
      /^hither: a worker is replaced after every job, as maxMemoryPerWorker is 1000000 bytes and a worker that has done nothing yet takes \d{7,}: set it well above that, or leave it out\n$/,
    );
  });
}
