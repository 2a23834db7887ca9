// No process is left behind, however the program ends.
import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { stdArguments, temporaryFolder } from "../house/run.ts";
import { runProgram } from "../parallel/pool.ts";
import { childrenOf, isAlive, makeFifo } from "./processes.ts";

const BUSY: Record<string, string> = {
  "computes for ever": "while (true);",
  "is blocked": "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);",
  "prints for ever": `while (true) console.log("again and again");`,
  "waits for ever": "return new Promise(() => {});",
};

/** Starts a program whose job reports to a FIFO and does the like; it prints its own number. */
async function start(
  does: string,
  fifo: string,
): Promise<AsyncDisposable & { program: Deno.ChildProcess }> {
  const folder = await temporaryFolder({
    "main.ts": `
      import * as hi from "${new URL("../../mod.ts", import.meta.url)}";
      const busy = hi.func("busy", "1", (fifo: string) => {
        const file = Deno.openSync(fifo, { write: true });
        globalThis.kept = file;
        file.writeSync(new TextEncoder().encode(String(Deno.pid)));
        ${does}
      });
      if (import.meta.main) {
        const jobHandler = new hi.ParallelJobHandler({ numWorkers: 1, isolation: "process" });
        hi.setDefaults({ jobHandler, jobCache: null });
        await busy.run(Deno.args[0]);
      }
    `,
  });
  const program = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "--quiet",
      "--no-check",
      ...stdArguments(),
      join(folder.path, "main.ts"),
      fifo,
    ],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  return {
    program,
    async [Symbol.asyncDispose]() {
      await folder[Symbol.asyncDispose]();
    },
  };
}

for (const [does, code] of Object.entries(BUSY)) {
  Deno.test(`when the program is killed, the process of a job that ${does} ends`, async () => {
    await using fifo = await makeFifo();
    await using started = await start(code, fifo.path);
    const pid = await fifo.begin();
    assertEquals(isAlive(pid), true);
    started.program.kill("SIGKILL");
    await started.program.status;
    await fifo.end();
    assertEquals(isAlive(pid), false);
  });
}

Deno.test("a program that was stopped and goes on finds its process as it was", async () => {
  await using fifo = await makeFifo();
  await using started = await start(
    `for (let i = 0; i < 20_000; i++) console.log("again and again"); Deno.openSync(fifo, { write: true }).writeSync(new TextEncoder().encode("done"));`,
    fifo.path,
  );
  const pid = await fifo.begin();
  started.program.kill("SIGSTOP");
  assertEquals(isAlive(pid), true);
  started.program.kill("SIGCONT");
  const { code } = await started.program.status;
  await fifo.end();
  assertEquals([code, isAlive(pid)], [0, false]);
});

Deno.test("a program that does not dispose its handler ends at once, and its processes with it", async () => {
  const { code, stdout, stderr } = await runProgram({
    "main.ts": `
      import * as hi from "hither";
      const pid = hi.func("pid", "1", () => Deno.pid);
      if (import.meta.main) {
        const jobHandler = new hi.ParallelJobHandler({ numWorkers: 2, isolation: "process" });
        hi.setDefaults({ jobHandler, jobCache: null });
        console.log((await Promise.all([pid.run(), pid.with({ memory: 1e9 }).run()])).join());
      }
    `,
  });
  assertEquals(code, 0, stderr);
  const pids = stdout.trim().split(",");
  assertEquals(pids.length, 2, stdout);
  assertEquals(childrenOf(), []);
});
