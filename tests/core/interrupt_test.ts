// Ctrl-C in real programs: the jobs are cancelled, the cache is whole, the program ends.
import { assert, assertEquals, assertMatch } from "@std/assert";
import * as hi from "../../mod.ts";
import { programArguments, temporaryFolder } from "../house/run.ts";

const HITHER = new URL("../../mod.ts", import.meta.url).href;

const PROGRAM = `
  import * as hi from "${HITHER}";
  const spins = hi.func("spins", "1", (x: number): number => {
    console.log("up");
    while (true) x++;
  });
  const stores = hi.func("stores", "1", (x: number) => new Float64Array(20_000).fill(x));
  if (import.meta.main) {
    const [how, path] = Deno.args;
    await using jobHandler = new hi.ParallelJobHandler({ numWorkers: 1 });
    await using jobCache = new hi.JobCache({ path });
    await hi.config({ jobHandler, jobCache }, async () => {
      await Promise.all(stores.map([1, 2, 3]));
      if (how === "idle") {
        console.log("up");
        await new Promise((resolve) => setTimeout(resolve, 60_000));
      }
      const jobs = spins.map([1, 2]);
      const next = stores.run(jobs[0] as never);
      try {
        await jobs[0];
      } catch (error) {
        console.log(error.name, jobs.map(({ status }) => status).join(), next.status);
        console.log(stores.run(9).status);
        if (how === "caught") return;
        if (how === "stays") await new Promise((resolve) => setTimeout(resolve, 60_000));
        throw error;
      }
    });
  }
`;

interface Program {
  readonly child: Deno.ChildProcess;
  /** Resolves when the text has been printed. */
  printed(text: string): Promise<void>;
  readonly output: () => { stdout: string; stderr: string };
  readonly ended: Promise<Deno.CommandStatus>;
}

function start(command: string, args: string[]): Program {
  const child = new Deno.Command(command, {
    args,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    env: { NO_COLOR: "1" },
  }).spawn();
  const text = { stdout: "", stderr: "" };
  let wake = () => {};
  const collect = async (name: "stdout" | "stderr") => {
    for await (const part of child[name].pipeThrough(new TextDecoderStream())) {
      text[name] += part;
      wake();
    }
    wake();
  };
  const read = Promise.all([collect("stdout"), collect("stderr")]);
  return {
    child,
    output: () => text,
    ended: read.then(() => child.status),
    async printed(what) {
      while (!(text.stdout + text.stderr).includes(what)) {
        await new Promise<void>((resolve) => wake = resolve);
      }
    },
  };
}

async function program(
  how: string,
): Promise<Program & AsyncDisposable & { cache: string }> {
  const folder = await temporaryFolder({ "main.ts": PROGRAM });
  const cache = `${folder.path}/cache`;
  const args = programArguments(`${folder.path}/main.ts`, how, cache);
  return Object.assign(start(Deno.execPath(), args), {
    cache,
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  });
}

async function isWhole(path: string): Promise<void> {
  await using jobCache = new hi.JobCache({ path });
  const { badRecords, missingBlobs, records } = await jobCache.verify();
  assertEquals([badRecords, missingBlobs, records], [0, 0, 3]);
}

for (const [signal, code] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
  for (const how of ["caught", "thrown"]) {
    Deno.test(`${signal} cancels all jobs, also a hot loop; the program ends with ${code}, its error ${how}`, async () => {
      await using running = await program(how);
      await running.printed("up");
      running.child.kill(signal);
      assertEquals((await running.ended).code, code);
      const { stdout, stderr } = running.output();
      assertEquals(
        stdout,
        "[spins] up\nJobCancelledError cancelled,cancelled cancelled\ncancelled\n",
      );
      assertEquals(
        stderr,
        `hither: ${signal}: 3 jobs are cancelled (once more to end at once)\n`,
      );
      await isWhole(running.cache);
    });
  }
}

Deno.test("a second SIGINT ends the program at once", async () => {
  await using running = await program("stays");
  await running.printed("up");
  running.child.kill("SIGINT");
  await running.printed("cancelled\ncancelled");
  running.child.kill("SIGINT");
  assertEquals((await running.ended).code, 130);
  await isWhole(running.cache);
});

