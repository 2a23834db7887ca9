import { assertEquals, assertStringIncludes } from "@std/assert";
import { stdArguments } from "../house/run.ts";
import { runProgram } from "../parallel/pool.ts";

const ASKS = (isolation: string, options = "") => ({
  "main.ts": `
    import * as hi from "hither";
    const asks = hi.func("asks", "1", (name: string) =>
      Deno.permissions.querySync({ name }).state);
    const mayRead = hi.func("may_read", "1", (path: string) =>
      Deno.permissions.querySync({ name: "read", path }).state);
    const mayWrite = hi.func("may_write", "1", (path: string) =>
      Deno.permissions.querySync({ name: "write", path }).state);
    if (import.meta.main) {
      await using jobHandler = new hi.ParallelJobHandler({ numWorkers: 1, isolation: "${isolation}" });
      await hi.config({ jobHandler, jobCache: null, ${options} }, async () => {
        for (const name of ["read", "write", "net", "env", "run"]) {
          console.log(name, await asks.run(name));
        }
        console.log(await mayRead.run("/dev/fd/3"), await mayWrite.run("/dev/fd/4"));
        console.log(await mayWrite.run("/tmp/a"), await mayWrite.run("/etc"));
      });
    }
  `,
});

const LISTED = [
  "--allow-read",
  "--allow-run",
  "--allow-write=/tmp",
  "--allow-env",
];

Deno.test("a process may what the program may, and no more, lists too", async () => {
  const { code, stdout, stderr } = await runProgram(ASKS("process"), {
    permissions: LISTED,
  });
  assertEquals([code, stderr], [0, ""]);
  assertEquals(stdout.trim().split("\n"), [
    "read granted",
    "write prompt",
    "net prompt",
    "env granted",
    "run granted",
    "granted prompt",
    "granted prompt",
  ]);
});

Deno.test("without permission to start a program, a process is refused, and the error names the flag", async () => {
  const { code, stderr } = await runProgram(ASKS("process"), {
    permissions: ["--allow-read", "--allow-env"],
  });
  assertEquals(code, 1);
  assertStringIncludes(stderr, "PermissionNeededError");
  assertStringIncludes(stderr, "asks 1");
  assertStringIncludes(stderr, "--allow-run=");
});

Deno.test("without it, jobs with a timeout run in threads, and one warning says what that means", async () => {
  const { code, stdout, stderr } = await runProgram(
    ASKS("auto", "timeout: 60_000"),
    { permissions: ["--allow-read", "--allow-env"] },
  );
  assertEquals(code, 0, stderr);
  assertStringIncludes(stdout, "run prompt\n");
  assertEquals(stderr.match(/hither: a timeout cannot stop/g)?.length, 1);
  assertEquals(stderr.trim().split("\n").length, 1);
  assertStringIncludes(stderr, "--allow-run=");
});

Deno.test("without it, a limit of memory is an error: a thread cannot keep it", async () => {
  const { code, stderr } = await runProgram(ASKS("auto", "memory: 1e9"), {
    permissions: ["--allow-read", "--allow-env"],
  });
  assertEquals(code, 1);
  assertStringIncludes(stderr, "PermissionNeededError");
});

Deno.test("where Deno alone may be started, the pipe is the standard one, and jobs run all the same", async () => {
  const files = {
    "main.ts": `
      import * as hi from "hither";
      const writes = hi.func("writes", "1", () => {
        Deno.stdout.writeSync(new TextEncoder().encode("by hand\\n"));
        return 7;
      });
      if (import.meta.main) {
        await using jobHandler = new hi.ParallelJobHandler({ numWorkers: 1, isolation: "process" });
        const denoArgs = ${JSON.stringify(stdArguments())};
        await hi.config({ jobHandler, jobCache: null, denoArgs }, async () => {
          console.log(await writes.run());
        });
      }
    `,
  };
  const { code, stdout, stderr } = await runProgram(files, {
    permissions: ["--allow-read", `--allow-run=${Deno.execPath()}`],
  });
  assertEquals([code, stdout, stderr], [0, "7\n", "by hand\n"]);
});
