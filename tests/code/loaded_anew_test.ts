// Code that is edited while a program runs: what its new workers load is not what the program has.
import { assertEquals, assertMatch } from "@std/assert";
import { deno, programArguments, ROOT, temporaryFolder } from "../house/run.ts";

const HITHER = new URL("../../mod.ts", import.meta.url).href;

const mainOf = (code: string) => `
  import * as hi from "${HITHER}";
  import { times } from "./times.ts";
  const [isolation, edit] = Deno.args;
  export const f = hi.func("loaded_anew", "1", async (x: number) => {
    // So long that two of them need two workers.
    await new Promise((resolve) => setTimeout(resolve, 200));
    return times(x);
  }, { code: "${code}" });
  if (import.meta.main) {
    const jobCache = new hi.JobCache({ path: new URL("./cache", import.meta.url).pathname });
    await using jobHandler = new hi.ParallelJobHandler({ numWorkers: 2, isolation });
    await hi.config({ jobCache, jobHandler }, async () => {
      const before = await f.run(1);
      if (edit === "edit") {
        const factor = new URL("./factor.ts", import.meta.url);
        Deno.writeTextFileSync(factor, "export const factor = 1_000;\\n");
      }
      await Promise.all([f.run(2), f.run(3)]);
      const later = [4, 5].map(async (x) => {
        try {
          return await f.run(x);
        } catch (error) {
          return error.name;
        }
      });
      console.log(before, (await Promise.all(later)).join(" "));
    });
  }
`;

const FACTOR = "export const factor = 10;\n";

for (const code of ["warn", "auto"]) {
  for (const isolation of ["worker", "process"]) {
    Deno.test(`what a ${isolation} makes of edited code is not kept as that of the code before: ${code}`, async () => {
      await using folder = await temporaryFolder({
        "main.ts": mainOf(code),
        "times.ts":
          'import { factor } from "./factor.ts";\nexport const times = (x: number) => x * factor;\n',
        "factor.ts": FACTOR,
      });
      const run = (edit: string) =>
        deno(
          programArguments(`${folder.path}/main.ts`, isolation, edit),
          { cwd: ROOT },
        );
      const edited = await run("edit");
      assertEquals(edited.code, 0, edited.stderr);
      assertMatch(
        edited.stderr,
        /^hither: the results of loaded_anew 1 are not kept: .*factor\.ts was written to after the program had loaded it: start the program again\n$/,
      );
      if (code === "auto") {
        assertEquals(edited.stdout, "10 CodeUnknownError CodeUnknownError\n");
      }
      await Deno.writeTextFile(`${folder.path}/factor.ts`, FACTOR);
      const after = await run("");
      assertEquals([after.code, after.stdout], [0, "10 40 50\n"], after.stderr);
      const again = await run("");
      assertEquals([again.code, again.stdout, again.stderr], [
        0,
        "10 40 50\n",
        "",
      ]);
    });
  }
}

Deno.test("a file that is edited while the first job runs is not taken for what has run", async () => {
  await using folder = await temporaryFolder({
    "factor.ts": FACTOR,
    "main.ts": `
      import * as hi from "${HITHER}";
      import { factor } from "./factor.ts";
      const f = hi.func("edited_meanwhile", "1", async (x: number) => {
        if (Deno.args[0] === "edit") {
          const path = new URL("./factor.ts", import.meta.url);
          Deno.writeTextFileSync(path, "export const factor = 1_000;\\n");
        }
        await Promise.resolve();
        return x * factor;
      });
      const jobCache = new hi.JobCache({ path: new URL("./cache", import.meta.url).pathname });
      await hi.config({ jobCache }, async () => {
        const job = f.run(2);
        console.log(await job, job.cached);
      });
    `,
  });
  const run = (...args: string[]) =>
    deno(programArguments(`${folder.path}/main.ts`, ...args));
  const edited = await run("edit");
  assertEquals([edited.code, edited.stdout], [0, "20 false\n"], edited.stderr);
  const next = await run();
  assertEquals([next.code, next.stdout], [0, "20 true\n"]);
  assertMatch(next.stderr, /factor\.ts changed/);
});
