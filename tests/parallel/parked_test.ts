import { assertEquals, assertStringIncludes } from "@std/assert";
import { runProgram } from "./pool.ts";

const PRELUDE = `
  import * as hi from "hither";
  const jobHandler = new hi.ParallelJobHandler({ numWorkers: 1 });
  hi.setDefaults({ jobHandler, jobCache: null });
`;

/** Prints the error of a job as one line. */
const TELL = `
  const tell = (job) => Promise.resolve(job).then(
    (value) => console.log("result", value),
    (error) => console.log(error.name, error.message),
  );
`;

Deno.test("a script without import.meta.main works, also with awaits and prints before its functions", async () => {
  const { code, stdout, stderr } = await runProgram({
    "main.ts": `
      ${PRELUDE}
      console.log("top");
      const offset = await Promise.resolve(10);
      await new Promise((resolve) => setTimeout(resolve, 1));
      console.log("after the awaits");
      const f = hi.func("f", "1", (x: number) => x + offset);
      const jobs = f.map([1, 2, 3]);
      const counts = await hi.wait();
      console.log(jobs.map((job) => job.getResult()));
      console.log(await f.run(4));
      console.log("bottom");
    `,
  });
  assertEquals(code, 0, stderr);
  assertEquals(
    stdout,
    "top\nafter the awaits\n[ 11, 12, 13 ]\n14\nbottom\n",
  );
});

for (
  const [what, wait] of Object.entries({
    "a job": "await f.run(1)",
    "hi.wait()": "f.run(1); await hi.wait()",
    "hi.config()": "await hi.config({ jobHandler }, () => f.run(1))",
    "job.wait()": "await f.run(1).wait()",
  })
) {
  Deno.test(`nothing after the first await on ${what} happens in a worker`, async () => {
    const { code, stdout, stderr } = await runProgram({
      "main.ts": `
        ${PRELUDE}
        const f = hi.func("f", "1", (x: number) => x);
        await Deno.writeTextFile("before.txt", "x", { append: true });
        ${wait};
        await Deno.writeTextFile("after.txt", "x", { append: true });
        await f.run(2);
        console.log(await Deno.readTextFile("before.txt"));
        console.log(await Deno.readTextFile("after.txt"));
      `,
    });
    assertEquals(code, 0, stderr);
    assertEquals(stdout, "xx\nx\n");
  });
}

Deno.test("a function that the script defines after its first wait is an error with the cure", async () => {
  const { code, stdout, stderr } = await runProgram({
    "main.ts": `
      ${PRELUDE}${TELL}
      const early = hi.func("early", "1", (x: number) => x);
      await tell(early.run(1));
      const late = hi.func("late", "1", (x: number) => x);
      await tell(late.run(2));
      await tell(early.run(3));
    `,
  });
  assertEquals(code, 0, stderr);
  const [first, second, third] = stdout.split("\n");
  assertEquals(first, "result 1");
  assertEquals(third, "result 3");
  for (
    const text of [
      "FunctionNotFoundError",
      "late 1",
      "main.ts",
      "import.meta.main",
      "before the first await",
    ]
  ) assertStringIncludes(second!, text);
});

Deno.test("a module that waits for a parked script is an error with the cure, not a hang", async () => {
  const { code, stdout, stderr } = await runProgram({
    "main.ts": `
      ${PRELUDE}${TELL}
      export const base = hi.func("base", "1", (x: number) => x);
      await tell(base.run(1));
      const module = new URL("circle.ts", import.meta.url).href;
      const circle = hi.func("circle", "1", (x: number) => x, { module });
      await tell(circle.run(2));
      await tell(base.run(3));
    `,
    "circle.ts": `
      import * as hi from "hither";
      import { base } from "./main.ts";
      export const circle = hi.func("circle", "1", (x: number) => base(x));
    `,
  });
  assertEquals(code, 0, stderr);
  const [first, second, third] = stdout.split("\n");
  assertEquals(first, "result 1");
  assertStringIncludes(second!, "FunctionNotFoundError");
  assertStringIncludes(second!, "circle 1");
  assertEquals(third, "result 3");
});