Deno.test("with no job outstanding SIGINT ends the program as it always does", async () => {
  await using running = await program("idle");
  await running.printed("up");
  running.child.kill("SIGINT");
  const { signal, code } = await running.ended;
  assert(signal === "SIGINT" || code === 130, `${signal} ${code}`);
  assertEquals(running.output().stderr, "");
});

Deno.test("jobs in the program's own event loop do not stand in the way of SIGINT", async () => {
  await using folder = await temporaryFolder({
    "main.ts": `
      import * as hi from "${HITHER}";
      const spins = hi.func("spins", "1", () => {
        Deno.stdout.writeSync(new TextEncoder().encode("up"));
        while (true);
      });
      await spins.run();
    `,
  });
  const args = programArguments(`${folder.path}/main.ts`);
  const running = start(Deno.execPath(), args);
  await running.printed("up");
  running.child.kill("SIGINT");
  assertEquals((await running.ended).signal, "SIGINT");
});

Deno.test("SIGINT cancels a job that waits for its next attempt", async () => {
  await using folder = await temporaryFolder({
    "main.ts": `
        import * as hi from "${HITHER}";
        const retry = { maxAttempts: 2, minTimeout: 60_000, jitter: 0 };
        const fails = hi.func("fails", "1", () => { throw new Error("always"); }, { retry });
        if (import.meta.main) {
          await using jobHandler = new hi.ParallelJobHandler({ numWorkers: 1 });
          await hi.config({ jobHandler, jobCache: null }, async () => {
            const job = fails.run();
            try {
              for await (const { type } of job) if (type === "console") console.log("waits");
              await job;
            } finally {
              console.log(job.status, job.attempts);
            }
          });
        }
      `,
  });
  const args = programArguments(`${folder.path}/main.ts`);
  const running = start(Deno.execPath(), args);
  await running.printed("waits");
  running.child.kill("SIGINT");
  assertEquals((await running.ended).code, 130);
  const { stdout, stderr } = running.output();
  assertEquals(stdout, "waits\ncancelled 1\n");
  assertEquals(
    stderr,
    "hither: SIGINT: 1 job is cancelled (once more to end at once)\n",
  );
});

for (const how of ["await", "hi.map"]) {
  Deno.test(`SIGINT is heard in a loop over hits (${how})`, async () => {
    await using folder = await temporaryFolder({
      "main.ts": `
        import * as hi from "${HITHER}";
        const adds = hi.func("adds", "1", (x: number) => x + 1);
        const never = hi.func("never", "1", () => new Promise(() => {}));
        if (import.meta.main) {
          await using jobHandler = new hi.ParallelJobHandler({ numWorkers: 1 });
          await using jobCache = new hi.JobCache({ path: await Deno.makeTempDir() });
          await hi.config({ jobHandler, jobCache }, async () => {
            await Promise.all(adds.map([0, 1, 2]));
            never.run();
            console.log("loops");
            function* numbers() { for (let i = 0; i < 2_000_000; i++) yield i % 3; }
            if ("${how}" === "await") for (const x of numbers()) await adds.run(x);
            else for await (const _ of hi.map(adds, numbers()));
            console.log("not heard");
          });
        }
      `,
    });
    const args = programArguments(`${folder.path}/main.ts`);
    const running = start(Deno.execPath(), args);
    await running.printed("loops");
    running.child.kill("SIGINT");
    assertEquals((await running.ended).code, 130);
    assertEquals(running.output().stdout, "loops\n");
  });
}

Deno.test({
  name: "Ctrl-C in a terminal does the same",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using folder = await temporaryFolder({ "main.ts": PROGRAM });
    const args = programArguments(
      `${folder.path}/main.ts`,
      "thrown",
      `${folder.path}/cache`,
    );
    const line = [Deno.execPath(), ...args].join(" ");
    const terminal = new Deno.Command("script", {
      args: ["-qec", line, "/dev/null"],
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
      env: { NO_COLOR: "1" },
    }).spawn();
    const keys = terminal.stdin.getWriter();
    let text = "";
    for await (
      const part of terminal.stdout.pipeThrough(new TextDecoderStream())
    ) {
      const before = text.includes("up");
      text += part;
      if (!before && text.includes("up")) await keys.write(new Uint8Array([3]));
    }
    assertEquals((await terminal.status).code, 130);
    await keys.close().catch(() => {});
    assertMatch(text, /SIGINT: 3 jobs are cancelled/);
    await isWhole(`${folder.path}/cache`);
  },
});
