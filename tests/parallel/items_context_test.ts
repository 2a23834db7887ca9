// Calls that travel together share an async context as long as nothing is the matter; nobody is to notice.
import { assert, assertEquals } from "@std/assert";
import { runProgram } from "./pool.ts";

for (const way of ["hi.map", ".run()"]) {
  const results = way === "hi.map"
    ? "await Array.fromAsync(hi.map(f, items))"
    : "await Promise.all(f.map(items))";

  Deno.test(`the async context that a job enters is not that of the next one: ${way}`, async () => {
    const { code, stdout, stderr } = await runProgram({
      "main.ts": `
        import { AsyncLocalStorage } from "node:async_hooks";
        import * as hi from "hither";
        const storage = new AsyncLocalStorage<number>();
        const f = hi.func("enters", "1", (x: number) => {
          const before = storage.getStore() ?? -1;
          if (x % 3 === 0) storage.enterWith(x);
          return before;
        });
        if (import.meta.main) {
          await using jobHandler = new hi.ParallelJobHandler({ numWorkers: 1 });
          const items = Array.from({ length: 2_000 }, (_, i) => i);
          await hi.config({ jobHandler, jobCache: null }, async () => {
            const seen = [...${results}, ...${results}];
            console.log(seen.length, seen.filter((x) => x !== -1).length);
          });
        }
      `,
    });
    assertEquals([code, stdout, stderr], [0, "4000 0\n", ""]);
  });

  Deno.test(`what goes on after its job never has the key of another one: ${way}`, async () => {
    const { code, stdout, stderr } = await runProgram({
      "main.ts": `
        import * as hi from "hither";
        const f = hi.func("goes_on", "1", (x: number) => {
          if (x % 5 === 0) {
            setTimeout(() => {
              const { name, version } = hi.current();
              let key = "unknown";
              try {
                key = hi.current().key;
              } catch (error) {
                key = error.name;
              }
              console.log(name, version, x, key);
            }, 0);
          }
          return x;
        });
        const wait = hi.func("wait", "1", () => new Promise((resolve) => setTimeout(resolve, 5)));
        if (import.meta.main) {
          await using jobHandler = new hi.ParallelJobHandler({ numWorkers: 1 });
          const items = Array.from({ length: 1_000 }, (_, i) => i);
          await hi.config({ jobHandler, jobCache: null }, async () => {
            ${results};
            ${results};
            await wait.run();
          });
          const keys = [];
          await hi.config({ jobCache: null }, async () => {
            for (const x of items) keys.push(f.run(x).key);
          });
          console.log(JSON.stringify(keys));
          Deno.exit();
        }
      `,
    });
    assertEquals([code, stderr], [0, ""]);
    const lines = stdout.trim().split("\n");
    const keys = JSON.parse(lines.pop()!);
    const told = lines.map((line) => line.replace("[goes_on] ", "").split(" "));
    assertEquals(
      told.map(([name, version]) => `${name} ${version}`),
      Array(400).fill("goes_on 1"),
    );
    assertEquals(
      told.map(([, , x]) => Number(x)).sort((a, b) => a - b),
      Array.from({ length: 400 }, (_, i) => 5 * (i >> 1)),
    );
    const known = told.filter(([, , , key]) => key !== "NoCurrentJobError");
    assert(known.length > 0, "some were alone");
    assertEquals(known.filter(([, , x, key]) => keys[Number(x)] !== key), []);
  });

  Deno.test(`what a job has left behind does not fail a later one that waits: ${way}`, async () => {
    const { code, stdout, stderr } = await runProgram({
      "main.ts": `
        import * as hi from "hither";
        const f = hi.func("leaves", "1", (x: number) => {
          if (x % 100 === 50) setTimeout(() => { throw new Error("left by " + x); }, 0);
          if (x % 100 !== 51) return x;
          return new Promise((resolve) => setTimeout(() => resolve(x), 5));
        });
        if (import.meta.main) {
          await using jobHandler = new hi.ParallelJobHandler({ numWorkers: 1 });
          await hi.config({ jobHandler, jobCache: null }, async () => {
            // One that waits is known before.
            await f.run(51);
            const items = Array.from({ length: 1_000 }, (_, i) => i);
            const seen = ${results};
            console.log(seen.every((x, i) => x === i), seen.length);
          });
        }
      `,
    });
    assertEquals([code, stdout], [0, "true 1000\n"]);
    assertEquals(stderr.match(/left by \d+/g)?.length, 10);
  });
}
