// Jobs that jobs submit in a worker.
import { assertEquals, assertStringIncludes } from "@std/assert";
import { deno, stdArguments, temporaryFolder } from "../house/run.ts";

async function run(body: string) {
  await using folder = await temporaryFolder({
    "main.ts": `
import * as hi from ${
      JSON.stringify(new URL("../../mod.ts", import.meta.url).href)
    };
const bad = hi.func("bad", "1", (x: number): number => { throw new RangeError("below " + x); });
${body}`,
  });
  const path = `${folder.path}/main.ts`;
  return await deno(["run", "-A", "--no-check", ...stdArguments(), path]);
}

const SUBMIT = `
if (import.meta.main) {
  await using jobHandler = new hi.ParallelJobHandler({ numWorkers: 1 });
  console.log(await hi.config({ jobHandler }, () => outer.run()));
}`;

Deno.test("a failure inside of a job that nobody looked at is told", async () => {
  const { stdout, stderr } = await run(`
const outer = hi.func("outer", "1", async () => { bad.run(3); await hi.wait(); return 1; });
${SUBMIT}`);
  assertEquals(stdout, "1\n");
  assertStringIncludes(stderr, "1 job failed and nobody looked at its error");
  assertStringIncludes(stderr, "bad 1: RangeError: below 3");
});

Deno.test("a failure inside of a job that was looked at is not", async () => {
  const { stdout, stderr } = await run(`
const outer = hi.func("outer", "1", async () => {
  const job = bad.run(3);
  await hi.wait();
  return String(job.error);
});
${SUBMIT}`);
  assertEquals([stdout, stderr], ["RangeError: below 3\n", ""]);
});
