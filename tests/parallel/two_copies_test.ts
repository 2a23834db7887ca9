// Two versions, or two paths, of the package in one program: each is a library of its own.
import { assertEquals } from "@std/assert";
import { ROOT, temporaryFolder } from "../house/run.ts";
import { runProgram } from "./pool.ts";

/** The package at another path. */
async function otherCopy(): Promise<AsyncDisposable & { url: string }> {
  const folder = await temporaryFolder();
  await Deno.symlink(ROOT, `${folder.path}/copy`, { type: "dir" });
  return {
    url: `file://${folder.path}/copy/mod.ts`,
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

Deno.test("a script that uses two copies of the package waits in each worker, whichever copy it waits for", async () => {
  await using copy = await otherCopy();
  const { code, stdout, stderr } = await runProgram({
    "main.ts": `
      import * as one from "hither";
      import * as two from "${copy.url}";
      if (one.func === two.func) throw new Error("one copy only");
      const f = one.func("f", "1", (x: number) => x + 1);
      const g = two.func("g", "1", (x: number) => x * 10);
      one.setDefaults({ jobHandler: new one.ParallelJobHandler({ numWorkers: 1 }), jobCache: null });
      two.setDefaults({ jobHandler: new two.ParallelJobHandler({ numWorkers: 1 }), jobCache: null });
      const first = f.run(1);
      // A worker of the one copy waits here for a job of the other, and gets no further.
      console.log(await g.run(1));
      await Deno.writeTextFile("after.txt", "x", { append: true });
      console.log(await first, await Promise.all([f.run(2), g.run(2)]));
      console.log(await Deno.readTextFile("after.txt"));
    `,
  });
  assertEquals(code, 0, stderr);
  assertEquals(stdout, "10\n2 [ 3, 20 ]\nx\n");
});

Deno.test("a job of one copy runs jobs of the other", async () => {
  await using copy = await otherCopy();
  const { code, stdout, stderr } = await runProgram({
    "main.ts": `
      import * as one from "hither";
      import * as two from "${copy.url}";
      const inner = two.func("inner", "1", async (x: number) => await innermost.run(x) + 1);
      const innermost = one.func("innermost", "1", (x: number) => x * 2);
      const outer = one.func("outer", "1", async (x: number) => await inner.run(x) * 10);
      const jobHandler = new one.ParallelJobHandler({ numWorkers: 1 });
      one.setDefaults({ jobHandler, jobCache: null });
      two.setDefaults({ jobCache: null });
      console.log(await outer.run(1));
    `,
  });
  assertEquals(code, 0, stderr);
  assertEquals(stdout, "30\n");
});