Deno.test("functions of a parked script and of another module run in one pool", async () => {
  const { code, stdout, stderr } = await runProgram({
    "main.ts": `
      ${PRELUDE}
      const here = hi.func("here", "1", (x: number) => x);
      await here.run(0);
      const { there } = await import("./there.ts");
      const jobs = [];
      for (let x = 1; x < 9; x++) jobs.push(here.run(x), there.run(x));
      console.log((await Promise.all(jobs)).join());
    `,
    "there.ts": `
      import * as hi from "hither";
      export const there = hi.func("there", "1", (x: number) => -x);
    `,
  });
  assertEquals(code, 0, stderr);
  assertEquals(stdout, "1,-1,2,-2,3,-3,4,-4,5,-5,6,-6,7,-7,8,-8\n");
});

Deno.test("a script that waits in a function it does not await works", async () => {
  const { code, stdout, stderr } = await runProgram({
    "main.ts": `
      ${PRELUDE}
      main();
      async function main(): Promise<void> {
        console.log(await f.run(5));
      }
    `.replace(
      "main();",
      `const f = hi.func("f", "1", (x: number) => g(x));\n main();`,
    ) + `
      const g = hi.func("g", "1", (x: number) => x * 2);
    `,
  });
  assertEquals(code, 0, stderr);
  assertEquals(stdout, "10\n");
});

Deno.test("a script that polls its jobs works, and its worker is free for others", async () => {
  const { code, stdout, stderr } = await runProgram({
    "main.ts": `
      ${PRELUDE}
      const sleep = (time) => new Promise((resolve) => setTimeout(resolve, time));
      const settled = async (jobs) => {
        while (jobs.some((job) => job.status !== "finished")) await sleep(1);
        console.log(jobs.map((job) => job.getResult()).join());
      };
      const f = hi.func("f", "1", (x: number) => x + 1);
      const early = f.run(1);
      await sleep(1);
      const g = hi.func("g", "1", (x: number) => x * 10);
      await settled([early, g.run(2), f.run(3)]);
      const { there } = await import("./there.ts");
      await settled([there.run(4), g.run(5)]);
    `,
    "there.ts": `
      import * as hi from "hither";
      export const there = hi.func("there", "1", (x: number) => -x);
    `,
  });
  assertEquals(code, 0, stderr);
  assertEquals(stdout, "2,20,4\n-4,50\n");
});

Deno.test("a delay after a submission does not hold up the job", async () => {
  const { code, stdout, stderr } = await runProgram({
    "main.ts": `
      ${PRELUDE}
      const f = hi.func("f", "1", (x: number) => x + 1);
      const job = f.run(1);
      // In the program this ends with the job, in a worker never.
      await new Promise((resolve) => {
        const timer = setInterval(() => {
          if (job.status !== "finished") return;
          clearInterval(timer);
          resolve(undefined);
        }, 1);
      });
      console.log(job.getResult());
    `,
  });
  assertEquals(code, 0, stderr);
  assertEquals(stdout, "2\n");
});

Deno.test("a module is awaited to its end while a script in the same worker goes on submitting", async () => {
  const { code, stdout, stderr } = await runProgram({
    "main.ts": `
      ${PRELUDE}
      const f = hi.func("f", "1", (x: number) => x);
      // In a worker this goes on for ever.
      const timer = setInterval(() => f.run(Math.random()), 1);
      main();
      async function main() {
        await f.run(0);
        const module = new URL("other.ts", import.meta.url).href;
        const other = hi.func("other", "1", () => "", { module });
        console.log(await other.run());
        clearInterval(timer);
      }
    `,
    "other.ts": `
      import * as hi from "hither";
      const table = () => loaded;
      hi.func("other", "1", () => table());
      await new Promise((resolve) => setTimeout(resolve, 50));
      const loaded = "loaded";
    `,
  });
  assertEquals(code, 0, stderr);
  assertEquals(stdout, "loaded\n");
});
