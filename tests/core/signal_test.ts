import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import * as hi from "../../mod.ts";
import { stdArguments } from "../house/run.ts";

const turn = () => new Promise<void>((resolve) => setTimeout(resolve));
const add = hi.func("signal_add", "1", (a: number, b: number) => a + b);
let lastName = 0;

function never() {
  const signals: AbortSignal[] = [];
  const fn = hi.func(`signal_never_${++lastName}`, "1", (_: number) => {
    signals.push(hi.current().signal);
    return new Promise<number>(() => {});
  });
  return { fn, signals };
}

Deno.test("a signal cancels all that was submitted under it: queued, running, waiting, and what comes later", async () => {
  const controller = new AbortController();
  await using jobHandler = new hi.DefaultJobHandler({ concurrency: 1 });
  const { fn, signals } = never();
  await hi.config({
    jobHandler,
    signal: controller.signal,
    resources: { gpu: 1 },
  }, async () => {
    const running = fn.run(1);
    const settled = await add.with({ jobHandler: null }).run(1, 1);
    const jobs = [
      running,
      fn.run(2),
      add.run(running, 1),
      add.with({ limits: { gpu: 1 } }).run(1, 2),
    ];
    await turn();
    controller.abort("enough");
    jobs.push(add.run(3, 3));
    for (const job of jobs) {
      assertEquals(job.status, "cancelled");
      const error = await assertRejects(
        async () => await job,
        hi.JobCancelledError,
      );
      assertEquals(error.cause, "enough");
    }
    assertEquals([settled, signals[0]!.aborted], [2, true]);
    assertEquals((await hi.wait()).cancelled, 5);
  });
});

Deno.test("a signal inside of another comes beside it; null is neither", async () => {
  const [outer, inner] = [new AbortController(), new AbortController()];
  const { fn } = never();
  await using jobHandler = new hi.DefaultJobHandler({ concurrency: 9 });
  await hi.config({ jobHandler, signal: outer.signal }, () => {
    const both = fn.with({ signal: inner.signal });
    const jobs = [both.run(1), fn.run(2), fn.with({ signal: null }).run(3)];
    inner.abort();
    assertEquals(jobs.map(({ status }) => status), [
      "cancelled",
      "queued",
      "queued",
    ]);
    outer.abort();
    assertEquals(jobs.map(({ status }) => status), [
      "cancelled",
      "cancelled",
      "queued",
    ]);
    assertEquals(both.run(4).status, "cancelled");
    jobs[2]!.cancel();
  });
});

Deno.test("a signal that cancels one of two identical jobs leaves the other", async () => {
  const controller = new AbortController();
  const { promise, resolve } = Promise.withResolvers<number>();
  const fn = hi.func("signal_shared", "1", () => promise);
  const [a, b] = [fn.with({ signal: controller.signal }).run(), fn.run()];
  await turn();
  controller.abort();
  resolve(7);
  assertEquals([a.status, await b], ["cancelled", 7]);
});

Deno.test("a signal reaches the jobs of a job", async () => {
  const controller = new AbortController();
  const { fn, signals } = never();
  const parent = hi.func(
    "signal_parent",
    "1",
    (): Promise<number> => Promise.resolve(fn.run(1)),
  );
  const job = hi.config({ signal: controller.signal }, () => parent.run());
  await turn();
  assertEquals(signals.length, 1);
  controller.abort();
  await assertRejects(async () => await job, hi.JobCancelledError);
  assertEquals(signals[0]!.aborted, true);
});

Deno.test("a job that is cancelled while another process has its key waits no longer", async () => {
  const path = await Deno.makeTempDir();
  const program = `
    import * as hi from "${new URL("../../mod.ts", import.meta.url)}";
    const f = hi.func("signal_lease", "1", () => {
      console.log("runs");
      return new Promise((resolve) => setTimeout(resolve, 60_000));
    });
    hi.setDefaults({ jobCache: new hi.JobCache({ path: ${
    JSON.stringify(path)
  } }) });
    await f.run();
  `;
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "-q",
      "--no-check",
      ...stdArguments(),
      `data:application/typescript,${encodeURIComponent(program)}`,
    ],
    stdout: "piped",
    stderr: "null",
    stdin: "null",
    env: { NO_COLOR: "1" },
  }).spawn();
  const reader = child.stdout.getReader();
  await reader.read();
  await using jobCache = new hi.JobCache({ path });
  const controller = new AbortController();
  const f = hi.func("signal_lease", "1", () => 1 as unknown);
  const job = f.with({ jobCache, signal: controller.signal }).run();
  await turn();
  await turn();
  assertEquals([job.status, job.attempts], ["queued", 0]);
  controller.abort();
  await assertRejects(async () => await job, hi.JobCancelledError);
  child.kill("SIGKILL");
  await reader.cancel();
  await child.status;
});

Deno.test("a signal ends the waiting for a job, not the job", async () => {
  const { fn } = never();
  const job = fn.run(1);
  const reason = new Error("enough");
  assertStrictEquals(
    await assertRejects(() => job.wait({ signal: AbortSignal.abort(reason) })),
    reason,
  );
  assertEquals(job.status === "cancelled", false);
  job.cancel();
});
